"""A request is read whole, to memory and then to a file, before a backend is asked; off: it streams (SEMANTICS G6, I33)."""
import hashlib
import threading

from harness import http2, wait

SIZE = 8 * 1024 * 1024
N = 8
PIECE = bytes(range(256)) * 256


ASKED = []


def answer(connection):
    while request := connection.head():
        ASKED.append(request.get("host"))
        connection.body(request)
        connection.reply(200, f"{len(request.body)} {hashlib.sha256(request.body).hexdigest()} "
                         f"{request.get('content-length')} {request.get('transfer-encoding')}")


def run(t):
    c = t.cluster()
    b = t.backend(handler=answer)
    c.config(proxy_body_size="0")
    c.route("a.test", b).route("off.test", b, annotations={"proxy-request-buffering": "off"}).start(workers=1)
    whole = PIECE * (SIZE // len(PIECE))
    expected = f"{SIZE} {hashlib.sha256(whole).hexdigest()} {SIZE} None"

    with c.client() as client:  # a client that stops half-way holds no backend
        client.request("/", method="POST", headers=[f"Content-Length: {SIZE}"]).send(whole[:SIZE // 2])
        wait.until(lambda: c.metric("weirlock_body_file_bytes") > SIZE // 4, "half of it is in a file")
        t.equal(ASKED, [], "what the backend was asked before the body was whole")
        client.send(whole[SIZE // 2:])
        t.equal(client.response().text, expected)
        # chunks become a length, for backends that know no chunks
        client.request("/", method="POST", body=[PIECE, PIECE[:100], b"x"])
        data = PIECE + PIECE[:100] + b"x"
        t.equal(client.response().text, f"{len(data)} {hashlib.sha256(data).hexdigest()} {len(data)} None")
    with c.client() as client:
        client.request("/", host="off.test", method="POST", headers=[f"Content-Length: {SIZE}"]).send(whole[:1000])
        wait.until(lambda: "off.test" in ASKED, "off: the backend is asked at once")
        client.send(whole[1000:])
        t.equal(client.response().text, expected)

    before = c.proxies[0].rss_kib()
    got = []

    def upload():
        with c.client(seconds=120) as one:
            one.request("/", method="PUT", headers=[f"Content-Length: {SIZE}"]).send(whole)
            got.append(one.response().text)

    threads = [threading.Thread(target=upload) for _ in range(N)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    t.equal(got, [expected] * N)
    grown = c.proxies[0].rss_kib() - before
    t.check(grown < 16 * 1024, f"the proxy grew by {grown} KiB for {N} bodies of {SIZE >> 20} MiB")
    wait.until(lambda: c.metric("weirlock_body_file_bytes") == 0, "the files are gone")
    t.say(f"{N} bodies of {SIZE >> 20} MiB at once: the proxy grew by {grown} KiB")
    with http2.Client(c.http()) as h2:
        data = PIECE[:50000]
        stream = h2.open(method="POST", end=False)
        h2.data(stream, data, end=True)
        t.equal(h2.answer(stream).body.decode(), f"{len(data)} {hashlib.sha256(data).hexdigest()} {len(data)} None", "over HTTP/2")
