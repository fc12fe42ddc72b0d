"""An API server at the end of a bad line: nothing half is published, changes arrive late but whole, and traffic never waits."""
import base64
import os
import re

from harness import manifests, wait
from harness.apiload import Load
from harness.relay import Relay

SECONDS = 300
BUILD = "release"
COUNT = 300
SLOW = 64 * 1024  # bytes a second for each connection: the first list takes some seconds


def ingress(number):
    # what each one weighs on the line, however well it is compressed, and is none of our business
    ballast = base64.b64encode(os.urandom(1200)).decode()
    return manifests.ingress(f"many-{number}", f"h{number}.many.test", "/", "web", annotations={"example.com/ballast": ballast})


def run(t):
    c = t.kube_cluster()
    relay = t.own(Relay(c.api.port, SLOW))
    c.kubeconfig, c.token_path = c.api.kubeconfig(*c.account, server=relay.url)
    c.expose("web", c.backend("a"))
    Load(c.api).create(ingress(n) for n in range(COUNT))

    # while lists are on their way there is nothing to be had, and somebody says why
    controller = c.controller(wait_ready=False)
    proxy = c.proxy(wait_ready=False)
    wait.until(lambda: relay.n_bytes > SLOW, "a part of the lists is in", 60)
    t.equal((controller.ready, proxy.ready), ({}, {}))
    t.check("ready " not in controller.out() and "ready " not in proxy.out(), "nobody is ready yet")
    # cut in the middle of a list: it is begun again, and still nothing half is published
    relay.cut()
    controller.wait_ready(120)
    proxy.wait_ready(60)
    t.equal(c.until_serves(f"h{COUNT - 1}.many.test").get("x-backend"), "a")
    t.equal(sum(1 for row in c.inspect("routes") if ".many.test" in str(row)), COUNT)
    t.equal(len(re.findall(r"publish: snapshot ", controller.err())), 1, "the first snapshot has everything")

    # changes: late, but whole
    c.apply(manifests.ingress("late", "late.test", "/", "web"))
    c.until_serves("late.test", seconds=60)
    # not a byte for a while, and no end of the connections: traffic goes on, and what happened is heard afterwards
    relay.freeze()
    c.apply(manifests.ingress("frozen", "frozen.test", "/", "web"))
    c.delete(ingress(0))
    for _ in range(50):
        t.equal(c.get("h1.many.test").status, 200)
    t.equal((c.get("frozen.test").status, c.get("h0.many.test").status), (404, 200))
    t.equal(c.admin("/readyz", controller).status, 200)
    relay.thaw()
    c.until_serves("frozen.test", seconds=120)
    c.until_serves("h0.many.test", want=404)
    # cut in the middle of watches
    relay.cut()
    c.apply(manifests.ingress("cut", "cut.test", "/", "web"))
    c.until_serves("cut.test", seconds=120)
    wait.until(lambda: c.problems() == [], "no problem stands", 60)
