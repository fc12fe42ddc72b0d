"""Heads beyond the limits: 414 for the request line, 431 or 400 for fields, and memory stays bounded (SEMANTICS 0.2, G1)."""


def run(t):
    c = t.cluster()
    b = t.backend()
    c.config(large_client_header_buffers="4 8k").route("a.test", b).start()
    t.equal(c.get("a.test", "/" + "x" * 8000).status, 200, "within 8k")
    t.equal(c.get("a.test", "/", headers=["Cookie: " + "c" * 8000, "X-B: " + "d" * 8000]).status, 200, "within 4 times 8k")
    t.equal(c.get("a.test", "/" + "x" * 9000).status, 414)
    t.check(c.get("a.test", "/", headers=["X-A: " + "y" * 9000]).status in (400, 431), "one large field")
    t.check(c.get("a.test", "/", headers=[f"X-{i}: {'z' * 4000}" for i in range(12)]).status in (400, 431), "many fields")
    with c.client() as client:
        client.send("GET / HTTP/1.1\r\nHost: a.test\r\n")
        try:
            for i in range(20000):
                client.send(f"X-{i}: {i}\r\n")
        except OSError:
            pass
        got = client.wait_closed()
        t.check(not got or got.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400")), f"an endless head ends: {got[:60]!r}")
    t.equal(len(b.requests), 2)
