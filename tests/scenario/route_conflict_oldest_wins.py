"""Two Ingresses with the same host, path and type: the oldest wins, the loser is told, and takes over when the winner goes
(SEMANTICS C9)."""
from harness.manifests import ingress


def run(t):
    c = t.cluster()
    for name in ("old", "new"):
        c.expose(name, t.backend(name))
    old, new = ingress("old", "a.test", "/", "old"), ingress("new", "a.test", "/", "new")
    c.apply(new).start()
    t.equal(c.get("a.test").get("x-backend"), "new")
    c.apply(old)
    c.until_serves("a.test", want=lambda r: r.get("x-backend") == "old")
    t.contains(str(c.problems()), "default/new")
    c.delete(old)
    c.until_serves("a.test", want=lambda r: r.get("x-backend") == "new")
    t.check("default/new" not in str(c.problems()), "the problem is gone")
