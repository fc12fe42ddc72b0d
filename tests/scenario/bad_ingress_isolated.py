"""A bad Ingress is set aside alone: its last good form serves on, others change as before, the problem names it (USERS 4)."""
from harness.manifests import ingress


def run(t):
    c = t.cluster()
    a, b = t.backend("a"), t.backend("b")
    c.route("a.test", a).route("b.test", b).start(proxies=2)
    t.equal(c.inspect("problems"), [])
    # load-balance is of the kind for which the whole Ingress is refused (M20 c); the new path must not appear either
    c.apply(ingress("a", "a.test", ["/new"], "b", annotations={"load-balance": "best please"}))
    c.settle()
    r = c.get("a.test", "/")
    t.equal((r.status, r.get("x-backend")), (200, "a"), "the last good form")
    problem = next(p for p in c.problems() if "default/a" in str(p))
    t.contains(str(problem), "load-balance", "best please", "round_robin")
    t.contains(c.controllers[0].err(), "default/a", "load-balance")
    # a bad one that was never good is not served, its neighbours are
    c.apply(ingress("never", "never.test", "/", "a", annotations={"load-balance": "???"}))
    c.route("c.test", b).settle()
    t.equal(c.get("never.test").status, 404)
    t.equal(c.get("c.test").status, 200)
    # mended
    c.apply(ingress("a", "a.test", "/", "b", annotations={"proxy-read-timeout": "5"}))
    c.until_serves("a.test", want=lambda r: r.get("x-backend") == "b")
    t.equal([p for p in c.problems() if "default/a" in str(p)], [])
