"""HTTP/1.0 clients: closed by default, kept when asked; without Host they meet the default server (SEMANTICS B2)."""


def run(t):
    c = t.cluster()
    b = t.backend()
    c.route("a.test", b).start()
    with c.client() as client:
        client.send("GET /x HTTP/1.0\r\nHost: a.test\r\n\r\n")
        t.equal(client.response().status, 200)
        t.equal(client.wait_closed(), b"")
        t.equal(b.last.version, "HTTP/1.1", "what the backend hears")
    with c.client() as client:
        for _ in range(3):
            client.send("GET /x HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n")
            r = client.response()
            t.equal((r.status, (r.get("connection") or "").lower()), (200, "keep-alive"))
    with c.client() as client:
        client.send("GET / HTTP/1.0\r\n\r\n")
        t.equal(client.response().status, 404)
    with c.client() as client:
        client.send("POST / HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        t.equal(client.response().status, 400, "chunked is not 1.0")
