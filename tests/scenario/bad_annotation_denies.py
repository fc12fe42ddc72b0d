"""What protects a path never fails open: a bad access list answers 503 on its paths alone (SEMANTICS D9, M20 b)."""


def run(t):
    c = t.cluster()
    b = t.backend()
    c.route("bad.test", b, annotations={"allowlist-source-range": "10.0.0.0/99"})
    c.route("good.test", b, annotations={"allowlist-source-range": "127.0.0.0/8"})
    c.route("not.test", b, annotations={"allowlist-source-range": "10.0.0.0/8"})
    c.route("deny.test", b, annotations={"denylist-source-range": "127.0.0.1"})
    c.start()
    t.equal({h: c.get(h).status for h in ("bad.test", "good.test", "not.test", "deny.test")},
            {"bad.test": 503, "good.test": 200, "not.test": 403, "deny.test": 403})
    t.contains(str(c.problems()), "default/bad", "allowlist-source-range", "10.0.0.0/99")
