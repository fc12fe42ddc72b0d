"""One of two controllers leads by a Lease (N6): killed, the other leads when its time is over and not before; on SIGTERM at once.
Without the right to Leases the missing rule is named, and everything is served."""
import re
import signal
import time

from harness import wait
from harness.kubernetes import OWN

SECONDS = 400
TTL = 6
LEASE = "ingress-controller-leader"


def holder(c):
    """Whose name the Lease has, or None."""
    found = [o for o in c.api.list("Lease", "weirlock") if o["metadata"]["name"] == LEASE]
    return found[0]["spec"].get("holderIdentity") if found else None


def leads(c, controller):
    return re.search(r"^weirlock_controller_leader{lease=\"weirlock/%s\"} 1$" % LEASE, c.admin("/metrics", controller).text, re.M) is not None


def start(c, name):
    return c.controller(name, options=["--election-ttl", f"{TTL}s"])


def run(t):
    c = t.kube_cluster()
    c.route("web.test", c.backend())
    first = start(c, "first")
    wait.until(lambda: leads(c, first), "the only one leads")
    said = c.api.kubectl("get", "lease", LEASE, "-n", "weirlock", "-o", "jsonpath={.spec.holderIdentity} {.spec.leaseDurationSeconds}")
    t.check(re.fullmatch(r"first_[0-9a-f]{8} 6", said), said)
    second = start(c, "second")
    c.proxy()
    c.until_serves("web.test")
    t.equal(c.inspect("status", of=second)[0]["leader"], holder(c))

    # killed without a word: nobody before its time, then the other
    first.kill()
    killed = time.monotonic()
    second.wait_log("this controller leads ", seconds=60)
    took = time.monotonic() - killed
    t.say(f"killed: taken over after {took:.1f} s of a Lease of {TTL} s")
    # it was renewed a quarter of its time ago at most
    t.check(took > TTL * 3 / 4 - 0.5, f"taken after {took} s already")
    t.check(holder(c).startswith("second_"), holder(c))
    t.equal(c.api.get("Lease", LEASE, "weirlock")["spec"]["leaseTransitions"], 1)
    t.equal(c.get("web.test").status, 200)

    # stopped like a machine that sleeps: another leads, and the sleeper knows better when it wakes up
    sleeper = second
    other = start(c, "other")
    wait.until(lambda: c.inspect("status", of=other)[0].get("leader") == holder(c), "it sees who leads")
    sleeper.signal(signal.SIGSTOP)
    other.wait_log("this controller leads ", seconds=60)
    sleeper.signal(signal.SIGCONT)
    t.check(not leads(c, sleeper), "two lead")
    sleeper.wait_log("this controller leads no more")
    t.equal(sleeper.stop(), 0)
    t.check(holder(c).startswith("other_"), "what is not its own is not given back")
    second = other

    # the same name again is another one
    third = start(c, "other")
    wait.until(lambda: c.inspect("status", of=third)[0].get("leader") == holder(c), "it sees who leads")
    t.check(not leads(c, third), "two lead")

    # given back on SIGTERM
    asked = time.monotonic()
    t.equal(second.stop(), 0)
    third.wait_log("this controller leads ", seconds=60)
    took = time.monotonic() - asked
    t.say(f"SIGTERM: taken over after {took:.1f} s")
    t.equal(c.get("web.test").status, 200)
    t.equal(third.stop(), 0)
    t.check(not holder(c), "nobody's")
    c.controllers.clear()

    # by hand: deleted, and made again
    fourth = start(c, "fourth")
    wait.until(lambda: leads(c, fourth), "it leads")
    c.api.kubectl("delete", "lease", LEASE, "-n", "weirlock")
    fourth.wait_log("this controller leads no more")
    wait.until(lambda: leads(c, fourth), "it leads again")

    # taken away, and given back
    c.grant([], "weirlock", "weirlock-own")
    fourth.wait_log(r"problem: Kubernetes API: leases\.coordination\.k8s\.io in namespace weirlock: .*403.*it needs a Role in namespace weirlock"
                    r".*resources \[\"leases\"\], verbs \[\"get\", \"create\", \"update\"\]", seconds=60)
    wait.until(lambda: not leads(c, fourth), "it leads no more", 60)
    t.equal(c.admin("/readyz", fourth).status, 200)
    c.route("more.test", c.backend("more"))
    proxy = c.proxy(controllers=[fourth.listen])
    t.check(proxy.is_running, "it serves proxies")
    c.grant(OWN, "weirlock", "weirlock-own")
    wait.until(lambda: leads(c, fourth), "it leads again", 60)
    fourth.wait_log("problem gone: Kubernetes API: leases")

    # never
    fifth = c.controller("fifth", options=["--disable-leader-election"])
    t.check("weirlock_controller_leader{" not in c.admin("/metrics", fifth).text, "no leadership")
