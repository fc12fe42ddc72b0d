"""1xx answers of a backend do not confuse the final one: 100 is swallowed, 102 and 103 are dropped (SEMANTICS G8)."""


def answer(connection):
    while request := connection.request():
        connection.send("HTTP/1.1 100 Continue\r\n\r\n")
        connection.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
        connection.send("HTTP/1.1 102 Processing\r\n\r\n")
        connection.echo(request)


def flood(connection):
    connection.request()
    connection.send("HTTP/1.1 103 Early Hints\r\n\r\n" * 500)
    connection.sock.recv(1)


def run(t):
    c = t.cluster()
    b = t.backend(handler=answer)
    c.route("flood.test", t.backend("flood", flood))
    c.route("a.test", b).start(workers=1)
    t.equal(c.get("flood.test").status, 502, "interim answers without end (SECURITY)")
    with c.client() as client:
        for i in range(3):
            r = client.get(f"/{i}")
            t.equal(r.status, 200)
            t.check(100 not in [x.status for x in r.interim], "100 was not asked for")
    t.equal(b.n_accepted, 1, "connections to the backend")
    with c.client() as old:
        old.send("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n")
        t.equal(old.response().interim, [], "1xx is not for 1.0")
