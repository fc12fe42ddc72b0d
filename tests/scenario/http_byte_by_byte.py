"""Requests and responses that arrive one byte a segment are understood as if they came at once."""
from harness import wire


def answer(connection):
    while request := connection.request():
        for byte in b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n5\r\nhello\r\n0\r\n\r\n":
            connection.send(bytes([byte]))


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend(handler=answer)).start()
    for tls in (None, "a.test"):
        with c.client(tls=tls) as client:
            for body in (None, "hello", [b"he", b"llo"]):
                client.send_slowly(wire.request("/x", method="POST" if body else "GET", body=body))
                r = client.response()
                t.equal((r.status, r.get("x-a"), r.body), (200, "b", b"hello"))
