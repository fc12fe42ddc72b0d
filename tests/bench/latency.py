"""How long requests take at a fixed rate, half of what nginx can serve: p50, p99, p99.9 of Weirlock and of nginx, in turn.

h2load asks by its own clock, each connection at its rate; the time is from a request's start to the end of its response.
"""
import os
import re
import statistics
import subprocess

from . import machine, peers, traffic

SAYS = "latency at a fixed rate, half of what nginx can serve, 64 connections, 1 KiB: p50, p99, p99.9"
CONNECTIONS = 64
QUANTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}


def _at_rate(program, per_connection, seconds, log):
    if os.path.exists(log):
        os.unlink(log)
    argv = ["taskset", "-c", str(machine.LOAD_CORE), "h2load", "--h1", "-t1", f"-c{CONNECTIONS}", f"--rps={per_connection}",
            f"-n{int(CONNECTIONS * per_connection * seconds)}", f"--log-file={log}", f"--connect-to=127.0.0.1:{program.http}",
            f"http://{peers.HOST}/1k"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds * 10 + 60, check=False)
    failed = re.search(r"(\d+) failed, (\d+) errored", done.stdout)
    if not failed or failed.groups() != ("0", "0"):
        raise SystemExit(f"bench: h2load at a fixed rate:\n{done.stdout}{done.stderr}")
    with open(log) as f:
        took = sorted(int(line.split("\t")[2]) for line in f)
    return {name: took[min(len(took) - 1, int(q * len(took)))] for name, q in QUANTILES.items()}


def _rate(program, seconds):
    """Half of the requests a second that nginx serves when it is given as many as it takes, of each connection."""
    whole = max(1, round(seconds))
    load = machine.Wrk(f"http://127.0.0.1:{program.http}/1k", CONNECTIONS, seconds, (f"Host: {peers.HOST}",))
    return max(10, int(load.n_requests / whole / 2 / CONNECTIONS))


def measure(args, directory):
    started = []
    try:
        programs = peers.pair(args.bin, directory, started)
        pids = [p.pid for p in started]
        rate = _rate(programs["nginx"], args.seconds)
        log = os.path.join(directory, "requests.log")

        def a_round(seconds):
            made, share = {}, 0.0
            for p, program in programs.items():
                with machine.Others(pids) as others:
                    made[p] = _at_rate(program, rate, 2 * seconds, log)
                share = max(share, others.share)
            return made, share

        kept, disturbed = traffic.rounds_of(a_round, args)
    finally:
        machine.stop_all(started)
    made = {"rate": rate * CONNECTIONS, "runs": {p: [us[p] for us in kept] for p in programs}, "disturbed": disturbed,
            "us": {p: {q: statistics.median(us[p][q] for us in kept) for q in QUANTILES} for p in programs},
            "ratio": {q: [us["nginx"][q] / us["weirlock"][q] for us in kept] for q in QUANTILES}}
    for p, us in made["us"].items():
        machine.say(f"latency: {p} at {made['rate']} a second: " + ", ".join(f"{q} {v:.0f} µs" for q, v in us.items()))
    return made


def table(r):
    lines = [f"| latency at {r['rate']} requests a second | " + " | ".join(QUANTILES) + " |", "|---|" + "---|" * len(QUANTILES)]
    for who, us in r["us"].items():
        lines.append(f"| {who} | " + " | ".join(f"{us[q]:.0f} µs" for q in QUANTILES) + " |")
    return traffic.finish_table(lines, r)
