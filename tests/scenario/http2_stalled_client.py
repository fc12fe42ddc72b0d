"""A client that opens no window, or reads nothing, is cut after proxy-send-timeout with its reason; the backend is let go and
others on other connections are served meanwhile (SECURITY.md 4.2, SEMANTICS G11)."""
import time

from harness import http2, wait

SIZE = 3_000_000


def run(t):
    def handler(connection):
        while request := connection.request():
            if request.target == "/big":
                connection.reply(200, b"z" * SIZE)
            else:
                connection.echo(request)

    c = t.cluster()
    b = t.backend(handler=handler)
    c.route("a.test", b, annotations={"proxy-send-timeout": "1", "proxy-read-timeout": "1"}).start(workers=1)
    # windows of zero
    with http2.Client(c.http(), settings={http2.INITIAL_WINDOW_SIZE: 0}) as client, http2.Client(c.http()) as other:
        streams = [client.open(target="/big") for _ in range(20)]
        started = time.monotonic()
        client.until(lambda: client.streams[streams[0]].headers, "the head")
        t.equal(other.ask().status, 200, "others are served")
        for s in streams:
            t.equal(client.answer(s).reset, http2.INTERNAL_ERROR, "cut")
        t.check(0.8 <= time.monotonic() - started <= 6, f"cut after {time.monotonic() - started:.1f} s")
        wait.until(lambda: b.n_open <= 1, "the backend's connections are let go")
        t.equal(client.ask(target="/empty", method="HEAD").status, 200, "the connection lives")
    c.wait_access("/big")
    t.contains(c.admin("/metrics").body.decode(), 'weirlock_ends_total{reason="client_send_timeout",fault="0"} 20')
    # nobody reads the socket
    client = t.own(http2.Client(c.http(), settings={http2.INITIAL_WINDOW_SIZE: 0x7FFFFFFF}, receive_buffer=4096))
    client.send(http2.frame(http2.WINDOW_UPDATE, 0, 0, b"\x7f\x00\x00\x00"))
    for _ in range(4):
        client.open(target="/big")
    wait.until(lambda: 'reason="client_send_timeout",fault="0"} 24' in c.admin("/metrics").body.decode(), "all are cut")
    t.equal(c.get("a.test").status, 200)
    # slow is not stalled
    with http2.Client(c.http(), grants=False) as client:
        s = client.open(target="/big")
        answer = client.streams[s]
        client.until(lambda: len(answer.body) == 65535, "the first window")
        for _ in range(8):
            wait.pause(0.4)
            client.send(http2.frame(http2.WINDOW_UPDATE, 0, 0, b"\0\1\0\0") + http2.frame(http2.WINDOW_UPDATE, 0, s, b"\0\1\0\0"))
        client.until(lambda: len(answer.body) == 65535 + 8 * 65536, "what it asked for")
        t.equal(answer.reset, None)
