"""A leader that finds a thousand Ingresses writes each status once (N5), and what it wrote comes back without a build."""
import re
import time

from harness import manifests, wait

SECONDS = 400
N = 1000


def metric(c, name):
    return int(re.search(rf"^weirlock_controller_{name} (\d+)", c.admin("/metrics", c.controllers[0]).text, re.M).group(1))


def run(t):
    c = t.kube_cluster()
    c.expose("web", c.backend())
    for n in range(N):
        c.apply(manifests.ingress(f"i{n}", f"i{n}.test", "/", "web"))
    c.controller(options=["--publish-status-address", "203.0.113.1"])
    started = time.monotonic()
    wait.until(lambda: metric(c, "status_writes_total") >= N, "all are written", 120, 0.2)
    t.say(f"{N} statuses after {time.monotonic() - started:.1f} s")
    t.check(all(o["status"]["loadBalancer"].get("ingress") == [{"ip": "203.0.113.1"}] for o in c.api.list("Ingress", "default")), "all have it")
    wait.until(lambda: metric(c, "api_watch_events_total") >= N, "all came back", 60)
    builds = metric(c, "builds_total")
    # one that is taken away by somebody is the only one that is written again
    c.api.request("PATCH", c.api.path("Ingress", "default", "i7") + "/status", {"status": {"loadBalancer": {"ingress": None}}},
                  "application/merge-patch+json")
    wait.until(lambda: metric(c, "status_writes_total") == N + 1, "it is written again", 60)
    t.equal((metric(c, "status_writes_total"), metric(c, "status_failures_total")), (N + 1, 0))
    c.proxy()
    c.until_serves("i7.test")
    t.check(metric(c, "builds_total") <= builds + 1, f"{metric(c, 'builds_total')} builds, {builds} before: a status costs one")
    t.check(builds < 20, f"{builds} builds")
