"""An Ingress with only a default backend owns every unknown host; with rules it serves the rest of its hosts (SEMANTICS B8)."""
from harness.manifests import ingress, path


def run(t):
    c = t.cluster()
    for name in ("catch", "web", "rest"):
        c.expose(name, t.backend(name))

    def default(name):
        return {"service": {"name": name, "port": {"number": 80}}}

    c.apply(ingress("catch-all", defaultBackend=default("catch")),
            ingress("web", "a.test", [path("/web", "web")], defaultBackend=default("rest")))
    c.start()
    t.equal(c.get("nobody.test", "/x").get("x-backend"), "catch", "unknown host")
    t.equal(c.get("a.test", "/web").get("x-backend"), "web", "rule")
    t.equal(c.get("a.test", "/other").get("x-backend"), "rest", "rest of the host")
