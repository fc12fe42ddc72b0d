"""An HTTP/2 connection ends with GOAWAY: after keep-alive when idle, after keep-alive-requests, when no first request comes in
client-header-timeout or a header block does not end in it (SEMANTICS G4, G5). Pings do not keep it."""
import time

from harness import http2, wait


def run(t):
    c = t.cluster()
    c.config(keep_alive=1, keep_alive_requests=4, client_header_timeout=1).route("a.test", t.backend()).start(workers=1)

    def closes(client, last, what):
        started = time.monotonic()
        t.equal(client.drain(), (last, http2.NO_ERROR), what)
        t.check(0.7 <= time.monotonic() - started <= 5, f"{what}: closed after {time.monotonic() - started:.1f} s")

    with http2.Client(c.http()) as client:
        t.equal(client.ask().status, 200)
        closes(client, 1, "idle")
    with http2.Client(c.http()) as client:
        closes(client, 0, "no request")
    with http2.Client(c.http()) as client:
        client.until(lambda: client.settings, "SETTINGS: they are acknowledged before the block begins")
        client.send(http2.frame(http2.HEADERS, 0, 1, http2.block(http2.request_fields())))
        closes(client, 1, "a block without end")
    client = t.own(c.client())
    client.send(http2.PREFACE[:10])
    t.equal(client.wait_closed(), b"", "half a preface")
    with http2.Client(c.http()) as client:
        client.ask()
        started = time.monotonic()
        try:
            for _ in range(30):
                client.ping()
                wait.pause(0.1)
        except AssertionError:
            pass
        t.check(time.monotonic() - started < 2.8, "pings do not keep it")
    with http2.Client(c.http()) as client:
        for n in range(4):
            t.equal(client.ask().status, 200)
        client.until(lambda: client.goaway, "the announcement")
        t.equal(client.goaway, (0x7FFFFFFF, http2.NO_ERROR), "requests on their way are still taken")
        t.equal(client.ask().status, 200)
        t.equal(client.drain(), (9, http2.NO_ERROR))
    c.wait_access('"GET / HTTP/2.0" 200')
    c.config(keep_alive=0).settle()
    with http2.Client(c.http()) as client:
        t.equal(client.ask().status, 200)
        t.equal(client.drain(), (1, http2.NO_ERROR))
