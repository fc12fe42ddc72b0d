"""proxy-buffering: an endpoint is free before a slow client has its response; off, and X-Accel-Buffering: no: it waits (SEMANTICS G7)."""
import hashlib

from harness import wait

SIZE = 24 * 1024 * 1024
PIECE = bytes(range(256)) * 256
SUM = hashlib.sha256(PIECE * (SIZE // len(PIECE))).hexdigest()
DONE = []


def answer(connection):
    while request := connection.request():
        how = request.target.strip("/")
        if how == "close":
            connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        elif how == "chunked":
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        else:
            extra = "X-Accel-Buffering: no\r\n" if how == "no" else ""
            connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n{extra}\r\n")
        for _ in range(SIZE // len(PIECE)):
            connection.send(b"10000\r\n" + PIECE + b"\r\n" if how == "chunked" else PIECE)
        if how == "chunked":
            connection.send(b"0\r\n\r\n")
        DONE.append(f"{request.get('host')}/{how}")
        if how == "close":
            return


def ask(c, host, how):
    """A client that has asked and reads nothing so far."""
    client = c.client(receive_buffer=65536, seconds=60)
    client.request("/" + how, host=host)
    return client


def run(t):
    c = t.cluster()
    b = t.backend(handler=answer)
    on = {"proxy-buffering": "on"}
    c.route("on.test", b, annotations=on).route("off.test", b)
    c.route("little.test", b, annotations={**on, "proxy-max-temp-file-size": "1m", "proxy-buffers-number": "16"}).start(workers=1)
    before = c.proxies[0].rss_kib()
    for how in ("length", "chunked", "close"):
        with ask(c, "on.test", how) as client:
            wait.until(lambda: f"on.test/{how}" in DONE, "the endpoint is done though the client has read nothing")
            wait.until(lambda: c.metric('weirlock_upstream_connections{state="open"}') ==
                       c.metric('weirlock_upstream_connections{state="idle"}'), "its connection is free")
            t.check(c.metric("weirlock_body_file_bytes") > SIZE // 2, "most of it is in a file")
            response = client.response()
            t.equal((len(response.body), hashlib.sha256(response.body).hexdigest()), (SIZE, SUM), how)
        wait.until(lambda: c.metric("weirlock_body_file_bytes") == 0, "the file is gone")
    clients = {host + "/" + how: ask(c, host, how) for host, how in (("off.test", "length"), ("on.test", "no"), ("little.test", "length"))}
    wait.until(lambda: c.metric("weirlock_body_file_bytes") > 900000, "the little one is full")
    for name, client in clients.items():
        t.check(name not in DONE, f"{name}: the endpoint waits for the client")
    t.check(c.metric("weirlock_body_file_bytes") <= 1 << 20, "proxy-max-temp-file-size")
    grown = c.proxies[0].rss_kib() - before
    for name, client in clients.items():
        response = client.response()
        t.equal((len(response.body), hashlib.sha256(response.body).hexdigest()), (SIZE, SUM), name)
        t.equal(response.get("x-accel-buffering"), None)
        client.close()
    with ask(c, "on.test", "length") as client:  # one that leaves leaves nothing behind
        wait.until(lambda: c.metric("weirlock_body_file_bytes") > 1000000, "it is kept")
    wait.until(lambda: c.metric("weirlock_body_file_bytes") == 0, "nothing is left")
    t.check(grown < SIZE // 1024, f"the proxy grew by {grown} KiB")
    t.equal(c.get("on.test", "/length").status, 200)
