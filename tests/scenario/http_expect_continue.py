"""Expect: 100-continue is answered by the proxy and not passed on (SEMANTICS G6); other expectations are refused or ignored."""


def run(t):
    c = t.cluster()
    b = t.backend()
    c.route("a.test", b).start()
    with c.client() as client:
        client.send("POST /up HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        interim = client.head()
        t.equal(interim.status, 100)
        client.send("hello")
        t.equal(client.response().status, 200)
        t.equal((b.last.body, b.last.get("expect")), (b"hello", None))
        # nobody waits for a 100 when the answer is known: the body is not asked for
        client.send("POST /up HTTP/1.1\r\nHost: nobody.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        first = client.head()
        t.check(first.status in (100, 404), f"{first}")
