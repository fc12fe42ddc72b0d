"""kill -9 and SIGSTOP of either side while changes go on: nobody else waits, nobody goes back, all end at the same snapshot, and a
stopped proxy costs its controller nothing (CHANNEL: acceptance tests 2 and 3)."""
import signal

from harness import wait
from harness.manifests import ingress

SECONDS = 180


def _change(c, n):
    c.apply(ingress("a", "a.test", [f"/v{n}", "/"], "a"))


def _serves(c, proxy, n):
    """Whether the proxy has change `n`: its own route, by weirctl."""
    return f"/v{n}'" in str(c.inspect("routes", of=c.proxies[proxy]))


def _in_step(c):
    rows = c.inspect("status", status=None)
    proxies = [r for r in rows if r["role"] == "proxy" and r["state"] == "synced"]
    return len({r["snapshot_id"] for r in rows if "snapshot_id" in r}) == 1 and len(proxies) == 3


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend()).start(proxies=3)
    controller = c.controllers[0]
    wait.until(lambda: _in_step(c), "all in step")

    # a stopped proxy: the others follow each change, and it costs no memory
    c.proxies[2].signal(signal.SIGSTOP)
    before = None
    for n in range(40):
        _change(c, n)
        wait.until(lambda: _serves(c, 0, n) and _serves(c, 1, n), f"the others follow change {n}")
        if n == 10:
            before = controller.rss_kib()
    grown = controller.rss_kib() - before
    t.say(f"30 changes beside a stopped proxy: the controller grew by {grown} KiB")
    c.proxies[2].signal(signal.SIGCONT)
    wait.until(lambda: _in_step(c), "it catches up")
    t.check(_serves(c, 2, 39), "with the newest")

    # a proxy that is killed at any moment comes back in step
    for n in range(60, 63):
        _change(c, n)
        dead = c.proxies[2]
        dead.kill()
        c.proxies.remove(dead)
        c.proxy("proxy-3", wait_ready=True)
        wait.until(lambda: _in_step(c) and _serves(c, 2, n), f"in step after kill {n}")

    # a controller that hangs: proxies serve on and say that they are stale; afterwards all is as it was
    controller.signal(signal.SIGSTOP)
    c.proxies[0].wait_log("stale|silent|lost", "the silence is noticed", 60)
    t.equal(c.get("a.test").status, 200)
    controller.signal(signal.SIGCONT)
    _change(c, 70)
    wait.until(lambda: _in_step(c) and all(_serves(c, i, 70) for i in range(3)), "in step again", 60)

    # a controller that is killed while changes go on, and one that comes back with a newer cluster
    for n in range(80, 83):
        _change(c, n)
        controller.kill()
        t.equal([c.get("a.test", proxy=i).status for i in range(3)], [200] * 3, "served on")
        _change(c, n + 100)
        c.controllers.remove(controller)
        controller = c.controller(f"again-{n}", controller.listen)
        wait.until(lambda: _in_step(c) and all(_serves(c, i, n + 100) for i in range(3)), f"in step after kill {n}", 60)
    t.check(all(p.is_running for p in c.proxies), "every proxy lives")
