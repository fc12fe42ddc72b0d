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
        r = client.get("/x", headers=ask)
        t.equal((r.status, b.last.get("upgrade")), (200, "websocket"))
        t.equal(client.get("/y").status, 200, "the connection goes on as HTTP")
        t.equal(b.last.get("upgrade"), None)
    with c.client() as client:
        client.request("/x", headers=[*ask[:1], "Connection: Upgrade"], body="a body")
        r = client.response()
        t.check(r.status in (200, 400), f"an upgrade with a body: {r}")
