"""Matching sees the normalised path, the backend gets the target as it came; escaping above the root is 400 (SEMANTICS C2, C13)."""


def run(t):
    c = t.cluster()
    b = t.backend()
    c.route("a.test", b, paths="/a")
    c.start()
    for target in ("/a/%2e%2e/a/b", "/a//b/./c?x=%20y&z", "/%61/b", "/x/../a/b", "/a/%C3%A9?", "/a?a?b"):
        r = c.get("a.test", target)
        t.equal((r.status, b.last.target), (200, target))
    for target in ("/../a", "/a/../../b", "/a/%2e%2e/%2E%2e/x", "/a/%00", "/a/%zz"):
        t.equal(c.get("a.test", target).status, 400, target)
