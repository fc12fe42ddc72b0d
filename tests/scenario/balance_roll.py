"""Rolling restarts of all backends under load (ten with WEIRLOCK_LONG=1), 0 failed requests: GET and POST, HTTP/1.1, HTTP/2 and
WebSocket (SEMANTICS H1, I30 to I32, Y13; USERS 9). Pods are processes that stop as kubelet stops them."""
import os
import sys
import threading
import time

from harness import http2, process, scenario, soak, wait
from harness.manifests import ingress, service, slice_of

SECONDS = 400
PODS = 3
GOING = {"ready": False, "serving": True, "terminating": True}
LOAD = (("requests", 8, 0.01), ("posts", 12, 0.01), ("websocket", 5, 0.05))


class Deployment:
    """Pods of one Service, a slice each. With a hook they get SIGTERM once every proxy knows that they leave, as a preStop
    hook of a second or two has it; without, at the moment their endpoint is marked."""

    def __init__(self, t, c, name):
        self.t, self.c, self.name = t, c, name
        self.pods, self.number = [], 0
        c.apply(service(name))

    def start(self, *words):
        self.number += 1
        name = f"pod-{self.number}"
        pod = self.t.own(process.Process(name, [sys.executable, "-m", "harness.pod", name, *words], self.t.directory,
                                         {"PYTHONPATH": os.path.join(scenario.ROOT, "tests")})).wait_ready(60)
        pod.slice = lambda **rest: slice_of(self.name, pod.address, number=pod.number, **rest)
        pod.address = ("127.0.0.1", int(pod.ready["http"].split(":")[1]))
        pod.number = self.number
        self.c.apply(pod.slice())
        self.pods.append(pod)

    def stop(self, pod, has_hook):
        self.c.apply(pod.slice(conditions=GOING))
        if has_hook:
            self.c.settle(60)
            wait.pause(0.3)  # every worker of it
        self.t.equal(pod.stop(60), 0, f"{pod.name} drains and ends")
        self.c.delete(pod.slice())

    def roll(self, has_hook, *words):
        """One more before one less."""
        for pod in list(self.pods):
            self.start(*words)
            self.c.settle(60)
            self.pods.remove(pod)
            self.stop(pod, has_hook)


class Http2(threading.Thread):
    """One connection, GET and POST at once."""

    def __init__(self, address, host):
        super().__init__(daemon=True)
        self.client, self.host = http2.Client(address, seconds=60), host
        self.failures, self.done, self.stopping = [], 0, False

    def run(self):
        try:
            while not self.stopping:
                get = self.client.open(host=self.host)
                post = self.client.open(host=self.host, method="POST", end=False)
                self.client.data(post, b"p" * 10, end=True)
                self.failures += [repr(a) for a in map(self.client.answer, (get, post)) if a.status != 200]
                self.done += 2
                self.client.streams.clear()
                wait.pause(0.002)
        except Exception as error:
            self.failures.append(repr(error))

    def stop(self):
        self.stopping = True
        self.join(60)


def run(t):
    c = t.cluster()
    d = Deployment(t, c, "web")
    c.config(keep_alive_requests=10_000_000)
    c.apply(ingress("web", "web.test", "/", "web"))
    c.apply(ingress("twice", "twice.test", "/", "web", {"proxy-next-upstream": "error timeout non_idempotent"}))
    for _ in range(PODS):
        d.start()
    c.start(proxies=1)
    c.until_serves("twice.test")
    loop = soak.Loop()

    def load(host):
        made = {what: soak.Clients(loop, c.http(), host, every=every, seconds=60).start(n, what) for what, n, every in LOAD}
        made["HTTP/2"] = Http2(c.http(), host)
        made["HTTP/2"].start()
        wait.until(lambda: all(x.done > 20 for x in made.values()), "all clients are at work", 60)
        return made

    def rolls(n, host, what, has_hook, *words):
        clients, began = load(host), time.monotonic()
        for number in range(n):
            d.roll(has_hook, *words)
            failures = {kind: x.failures for kind, x in clients.items() if x.failures}
            t.check(not failures, f"{what}, roll {number + 1}: {failures}\n" +
                    "\n".join(line for line in c.access_log() if '" 50' in line)[-3000:])
        for x in clients.values():
            x.stop()
        t.equal({kind: x.failures for kind, x in clients.items()}, {kind: [] for kind in clients}, what)
        t.say(f"{what}: {n} rolls of {PODS} pods in {time.monotonic() - began:.0f} s, none failed of " +
              ", ".join(f"{x.done} {kind}" for kind, x in clients.items()) +
              f"; {c.metric('weirlock_upstream_retries_total'):.0f} retries so far")

    rolls(t.times(4, 10), "web.test", "pods with a preStop hook", True)
    rolls(t.times(1, 3), "twice.test", "without one, POST may be sent twice", False)
    d.roll(True, "patient")
    rolls(t.times(1, 3), "web.test", "without one, pods that serve until nobody comes", False, "patient")
    for pod in d.pods:
        c.delete(pod.slice())
    for pod in d.pods:
        t.equal(pod.stop(60), 0, f"{pod.name} has nobody left to serve")
