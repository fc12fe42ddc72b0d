"""Built-in answers: 404 page without Server, Date is ours, /healthz on unknown hosts, on both ports (SEMANTICS B7, D4, D7)."""


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend(), paths="/only")
    c.start()
    for tls in (None, "nobody.test"):
        r = c.get("nobody.test", "/x", tls=tls)
        t.equal((r.status, r.get("content-type"), r.get("server")), (404, "text/html", None), f"tls {tls}")
        t.contains(r.text, "<center><h1>404 Not Found</h1></center>")
        t.check(r.get("date"), "a Date field")
        t.equal(c.get("nobody.test", "/healthz", tls=tls).status, 200, "healthz")
    t.equal(c.get("a.test", "/elsewhere").status, 404, "no path")
    t.equal(c.get("a.test", "/healthz").status, 404, "healthz of a known host is its own")
    r = c.client().request("/x", "nobody.test", method="HEAD").response("HEAD")
    t.equal((r.status, r.body), (404, b""), "HEAD")
