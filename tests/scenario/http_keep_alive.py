"""One connection carries many requests, also sent before the answers are read, answered in order (RFC 9112 9.3)."""
from harness import wire


def run(t):
    c = t.cluster()
    b = t.backend()
    c.route("a.test", b).start(workers=1)
    with c.client() as client:
        for i in range(50):
            t.equal(client.get(f"/{i}").status, 200)
        t.equal(b.n_accepted, 1, "connections to the backend")
        # pipelined: GET, POST with a body, chunked POST, HEAD, GET to nowhere, GET
        client.send(wire.request("/p1") + wire.request("/p2", method="POST", body="hello")
                    + wire.request("/p3", method="POST", body=[b"a", b"bc"]) + wire.request("/p4", method="HEAD")
                    + wire.request("/p5", host="nobody.test") + wire.request("/p6"))
        answers = [client.response(m) for m in ("GET", "POST", "POST", "HEAD", "GET", "GET")]
        t.equal([r.status for r in answers], [200, 200, 200, 200, 404, 200])
        t.equal([(r.target, len(r.body)) for r in b.requests[-5:]], [("/p1", 0), ("/p2", 5), ("/p3", 3), ("/p4", 0), ("/p6", 0)])
        client.request("/last", headers=["Connection: close"])
        r = client.response()
        t.equal((r.status, r.get("connection")), (200, "close"))
        t.equal(client.wait_closed(), b"")
