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
    streams: int = 0  # of each HTTP/2 connection; 0 is HTTP/1.1
    connections: int = 64


SCENARIOS = {
    "keepalive": Scenario("HTTP/1.1 keep-alive, 64 connections, 1 KiB responses, no access log"),
    "keepalive-log": Scenario("the same with a JSON access log", host=peers.LOGGED_HOST),
    "newconn": Scenario("a new connection for each request", headers=("Connection: close",)),
    "tls": Scenario("TLS 1.3 keep-alive, 1 KiB", is_tls=True),
    "http2": Scenario("HTTP/2 over TLS 1.3, 16 connections with 32 streams each, 1 KiB", is_tls=True, streams=32),
    "100k": Scenario("100 KiB responses", target="/100k"),
    "10m": Scenario("10 MiB responses, 16 connections", target="/10m", connections=16),
    "tls-100k": Scenario("100 KiB responses over TLS 1.3", target="/100k", is_tls=True),
}
HTTP2_CONNECTIONS = 16


DISTURBED = 0.10  # a run in which others had more of the two cores is made again …
PATIENCE = 3      # … but no more than this many times the runs asked for


def load(scenario, program, seconds):
    if scenario.streams:
        return machine.H2load(scenario.host, program.https, scenario.target, HTTP2_CONNECTIONS, scenario.streams, seconds)
    scheme, port = ("https", program.https) if scenario.is_tls else ("http", program.http)
    return machine.Wrk(f"{scheme}://127.0.0.1:{port}{scenario.target}", scenario.connections, seconds,
                       (f"Host: {scenario.host}", *scenario.headers))


def _once(scenario, program, pids, seconds):
    """CPU µs per request, and the share of the cores that others had meanwhile."""
    before = machine.cpu_seconds(program.pid)
    with machine.Others(pids) as others:
        served = load(scenario, program, seconds)
    return (machine.cpu_seconds(program.pid) - before) / served.n_requests * 1e6, others.share


def _round(scenario, programs, pids, seconds):
    """One run of each proxy, in turn: their figures, and the worst disturbance."""
    made = {p: _once(scenario, program, pids, seconds) for p, program in programs.items()}
    return {p: us for p, (us, _) in made.items()}, max(share for _, share in made.values())


def rounds(scenario, programs, pids, args):
    """The µs per request of each program in each round that was kept, and how many of these were disturbed."""
    return rounds_of(lambda seconds: _round(scenario, programs, pids, seconds), args)


def rounds_of(one, args):
    """The same for any round: one(seconds) gives its figures and the share of the cores that others had."""
    if not args.smoke:
        one(min(1.0, args.seconds))  # warms up
    made, patience = [], 1 if args.smoke else PATIENCE
    while sum(share <= DISTURBED for _, share in made) < args.runs and len(made) < patience * args.runs:
        made.append(one(args.seconds))
    made.sort(key=lambda r: r[1])
    kept = made[:args.runs]
    return [us for us, _ in kept], sum(share > DISTURBED for _, share in kept)


def finish_table(lines, r):
    """The table's text; where rounds were disturbed, it says so below."""
    if r["disturbed"]:
        lines.append(f"\n{r['disturbed']} of {len(next(iter(r['runs'].values())))} rounds were disturbed by other work")
    return "\n".join(lines) + "\n"


def compared(name, says, kept, n_disturbed):
    """What rounds of both proxies say of them."""
    runs = {p: [us[p] for us in kept] for p in kept[0]}
    medians = {p: statistics.median(values) for p, values in runs.items()}
    ratios = [us["nginx"] / us["weirlock"] for us in kept]
    made = {"says": says, "runs": runs, "us_per_request": medians, "ratio": statistics.median(ratios),
            "ratio_range": [min(ratios), max(ratios)], "disturbed": n_disturbed}
    machine.say(f"{name}: nginx {medians['nginx']:.2f} µs, Weirlock {medians['weirlock']:.2f} µs, {made['ratio']:.2f} ×"
                + (f"; {n_disturbed} of {len(kept)} rounds were disturbed" if n_disturbed else ""))
    return made


def alternate(name, says, once, programs, pids, args):
    """Rounds in which once(program, seconds) serves requests and says how many: CPU of each of them."""
    def a_round(seconds):
        made, share = {}, 0.0
        for p, program in programs.items():
            before = machine.cpu_seconds(program.pid)
            with machine.Others(pids) as others:
                n = once(program, seconds)
            made[p] = (machine.cpu_seconds(program.pid) - before) / n * 1e6
            share = max(share, others.share)
        return made, share

    return compared(name, says, *rounds_of(a_round, args))


def _scenario(name, programs, pids, args):
    scenario = SCENARIOS[name]
    return compared(name, scenario.says, *rounds(scenario, programs, pids, args))


def measure(names, args, directory):
    started = []
    try:
        programs = peers.pair(args.bin, directory, started)
        pids = [p.pid for p in started]
        made = {name: _scenario(name, programs, pids, args) for name in names}
        for p, program in programs.items():
            machine.say(f"{p}: {machine.memory_mib(program.pid)[0]} MiB resident after all this")
        return made
    finally:
        machine.stop_all(started)


def table(result):
    lines = ["| scenario | nginx, µs CPU per request | Weirlock | requests per CPU-second against nginx (range) |",
             "|---|---|---|---|"]
    for name, r in result.items():
        us = r["us_per_request"]
        low, high = r["ratio_range"]
        note = f", {r['disturbed']} of {len(r['runs']['nginx'])} rounds disturbed by other work" if r["disturbed"] else ""
        lines.append(f"| {name}: {r['says']} | {us['nginx']:.2f} | {us['weirlock']:.2f} | "
                     f"{r['ratio']:.2f} × ({low:.2f}–{high:.2f}{note}) |")
    return "\n".join(lines) + "\n"
