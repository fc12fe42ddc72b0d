"""CPU time per request, Weirlock beside nginx, in turn."""
import os
import statistics
from dataclasses import dataclass

from . import machine, peers


@dataclass
class Scenario:
    says: str
    target: str = "/1k"
    host: str = peers.HOST
    is_tls: bool = False
    headers: tuple = ()


SCENARIOS = {
    "keepalive": Scenario("HTTP/1.1 keep-alive, 64 connections, 1 KiB responses, no access log"),
    "keepalive-log": Scenario("the same with a JSON access log", host=peers.LOGGED_HOST),
    "newconn": Scenario("a new connection for each request", headers=("Connection: close",)),
    "tls": Scenario("TLS 1.3 keep-alive, 1 KiB", is_tls=True),
    "100k": Scenario("100 KiB responses", target="/100k"),
    "tls-100k": Scenario("100 KiB responses over TLS 1.3", target="/100k", is_tls=True),
}
CONNECTIONS = 64


def _once(scenario, program, seconds):
    scheme, port = ("https", program.https) if scenario.is_tls else ("http", program.http)
    before = machine.cpu_seconds(program.pid)
    load = machine.Wrk(f"{scheme}://127.0.0.1:{port}{scenario.target}", CONNECTIONS, seconds,
                       (f"Host: {scenario.host}", *scenario.headers))
    return (machine.cpu_seconds(program.pid) - before) / load.n_requests * 1e6


def _scenario(name, programs, args):
    scenario = SCENARIOS[name]
    runs = {p: [] for p in programs}
    for number in range(args.runs + 1):
        for p, program in programs.items():
            us = _once(scenario, program, args.seconds if number else min(1.0, args.seconds))
            if number:  # the first round warms up
                runs[p].append(us)
    medians = {p: statistics.median(values) for p, values in runs.items()}
    made = {"says": scenario.says, "runs": runs, "us_per_request": medians,
            "ratio": medians["nginx"] / medians["weirlock"],
            "ratio_range": [min(runs["nginx"]) / max(runs["weirlock"]), max(runs["nginx"]) / min(runs["weirlock"])]}
    machine.say(f"{name}: nginx {medians['nginx']:.2f} µs, Weirlock {medians['weirlock']:.2f} µs, {made['ratio']:.2f} ×")
    return made


def measure(names, args, directory):
    os.makedirs(directory)
    started = []
    try:
        started.append(peers.backend(directory))
        peers.certificate(directory)
        port = started[0].port
        started.append(peers.nginx(directory, port))
        started += peers.weirlock(args.bin, directory, port)
        programs = {"nginx": started[1], "weirlock": started[-1]}
        made = {name: _scenario(name, programs, args) for name in names}
        for p, program in programs.items():
            machine.say(f"{p}: {machine.memory_mib(program.pid)[0]} MiB resident after all this")
        return made
    finally:
        machine.stop_all(started)


def table(result):
    lines = ["| scenario | nginx, µs CPU per request | Weirlock | requests per CPU-second against nginx |", "|---|---|---|---|"]
    for name, r in result.items():
        us = r["us_per_request"]
        lines.append(f"| {name}: {r['says']} | {us['nginx']:.2f} | {us['weirlock']:.2f} | {r['ratio']:.2f} × |")
    return "\n".join(lines) + "\n"
