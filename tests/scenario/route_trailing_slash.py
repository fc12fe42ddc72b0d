"""A path with a final slash redirects its form without it: 301, absolute, query kept, no port, before any https redirect
(SEMANTICS C12)."""
from harness.manifests import secret


def run(t):
    c = t.cluster()
    cert = t.certificate("s.test")
    c.apply(secret("s", cert))
    c.route("a.test", t.backend(), paths="/dir/")
    c.route("s.test", t.backend(), paths="/dir/", tls={"s": ["s.test"]})
    c.start()
    r = c.get("a.test:8080", "/dir?x=1")
    t.equal((r.status, r.get("location")), (301, "http://a.test/dir/?x=1"))
    t.equal(c.get("a.test", "/dir/").status, 200)
    t.equal(c.get("a.test", "/dirx").status, 404)
    t.equal(c.get("s.test", "/dir").get("location"), "http://s.test/dir/", "stays on http")
    t.equal(c.get("s.test", "/dir", tls="s.test").get("location"), "https://s.test/dir/", "https connection")
