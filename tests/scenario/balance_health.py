"""Endpoints that fail: another one each time, left alone after so many failures, a budget for retries, a bound on requests
(SEMANTICS I30 to I35)."""
from collections import Counter

from harness import wait

OWN = "weirlock.io/"


def hang_up(connection):
    connection.request()
    connection.sock.close()


def answers(status):
    def handler(connection):
        while request := connection.request():
            connection.reply(status, connection.backend.name, ["X-Backend: " + connection.backend.name],
                             head_only=request.method == "HEAD")
    return handler


def metric(c, name):
    return sum(float(line.split()[-1]) for line in c.admin("/metrics").text.splitlines() if line.startswith(name))


def run(t):
    c = t.cluster()
    good = t.backend("good")
    bad = [t.backend(f"bad{i}", hang_up) for i in range(2)]
    c.route("each.test", *bad, good, annotations={"upstream-hash-by": "$arg_k"})
    c.route("eject.test", t.backend("down", hang_up), good,
            annotations={OWN + "eject-after-failures": 3, OWN + "eject-time": "60s"})
    c.route("budget.test", t.backend("one", hang_up), t.backend("two", hang_up), annotations={OWN + "retry-budget": 1})
    held = t.backend("held", lambda connection: (connection.request(), connection.wait_closed(60)))
    c.route("full.test", held, annotations={OWN + "max-connections": 2})
    busy, fine = t.backend("busy", answers(503)), t.backend("fine", answers(200))
    c.route("status.test", busy, fine, annotations={"proxy-next-upstream": "error http_503"})
    c.route("post.test", busy, fine, annotations={"proxy-next-upstream": "error http_503 non_idempotent"})
    c.start(workers=1)

    for key in range(40):  # both failing ones may come first; the third attempt is always another endpoint
        r = c.get("each.test", f"/?k={key}")
        t.equal((r.status, r.get("x-backend")), (200, "good"), f"key {key}")

    down = next(b for b in t._owned if getattr(b, "name", "") == "down")
    t.equal(Counter(c.get("eject.test").status for _ in range(40)), {200: 40})
    t.equal(down.n_accepted, 3, "left alone after three")
    t.equal(metric(c, "weirlock_endpoint_ejections_total"), 1)
    t.contains(c.proxies[0].err(), "endpoint ejected", f"127.0.0.1:{down.address[1]}", "default/eject:80")

    before = metric(c, "weirlock_upstream_retries_total")
    for _ in range(40):
        t.equal(c.get("budget.test").status, 502)
    retries = metric(c, "weirlock_upstream_retries_total") - before
    t.check(10 <= retries <= 20, f"ten at once, hardly any after: {retries}")
    t.check(metric(c, "weirlock_upstream_retries_denied_total") >= 20, "the others were denied")

    clients = [c.client().request("/", "full.test") for _ in range(2)]
    held.wait(lambda b: len(b.requests) == 2, "two requests are held")
    t.equal(c.get("full.test").status, 503)
    t.equal(metric(c, 'weirlock_ends_total{reason="endpoints_full"'), 1)
    for client in clients:
        client.close()
    held.wait(lambda b: not b.n_open, "the proxy left both")
    with c.client() as again:
        again.request("/", "full.test")
        held.wait(lambda b: len(b.requests) == 3, "there is room again")

    t.equal(Counter(c.get("status.test").status for _ in range(20)), {200: 20}, "I35: a listed status is tried elsewhere")
    t.equal(set(c.get("status.test", method="POST", body="x").status for _ in range(6)), {200, 503}, "I32")
    t.equal(set(c.get("post.test", method="POST", body="x" * 1000).status for _ in range(6)), {200},
            "non_idempotent, and the body goes along")
    t.equal({len(r.body) for r in fine.requests if r.method == "POST" and r.get("host") == "post.test"}, {1000})
    line = wait.until(lambda: next((l for l in c.access_log() if "status-80" in l and ", " in l.split("] ")[-1]), None), "a retry")
    t.contains(line, "503, 200")
