"""A request head that does not arrive in time, however it drips, closes the connection without an answer (SEMANTICS G4, D5)."""
import time


def run(t):
    c = t.cluster()
    c.config(client_header_timeout=1).route("a.test", t.backend()).start()
    for what, first in {"nothing at all": b"", "half a head": b"GET / HTTP/1.1\r\nHost: a.te"}.items():
        with c.client() as client:
            started = time.monotonic()
            client.send(first)
            t.equal(client.wait_closed(), b"", what)
            t.check(0.8 <= time.monotonic() - started <= 4, f"{what}: closed after {time.monotonic() - started:.1f} s")
    with c.client() as client:
        started = time.monotonic()
        try:
            client.send_slowly(b"GET / HTTP/1.1\r\nHost: a.test\r\nX: " + b"y" * 100, every=0.2)
        except OSError:
            pass
        t.check(time.monotonic() - started < 5, "a dripping head is not waited for for ever")
