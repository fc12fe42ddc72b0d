"""Chunked bodies both ways, with extensions and trailers, framed again and never passed through as bytes (RFC 9112 7.1)."""
from harness import wire


def answer(connection):
    while request := connection.request():
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
        for piece in (b"one", b"two-two", b"x" * 5000):
            connection.send(b"%x;name=value\r\n%b\r\n" % (len(piece), piece))
        connection.send("0\r\nX-Sum: 1\r\n\r\n")


def run(t):
    c = t.cluster()
    b = t.backend(handler=answer)
    c.route("a.test", b).start()
    with c.client() as client:
        for _ in range(3):
            client.send("POST /up HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n")
            client.send_slowly(b"5;ext=1\r\nhello\r\n1\r\n!\r\n0\r\nX-Trailer: 1\r\n\r\n")
            r = client.response()
            t.equal((r.status, r.body), (200, b"onetwo-two" + b"x" * 5000))
            t.equal(b.last.body, b"hello!")
            t.equal([n for n, _ in b.last.trailers], [], "trailers are dropped (G8)")
    # to a 1.0 client the same body comes without chunks, ended by the close
    with c.client() as old:
        old.send("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n")
        r = old.response()
        t.equal((r.get("transfer-encoding"), r.body), (None, b"onetwo-two" + b"x" * 5000))
    bad = wire.request("/", method="POST", headers=["Transfer-Encoding: chunked"])
    for chunk in (b"xyz\r\n", b"-1\r\n", b"0x5\r\nhello\r\n", b"5\nhello\n", b"5\r\nhello0\r\n\r\n", b"ffffffffffffffff1\r\n", b" 5\r\nhello\r\n"):
        with c.client() as client:
            client.send(bad + chunk)
            got = client.wait_closed()
            t.check(not got or got.startswith(b"HTTP/1.1 400"), f"{chunk!r}: {got[:60]!r}")
