"""PROXY headers of version 1 and 2, the client taken from them, a connection for each request: beside nginx, CPU of a request.

wrk cannot write such headers, so HAProxy stands between it and the proxies, on the load's core: wrk's connections are kept,
and each request has one of HAProxy's own.
"""
import os
import statistics
from dataclasses import dataclass

from harness import proxyheader, wait, wire

from . import machine, peers, traffic

SAYS = "a PROXY header, v1 and v2, the client from it, a new connection for each request: CPU of a request"
TRUSTED, CLIENT = "127.0.0.0/8", "203.0.113.7"
SENDS = {"v1": "send-proxy", "v2": "send-proxy-v2"}

_HAPROXY = """global
    nbthread 1
    maxconn 4096
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    http-reuse never
    option http-server-close
"""
_LISTEN = """listen {name}
    bind 127.0.0.1:{port}
    http-request set-src str({client})
    server s 127.0.0.1:{to} {send}
"""


@dataclass
class Through:
    """A proxy as it is reached through HAProxy."""
    pid: int
    http: int


def _haproxy(directory, programs):
    """The process, and what to ask for each proxy and version."""
    conf, through = _HAPROXY, {}
    for who, program in programs.items():
        for version, send in SENDS.items():
            (port,) = machine.free_ports(1)
            conf += _LISTEN.format(name=f"{who}_{version}", port=port, client=CLIENT, to=program.http, send=send)
            through[f"{who} {version}"] = Through(program.pid, port)
    path = os.path.join(directory, "haproxy.cfg")
    with open(path, "w") as f:
        f.write(conf)
    p = machine.start("haproxy", ["haproxy", "-db", "-f", path], directory, machine.LOAD_CORE)
    p.expected_status = None  # it ends by the signal
    return p, through


def _check(name, port):
    """The backend hears of the header's client, and of no other: else something else would be measured."""
    def said():
        with wire.Client(("127.0.0.1", port)) as one:
            return one.get("/who", peers.HOST).text == CLIENT

    wait.until(said, f"the client of the PROXY header comes through {name}", 30)


def _check_connections(proxy):
    """Every request had a connection with a header: else the proxies were spared what is to be measured."""
    with wire.Client(wire.split(proxy.ready["admin"])) as one:
        lines = dict(line.rsplit(" ", 1) for line in one.get("/metrics").text.splitlines() if not line.startswith("#"))
    n_headers = sum(float(lines[f'weirlock_proxy_headers_total{{result="{v}"}}']) for v in SENDS)
    n_requests = float(lines["nginx_ingress_controller_nginx_process_requests_total"])
    if n_headers < n_requests:
        raise SystemExit(f"bench: {n_requests:.0f} requests, but only {n_headers:.0f} connections with a PROXY header")


def pair(programs, directory, started):
    """peers.pair, of proxies that want such headers."""
    os.makedirs(directory)
    started.append(peers.backend(directory))
    peers.certificate(directory)
    port = started[0].port
    started.append(peers.nginx(directory, port, f"set_real_ip_from {TRUSTED}; real_ip_header proxy_protocol;",
                               listen="proxy_protocol", first=proxyheader.v1()))
    front = started[-1]
    started += peers.weirlock(programs, directory, port, settings={"use_proxy_protocol": "true", "proxy_real_ip_cidr": TRUSTED})
    return {"nginx": front, "weirlock": started[-1]}


def measure(args, directory):
    started = []
    try:
        haproxy, programs = _haproxy(directory, pair(args.bin, directory, started))
        started.append(haproxy)
        for name, program in programs.items():
            _check(name, program.http)
        rounds, n_disturbed = traffic.rounds(traffic.Scenario(SAYS), programs, [p.pid for p in started], args)
        _check_connections(started[-2])  # HAProxy is the last
        return _result(programs, rounds, n_disturbed)
    finally:
        machine.stop_all(started)


def _result(programs, rounds, n_disturbed):
    runs = {name: [us[name] for us in rounds] for name in programs}
    ratios = {v: [us[f"nginx {v}"] / us[f"weirlock {v}"] for us in rounds] for v in SENDS}
    made = {"us_per_request": {name: statistics.median(values) for name, values in runs.items()}, "runs": runs,
            "ratio": {v: statistics.median(r) for v, r in ratios.items()},
            "ratio_range": {v: [min(r), max(r)] for v, r in ratios.items()}, "disturbed": n_disturbed}
    for v in SENDS:
        us = made["us_per_request"]
        machine.say(f"PROXY {v}: nginx {us[f'nginx {v}']:.2f} µs, Weirlock {us[f'weirlock {v}']:.2f} µs, {made['ratio'][v]:.2f} ×"
                    + (f"; {n_disturbed} of {len(rounds)} rounds were disturbed" if n_disturbed else ""))
    return made


def table(r):
    us = r["us_per_request"]
    lines = ["| PROXY header and real IP, a connection per request | nginx, µs CPU per request | Weirlock | "
             "requests per CPU-second against nginx (range) |", "|---|---|---|---|"]
    for v in SENDS:
        low, high = r["ratio_range"][v]
        lines.append(f"| {v} | {us[f'nginx {v}']:.2f} | {us[f'weirlock {v}']:.2f} | {r['ratio'][v]:.2f} × ({low:.2f}–{high:.2f}) |")
    return traffic.finish_table(lines, r)
