"""503: no Service, no such port, no usable endpoint; live as soon as there is one (SEMANTICS D1, H1, H10)."""
from harness.manifests import ingress, path, service, slice_of


def run(t):
    c = t.cluster()
    b = t.backend()
    c.expose("web", b)
    c.apply(service("empty"), service("unready"), slice_of("unready", b.address, conditions={"ready": False}),
            service("leaving"), slice_of("leaving", b.address, conditions={"ready": False, "serving": True, "terminating": True}),
            ingress("a", "a.test", [path("/missing", "missing"), path("/port", "web", 81), path("/empty", "empty"),
                                    path("/unready", "unready"), path("/name", "web", "http"), path("/", "web")]))
    c.start()
    for target in ("/missing", "/port", "/empty", "/unready"):
        r = c.get("a.test", target)
        t.equal(r.status, 503, target)
        t.contains(r.text, "503 Service")
    for target in ("/", "/name"):
        t.equal(c.get("a.test", target).status, 200, target)
    c.apply(service("missing"), slice_of("missing", b.address))
    c.until_serves("a.test", "/missing")
    c.apply(slice_of("unready", b.address))
    c.until_serves("a.test", "/unready")
    c.endpoints("web")
    c.until_serves("a.test", "/", want=503)
