"""An exact path beats a prefix, the longest prefix beats a shorter one, prefixes match whole elements (SEMANTICS C3-C5)."""
from harness.manifests import ingress, path


def run(t):
    c = t.cluster()
    for name in ("root", "foo", "foobar", "exact"):
        c.expose(name, t.backend(name))
    c.apply(ingress("web", "a.test", [path("/", "root"), path("/foo", "foo"), path("/foo/bar", "foobar"),
                                      path("/foo", "exact", kind="Exact")]))
    c.start()
    for target, backend in {"/": "root", "/x": "root", "/foo": "exact", "/foo?q=1": "exact", "/foo/": "foo", "/foo/x": "foo",
                            "/foobar": "root", "/foo/bar": "foobar", "/foo/bar/x": "foobar", "/foo/barx": "foo",
                            "/FOO": "root", "/%66oo": "exact", "//foo//bar": "foobar", "/x/../foo": "exact"}.items():
        t.equal(c.get("a.test", target).get("x-backend"), backend, target)
