"""Changes of manifests (1,000 with WEIRLOCK_LONG=1, else 400) while 200 keep-alive clients and 50 WebSockets run: no failed
request, no closed socket, flat memory (USERS 1, 2)."""
import time

from harness import soak, wait
from harness.manifests import ingress

SECONDS = 400
BUILD = "release"
ALONE = True

WARM = 50


def change(c, number, backends):
    """One of five kinds of change, all of which touch what the clients use, or stand beside it."""
    kind, turn = number % 5, number // 5
    if kind == 0:
        c.apply(ingress(f"side-{turn}", f"side-{turn}.test", ["/", f"/{turn}"], "web"))
    elif kind == 1:
        c.delete(ingress(f"side-{turn}", "x"))
    elif kind == 2:
        c.apply(ingress("web", "web.test", "/", "web", annotations={"proxy-read-timeout": 60 + turn}))
    elif kind == 3:
        c.endpoints("web", *backends[:1 + turn % 3])
    else:
        c.config(keep_alive_requests=10_000_000, keep_alive=75 + turn, upstream_keepalive_requests=1_000_000)


def run(t):
    c = t.cluster()
    loop = soak.Loop()
    backends = [soak.Backend(loop, f"b{i}") for i in range(3)]
    c.config(keep_alive_requests=10_000_000).route("web.test", backends[0]).start(proxies=2)
    programs = [c.controllers[0], *c.proxies]
    clients, sockets = [], []
    for proxy in (0, 1):
        clients.append(soak.Clients(loop, c.http(proxy), "web.test", every=0.25).start(100, "requests"))
        sockets.append(soak.Clients(loop, c.http(proxy), "web.test", every=0.5).start(25, "websocket"))
    both = clients + sockets
    wait.until(lambda: sum(x.open for x in both) == 250 and all(x.done > 25 for x in both), "all clients are at work", 30)
    rss, took = [], []
    steps = t.times(200, 500)  # of two changes each: the step's own, and the marker by which it is seen
    for number in range(steps):
        change(c, number, backends)
        started = time.monotonic()
        c.settle()
        took.append(time.monotonic() - started)
        failures = [f for x in both for f in x.failures]
        t.check(not failures, f"after {2 * number + 2} changes: {failures[:5]}")
        if number >= WARM - 1 and (number + 1) % WARM == 0:
            rss.append([p.rss_kib() for p in programs])
    for x in both:
        x.stop()
    t.equal([f for x in both for f in x.failures], [])
    took.sort()
    t.say(f"{2 * steps} changes; seen by both proxies after {took[len(took) // 2] * 1000:.0f} ms (median), "
          f"{took[-len(took) // 100 - 1] * 1000:.0f} ms (99 of 100); {sum(x.done for x in clients)} requests, "
          f"{sum(x.done for x in sockets)} WebSocket messages, none failed")
    for p, before, after in zip(programs, rss[0], rss[-1]):
        t.say(f"{p.name}: {before} KiB after {2 * WARM} changes, {after} KiB after {2 * steps}")
        t.check(after <= before * 1.1 + 2048, f"{p.name} grew from {before} to {after} KiB: {[r[programs.index(p)] for r in rss]}")
