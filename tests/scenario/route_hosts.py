"""Hosts: exact before wildcard, a wildcard takes one label, case, port and a final dot do not matter (SEMANTICS B1, B3, B4)."""


def run(t):
    c = t.cluster()
    for name, host in {"exact": "www.a.test", "star": "*.a.test", "other": "b.test"}.items():
        c.route(host, t.backend(name), name=name)
    c.start()
    for host, backend in {"www.a.test": "exact", "WWW.A.Test": "exact", "www.a.test.": "exact", "www.a.test:8080": "exact",
                          "x.a.test": "star", "x-1_y.a.test": "star", "b.test": "other"}.items():
        t.equal(c.get(host).get("x-backend"), backend, host)
    for host in ("a.test", "x.y.a.test", "nobody.test", "a.b.test", "127.0.0.1"):
        t.equal(c.get(host).status, 404, host)
    # an absolute target says the host, whatever Host says (B1)
    t.equal(c.get("nobody.test", "http://b.test/x").get("x-backend"), "other", "absolute target")
    for host in ("", "a b", "a/b", "a..test"):
        t.equal(c.get(host).status, 400, f"Host {host!r} (B2)")
