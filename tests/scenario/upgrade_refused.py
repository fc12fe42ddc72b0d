"""A backend that refuses an upgrade answers like any other; 101 to a client that did not ask is 502 (SEMANTICS G11, SECURITY)."""


def run(t):
    c = t.cluster()

    def plain(connection):
        while request := connection.request():
            connection.echo(request)

    b = t.backend(handler=plain)
    c.route("a.test", b).start(workers=1)
    ask = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    with c.client() as client:
        r = client.get("/x", headers=[*ask, "Connection: X-Drop, X-Real-IP, Host", "X-Drop: 1", "X-Real-IP: 1.2.3.4"])
        t.equal((r.status, b.last.get("upgrade")), (200, "websocket"))
        got = [b.last.get(name) for name in ("x-drop", "x-real-ip", "host")]
        t.equal(got, [None, "127.0.0.1", "a.test"], "nomination counts beside an upgrade, and takes nothing of ours")
        t.equal(client.get("/y").status, 200, "the connection goes on as HTTP")
        t.equal(b.last.get("upgrade"), None)
    with c.client() as client:
        client.request("/x", headers=[*ask[:1], "Connection: Upgrade"], body="a body")
        r = client.response()
        t.equal((r.status, b.last.get("upgrade"), b.last.body), (200, None, b"a body"), "an upgrade with a body is no upgrade: only the body is believed")

    # an endpoint that switches although nobody asked, or although the wish was not passed on, and whose next bytes look like an answer
    def eager(connection):
        connection.request()
        connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
        connection.wait_closed()

    e = t.backend("eager", handler=eager)
    c.route("b.test", e)
    c.until_serves("b.test", want=502)
    n = e.n_accepted
    for body in (None, "a body"):
        with c.client() as client:
            client.request("/", host="b.test", headers=ask if body else [], body=body)
            t.equal(client.response().status, 502)
    t.equal(e.n_accepted, n + 2, "such a connection is used once")
    e.wait(lambda e: e.n_open == 0, "and closed")
