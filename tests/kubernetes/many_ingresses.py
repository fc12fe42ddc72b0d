"""Thousands of Ingresses made, changed and deleted through the API: two proxies follow, and nobody else notices."""
import time

from harness import manifests
from harness.apiload import Load

SECONDS = 400
BUILD = "release"
COUNT = 2000  # tests/bench has 10,000


def ingress(number, service):
    return manifests.ingress(f"many-{number}", f"h{number}.many.test", "/", service, namespace="many")


def n_hosts(c):
    return sum(1 for row in c.inspect("routes") if ".many.test" in str(row))


def samples(c, want, **rest):
    for number in (0, 1, COUNT // 2, COUNT - 2, COUNT - 1):
        c.until_serves(f"h{number}.many.test", want=want, seconds=120, **rest)


def run(t):
    c = t.kube_cluster()
    a, b = c.backend("a"), c.backend("b")
    c.expose("a", a, namespace="many").expose("b", b, namespace="many")
    c.route("steady.test", a).start(proxies=2)
    c.until_serves("steady.test")
    load, took = Load(c.api), {}

    def follow(what, act, want):
        began = time.monotonic()
        act()
        took[what] = time.monotonic() - began
        samples(c, want)
        took[what + " and served"] = time.monotonic() - began
        t.equal(c.get("steady.test").status, 200)

    follow("made", lambda: load.create(ingress(n, "a") for n in range(COUNT)), lambda r: r.get("x-backend") == "a")
    t.equal(n_hosts(c), COUNT)
    follow("changed", lambda: load.run(load.patch_call(ingress(n, "b"), {"spec": ingress(n, "b")["spec"]}) for n in range(COUNT)),
           lambda r: r.get("x-backend") == "b")
    t.equal(n_hosts(c), COUNT)
    # pages of several kinds at once come without a pause in the middle
    for _ in range(3):
        again = c.restart(c.controllers[0], options=["--log-level", "debug"])
        t.check("silent" not in again.err(), "no page is left standing")
        t.equal(n_hosts(c), COUNT)
    follow("deleted", lambda: load.delete_all("Ingress", "many"), 404)
    t.equal(n_hosts(c), 0)
    t.equal(c.problems(), [])
    t.equal(c.get("steady.test").get("x-backend"), "a")
    t.say(f"{COUNT}: " + ", ".join(f"{what} {seconds:.1f} s" for what, seconds in took.items()) +
          f"; controller {c.controllers[0].rss_kib() // 1024} MiB")
