"""Ten thousand Ingresses over ten thousand hosts from files: time until both proxies serve them, memory, and a change."""
import os
import time

from harness import manifests, wait, wire

from . import machine, peers

SAYS = "10,000 Ingresses over 10,000 hosts from files: start, memory, one change until both proxies serve it"
SECONDS = 300


def _host(number):
    return f"host-{number}.scale.test"


def _objects(number, address):
    name = f"app-{number}"
    return [manifests.ingress(name, _host(number), "/", name), manifests.service(name), manifests.slice_of(name, address)]


def _status(proxy, host):
    try:
        with wire.Client(proxy.http_address) as c:
            return c.get("/1k", host).status
    except (OSError, EOFError):
        return 0


def _changes_ms(proxies, change, host, want):
    """From the rename of a file until every proxy answers so; the slowest."""
    started = time.monotonic()
    change()
    for p in proxies:
        wait.until(lambda p=p: _status(p, host) == want, f"{p.name} answers {want} for {host}", SECONDS, every=0.002)
    return (time.monotonic() - started) * 1000


def _change_all(path, proxies, count, address):
    """A host is renamed, then gets an endpoint that refuses, then the good one again."""
    number = count // 2
    objects = _objects(number, address)
    file = f"{number}.json"
    refused = manifests.slice_of(f"app-{number}", ("127.0.0.1", machine.free_ports(1)[0]))
    new_host = "renamed.scale.test"
    renamed = [manifests.ingress(f"app-{number}", new_host, "/", f"app-{number}"), *objects[1:]]
    made = {}
    made["host_ms"] = _changes_ms(proxies, lambda: peers.write(path, *renamed, name=file), new_host, 200)
    made["endpoints_ms"] = _changes_ms(
        proxies, lambda: peers.write(path, *renamed[:2], refused, name=file), new_host, 502)
    made["back_ms"] = _changes_ms(proxies, lambda: peers.write(path, *objects, name=file), _host(number), 200)
    return made


def measure(args, directory):
    path = os.path.join(directory, "manifests")
    os.makedirs(path)
    count = args.ingresses
    programs = []
    try:
        programs.append(peers.backend(directory))
        address = ("127.0.0.1", programs[0].port)
        peers.write(path, manifests.ingress_class())
        peers.write(path, manifests.configmap())
        for number in range(count):
            peers.write(path, *_objects(number, address), name=f"{number}.json")
        machine.say(f"scale: {count} Ingresses, Services and EndpointSlices are written")
        started = time.monotonic()
        controller = peers.controller(args.bin, directory, path)
        programs.append(controller)
        proxies = [peers.proxy(args.bin, directory, f"proxy-{n}") for n in (1, 2)]
        programs += proxies
        controller.wait_ready(SECONDS)
        controller_s = time.monotonic() - started
        for p in proxies:
            p.wait_ready(SECONDS)
            p.http_address = wire.split(p.ready["http"])
        ready_s = time.monotonic() - started
        for p in proxies:
            wait.until(lambda p=p: _status(p, _host(count - 1)) == 200, f"{p.name} serves the last host", SECONDS)
        made = {"ingresses": count, "controller_ready_s": controller_s, "both_ready_s": ready_s,
                "controller_cpu_s": machine.cpu_seconds(controller.pid)}
        machine.say(f"scale: both proxies are ready after {ready_s:.2f} s")
        made["change"] = _change_all(path, proxies, count, address)
        made["memory_mib"] = {p.name: dict(zip(("now", "peak"), machine.memory_mib(p.pid))) for p in (controller, *proxies)}
        return made
    finally:
        machine.stop_all(programs)


def table(r):
    change = r["change"]
    lines = [f"| {r['ingresses']} Ingresses, as many hosts, Services and EndpointSlices, from files | |", "|---|---|",
             f"| start until the controller is ready | {r['controller_ready_s']:.2f} s |",
             f"| start until both proxies are ready | {r['both_ready_s']:.2f} s |",
             f"| CPU time of the controller until then | {r['controller_cpu_s']:.2f} s |",
             f"| a changed host in one file until both serve it | {change['host_ms']:.0f} ms |",
             f"| changed endpoints in one file until both use them | {change['endpoints_ms']:.0f} ms |",
             f"| both changed back | {change['back_ms']:.0f} ms |"]
    for name, m in r["memory_mib"].items():
        lines.append(f"| memory of {name}, now and at most | {m['now']} MiB, {m['peak']} MiB |")
    return "\n".join(lines) + "\n"
