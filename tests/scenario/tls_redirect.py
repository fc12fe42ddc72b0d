"""http goes to https with 308 where the host has TLS, as configured (SEMANTICS E1-E6); ACME challenges do not."""
from harness.manifests import path, secret


def run(t):
    c = t.cluster()
    b = t.backend()
    c.apply(secret("a", t.certificate("a.test")))
    c.expose("web", b)
    acme = [path("/", "web"), path("/.well-known/acme-challenge", "web")]
    c.route("a.test", b, name="a", paths=acme, tls={"a": ["a.test"]})
    c.route("missing.test", b, name="missing", tls={"nowhere": ["missing.test"]})
    c.route("off.test", b, name="off", tls={"a": ["off.test"]}, annotations={"ssl-redirect": "false"})
    c.route("plain.test", b, name="plain")
    c.route("force.test", b, name="force", annotations={"force-ssl-redirect": "true"})
    c.start()
    for host, target, location in (("a.test", "/x/y?z=1", "https://a.test/x/y?z=1"), ("a.test:8080", "/x", "https://a.test/x"),
                                   ("a.test", "/", "https://a.test"), ("a.test", "/a/", "https://a.test/a"),
                                   ("missing.test", "/m", "https://missing.test/m"), ("force.test", "/f", "https://force.test/f")):
        r = c.get(host, target)
        t.equal((r.status, r.reason, r.get("location")), (308, "Permanent Redirect", location), host + target)
    for host in ("off.test", "plain.test"):
        t.equal(c.get(host, "/x").status, 200, host)
    t.equal(c.get("a.test", "/.well-known/acme-challenge/token").status, 200, "E6")
    t.equal(c.get("a.test", "/x", tls="a.test").status, 200, "https is content")
    c.config(http_redirect_code="301").settle()
    t.equal(c.get("a.test", "/x").status, 301)
