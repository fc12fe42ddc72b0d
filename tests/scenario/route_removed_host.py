"""A removed Ingress answers 404 afterwards, its neighbours stay (SEMANTICS N11)."""
from harness.manifests import ingress


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend("a")).route("b.test", t.backend("b"))
    c.start(proxies=2)
    with c.client() as kept:
        t.equal(kept.get(host="a.test").status, 200)
        c.delete(ingress("a", "a.test"))
        c.until_serves("a.test", want=404)
        t.equal(kept.get(host="a.test").status, 404, "the same connection")
        t.equal(kept.get(host="b.test").get("x-backend"), "b")
