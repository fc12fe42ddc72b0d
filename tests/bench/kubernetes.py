"""A real API server: how long after its answer a change is served by two proxies, and what a large cluster costs the controller."""
import os
import random
import subprocess
import time

from harness import kubernetes, manifests, scenario, wire
from harness.apiload import Load

from . import machine

SAYS = "a real API server: from its answer to traffic on two proxies, idle and among 10,000 Ingresses; memory, CPU (some 7 minutes)"
SECONDS = 600
PER_SERVICE = 2      # Ingresses
ENDPOINTS = 10       # of a Service: 50,000 of 5,000
CHANGES_PER_S = 50
PAUSE_S = 0.12       # between two changes that are timed: more of them in a row are gathered, which is another figure
REST_S = 20          # of each figure of CPU
GOAL_P99_MS, GOAL_MIB, GOAL_IDLE_PERCENT = 50, 350, 1


def _percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _summary(values):
    return {"n": len(values), "p50_ms": _percentile(values, 0.5), "p99_ms": _percentile(values, 0.99), "max_ms": max(values)}


class Watcher:
    """Asks each proxy again and again, on one connection, until it answers as wanted."""

    def __init__(self, c):
        self.clients = [wire.Client(c.http(n)) for n in range(len(c.proxies))]

    def until(self, host, good):
        for client in self.clients:
            end = time.monotonic() + SECONDS
            while not good(client.get("/", host)):
                if time.monotonic() > end:
                    raise SystemExit(f"bench: {host} was not served as wanted within {SECONDS} s")
                time.sleep(0.0005)

    def close(self):
        for client in self.clients:
            client.close()


def _timed(c, act, host, good):
    """Milliseconds from the API server's answer until the last proxy answers so."""
    watcher = Watcher(c)
    try:
        time.sleep(PAUSE_S)
        for _ in range(2):  # the connections and their workers are warm
            watcher.until(host, lambda r: r.status)
        act()
        began = time.monotonic()
        watcher.until(host, good)
        return (time.monotonic() - began) * 1000
    finally:
        watcher.close()


def _ingress_changes(c, n):
    o = manifests.ingress("timed", "timed.test", "/", "timed", annotations={"permanent-redirect": "http://to.test/start"})
    c.apply(manifests.service("timed"), o)
    c.until_serves("timed.test", want=301, seconds=SECONDS)

    def one(number):
        to = f"http://to.test/{number}"
        path = c.api.path_of(o)
        change = {"metadata": {"annotations": {manifests.PREFIX + "permanent-redirect": to}}}
        return _timed(c, lambda: c.api.request("PATCH", path, change, "application/merge-patch+json"), "timed.test",
                      lambda r: r.get("location") == to)

    return _summary([one(number) for number in range(n)])


def _endpoint_changes(c, backends, n):
    c.expose("flips", backends[0])
    c.apply(manifests.ingress("flips", "flips.test", "/", "flips"))
    c.until_serves("flips.test", seconds=SECONDS)
    path = c.api.path("EndpointSlice", "default", "flips-0")

    def one(number):
        b = backends[(number + 1) % 2]
        change = {"ports": [{"name": "http", "port": b.address[1], "protocol": "TCP"}]}
        return _timed(c, lambda: c.api.request("PATCH", path, change, "application/merge-patch+json"), "flips.test",
                      lambda r: r.get("x-backend") == b.name)

    return _summary([one(number) for number in range(n)])


def _host(number):
    return f"host-{number}.scale.test"


def _service(number):
    return manifests.service(f"app-{number}", "scale", clusterIP="None")


def _slice(number):
    made = manifests.slice_of(f"app-{number}", ("10.244.0.1", 8080), "scale")
    made["endpoints"] = [{"addresses": [f"10.244.{number // 200 % 200 + 1}.{n + 1}"], "conditions": {"ready": True}} for n in range(ENDPOINTS)]
    return made


def _ingress(number):
    return manifests.ingress(f"app-{number}", _host(number), "/", f"app-{number // PER_SERVICE}", namespace="scale",
                             annotations={"permanent-redirect": "http://to.test/start"})


def _fill(c, load, count):
    c.api.namespace("scale")
    services = count // PER_SERVICE
    seconds = load.create(_service(n) for n in range(services)) + load.create(_slice(n) for n in range(services))
    machine.say(f"kubernetes: {services} Services and {services * ENDPOINTS} endpoints after {seconds:.0f} s")
    seconds = load.create(_ingress(n) for n in range(count))
    began = time.monotonic()
    c.until_serves(_host(count - 1), want=301, seconds=SECONDS)
    return {"ingresses_s": seconds, "served_after_s": time.monotonic() - began}


def _cpu_percent(pid, act):
    before, began = machine.cpu_seconds(pid), time.monotonic()
    act()
    return 100 * (machine.cpu_seconds(pid) - before) / (time.monotonic() - began)


def _changes_per_s(c, load, count, seconds):
    """Ingresses of the cluster are changed, so many a second; then how long the last one takes."""
    pick = random.Random(1)
    calls = [load.patch_call(_ingress(pick.randrange(count)), {"metadata": {"annotations": {
        manifests.PREFIX + "permanent-redirect": f"http://to.test/{n}"}}})
             for n in range(CHANGES_PER_S * seconds)]
    took = load.run(iter(calls), CHANGES_PER_S)
    if took > 1.1 * seconds:
        machine.say(f"kubernetes: the API server took {len(calls) / took:.0f} changes/s, not {CHANGES_PER_S}")


