"""HTTP/1.0 backends and bodies ended by the close: passed on whole, the connection is not kept (RFC 9112 6.3)."""
from harness.manifests import ingress


def answer(connection):
    request = connection.request()
    connection.send("HTTP/1.0 200 Fine\r\nX-Line: " + request.version + "\r\n\r\n" + "b" * 100000)
    connection.sock.close()


def run(t):
    c = t.cluster()
    b = t.backend(handler=answer)
    c.route("a.test", b).start()
    with c.client() as client:
        for number in (1, 2, 3):
            r = client.get("/")
            t.equal((r.status, r.body), (200, b"b" * 100000))
            t.equal(r.get("transfer-encoding"), "chunked", "so that the client's connection is kept")
            t.equal(b.n_accepted, number)
    c.apply(ingress("a", "a.test", "/", "a", annotations={"proxy-http-version": "1.0"})).settle()
    c.get("a.test")
    t.equal((b.last.version, (b.last.get("connection") or "close").lower()), ("HTTP/1.0", "close"), "G9")
