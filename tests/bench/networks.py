"""proxy-real-ip-cidr with 10 and with 10,000 networks, beside nginx with as many set_real_ip_from: what a request costs."""
import os
import statistics

from . import machine, peers, traffic

SAYS = "keep-alive, 1 KiB, X-Forwarded-For of four hops, 10 and 10,000 trusted networks: CPU of a request"
FEW, MANY = 10, 10000
CHAIN = "X-Forwarded-For: 198.51.100.1, 203.0.113.9, 10.0.0.5, 10.1.1.1"  # the second is nobody that is trusted, so it is the client


def _networks(n):
    """The two that the chain needs, then others that it has to be told apart from."""
    others = [f"{20 + i // 65536}.{i // 256 % 256}.{i % 256}.0/24" for i in range(0, 3 * n, 3)]
    return ["127.0.0.0/8", "10.0.0.0/8", *others][:n]


def _trust(n):
    return {"use_forwarded_headers": "true", "proxy_real_ip_cidr": ",".join(_networks(n))}


def _programs(args, directory, n, backend_port):
    """nginx and Weirlock that trust n networks, and what else was started for them."""
    folder = os.path.join(directory, str(n))
    os.makedirs(folder)
    peers.certificate(folder)
    front = peers.nginx(folder, backend_port, " ".join(f"set_real_ip_from {c};" for c in _networks(n))
                        + " real_ip_header X-Forwarded-For; real_ip_recursive on;")
    started = [front, *peers.weirlock(args.bin, folder, backend_port, settings=_trust(n))]
    return {f"nginx {n}": front, f"weirlock {n}": started[-1]}, started


def measure(args, directory):
    os.makedirs(directory)
    started = []
    try:
        started.append(peers.backend(directory))
        programs = {}
        for n in (FEW, MANY):
            more, new = _programs(args, directory, n, started[0].port)
            programs.update(more)
            started += new
        scenario = traffic.Scenario(SAYS, headers=(CHAIN,))
        rounds, n_disturbed = traffic.rounds(scenario, programs, [p.pid for p in started], args)
        runs = {name: [us[name] for us in rounds] for name in programs}
        return {"us_per_request": {name: statistics.median(values) for name, values in runs.items()}, "runs": runs,
                "ratio": {who: statistics.median(us[f"{who} {MANY}"] / us[f"{who} {FEW}"] for us in rounds)
                          for who in ("nginx", "weirlock")}, "disturbed": n_disturbed}
    finally:
        machine.stop_all(started)


def table(r):
    us = r["us_per_request"]
    lines = [f"| trusted networks, µs CPU per request | {FEW} | {MANY:,} | {MANY:,} against {FEW} |", "|---|---|---|---|"]
    for who in ("nginx", "weirlock"):
        lines.append(f"| {who} | {us[f'{who} {FEW}']:.2f} | {us[f'{who} {MANY}']:.2f} | {r['ratio'][who]:.2f} × |")
    return traffic.finish_table(lines, r)