def _large(args, c, backends):
    load, count = Load(c.api), args.ingresses
    made = {"ingresses": count, "endpoints": count // PER_SERVICE * ENDPOINTS, "fill": _fill(c, load, count)}
    machine.say(f"kubernetes: {count} Ingresses after {made['fill']['ingresses_s']:.0f} s, served {made['fill']['served_after_s']:.1f} s later")
    old = c.controllers.pop()
    old.stop()
    began = time.monotonic()
    controller = c.controller("controller-again", old.listen, wait_ready=False).wait_ready(SECONDS)
    made["ready_s"] = time.monotonic() - began
    c.settle(seconds=SECONDS)
    rest = 3 if args.smoke else REST_S
    time.sleep(rest)  # the proxies are at it, the controller is not any more
    made["idle_cpu_percent"] = _cpu_percent(controller.pid, lambda: time.sleep(rest))
    made["idle_memory_mib"] = machine.memory_mib(controller.pid)
    machine.say(f"kubernetes: idle {made['idle_cpu_percent']:.2f} % CPU, {made['idle_memory_mib'][0]} MiB")
    made["busy_cpu_percent"] = _cpu_percent(controller.pid, lambda: _changes_per_s(c, load, count, rest))
    made["busy_memory_mib"] = machine.memory_mib(controller.pid)
    machine.say(f"kubernetes: {CHANGES_PER_S} changes/s {made['busy_cpu_percent']:.1f} % CPU, {made['busy_memory_mib'][0]} MiB")
    c.settle(seconds=SECONDS)
    made["changes"] = _ingress_changes(c, args.changes)
    made["endpoint_changes"] = _endpoint_changes(c, backends, max(1, args.changes // 5))
    made["memory_mib"] = {p.name: machine.memory_mib(p.pid) for p in (controller, *c.proxies)}
    return made


def measure(args, directory):
    if args.smoke and not os.path.exists(subprocess.run([kubernetes.BUILD, "--where"], capture_output=True, text=True, check=True).stdout.strip()):
        machine.say("kubernetes: left out, its API server is not built (tests/kubernetes/build)")
        return None
    args.changes = args.changes or (5 if args.smoke else 500)
    os.makedirs(directory)
    subprocess.run(["ip", "address", "add", "10.244.0.0/16", "dev", "lo"], capture_output=True, check=False)
    t = scenario.Scenario(directory, args.bin)
    try:
        c = t.kube_cluster()
        backends = [c.backend("a"), c.backend("b")]
        c.start(proxies=2, workers=1)
        made = {"changes": _ingress_changes(c, args.changes), "endpoint_changes": _endpoint_changes(c, backends, max(1, args.changes // 5))}
        machine.say(f"kubernetes: a change in a small cluster is served after {made['changes']['p50_ms']:.1f} ms (p99 "
                    f"{made['changes']['p99_ms']:.1f} ms), endpoints after {made['endpoint_changes']['p50_ms']:.1f} ms")
        made["large"] = _large(args, c, backends)
        return made
    finally:
        for complaint in t.close():
            machine.say("kubernetes: " + complaint)


def _row(what, s):
    return f"| {what} | {s['n']} | {s['p50_ms']:.1f} ms | {s['p99_ms']:.1f} ms | {_goal(s['p99_ms'], GOAL_P99_MS, 'ms')} | {s['max_ms']:.0f} ms |"


def _goal(value, goal, unit):
    return f"under {goal} {unit}: {'yes' if value < goal else 'NO'}"


def table(r):
    if not r:
        return ""
    big = r["large"]
    most_mib = max(big["idle_memory_mib"][0], big["busy_memory_mib"][1])
    lines = ["| from the API server's answer to traffic on two proxies | changes | p50 | p99 | goal for p99 | longest |",
             "|---|---|---|---|---|---|", _row("an Ingress, small cluster", r["changes"]), _row("endpoints, small cluster", r["endpoint_changes"]),
             _row(f"an Ingress among {big['ingresses']}", big["changes"]), _row(f"endpoints, among {big['ingresses']} Ingresses", big["endpoint_changes"]), "",
             f"| controller with {big['ingresses']} Ingresses and {big['endpoints']} endpoints | | goal |", "|---|---|---|",
             f"| start until ready | {big['ready_s']:.1f} s | |",
             f"| memory idle; at {CHANGES_PER_S} changes/s; at most | {big['idle_memory_mib'][0]} MiB; {big['busy_memory_mib'][0]} MiB; "
             f"{big['busy_memory_mib'][1]} MiB | {_goal(most_mib, GOAL_MIB, 'MiB')} |",
             f"| CPU of one core idle; at {CHANGES_PER_S} changes/s | {big['idle_cpu_percent']:.2f} %; {big['busy_cpu_percent']:.1f} % | "
             f"{_goal(big['idle_cpu_percent'], GOAL_IDLE_PERCENT, '% idle')} |"]
    return "\n".join(lines) + "\n"
