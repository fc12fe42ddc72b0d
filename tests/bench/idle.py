"""What a crowd of idle connections costs nginx and Weirlock: memory of each, CPU of their silence, and CPU of the requests of others,
beside the same program without a crowd."""
import os
import resource
import socket
import statistics
import sys
import time

from harness import process, wait, wire

from . import machine, peers, traffic, websockets

SAYS = "100,000 idle keep-alive connections (or as many as descriptors allow), then TLS: memory of each, CPU of others' requests"
WANTED = {"plain": 100000, "tls": 20000}  # a TLS client needs a handshake, which costs the load more than it costs the proxy
SPARE, SMOKE = 500, 200                   # descriptors for all else; connections of the short form
OF_ONE_ADDRESS = 10000                    # of the 28,232 ports of a client address
BIND_ADDRESS_NO_PORT = 24                 # linux/in.h: the port is chosen by connect, which may share it with other destinations
SILENCE = 2.0                             # seconds without a request
LOAD = {"plain": traffic.Scenario("1 KiB, 64 connections"), "tls": traffic.Scenario("1 KiB, 64 connections", is_tls=True)}


def allowed():
    """Descriptors of each program, raised as far as this user may."""
    for limit in (max(WANTED.values()) + SPARE, resource.getrlimit(resource.RLIMIT_NOFILE)[1]):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, max(limit, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
            break
        except (ValueError, OSError):
            continue
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


# ------------------------------------------------------------------------------------------------ the crowd, a program of its own


def _is_whole(answer):
    head, end, body = answer.partition(b"\r\n\r\n")
    if answer and not answer.startswith(b"HTTP/1.1 200 "):
        raise SystemExit(f"bench: no answer: {answer[:200]!r}")
    return bool(end) and len(body) >= peers.BODIES["/1k"]


def _get(s, request):
    s.sendall(request)
    answer = b""
    while not _is_whole(answer):
        more = s.recv(8192)
        if not more:
            raise SystemExit("bench: a connection ended before its answer")
        answer += more


def hold(port, n, is_tls):
    """Opens `n` connections to 127.0.0.1:port, has one request answered on each, says so and keeps them."""
    allowed()
    request, context, kept = wire.request("/1k", peers.HOST), wire.any_certificate(), []
    for i in range(n):
        source = f"127.1.0.{1 + i // OF_ONE_ADDRESS}"
        s = socket.socket()
        s.setsockopt(socket.IPPROTO_IP, BIND_ADDRESS_NO_PORT, 1)
        s.settimeout(60)
        s.bind((source, 0))
        s.connect(("127.0.0.1", port))
        if is_tls:
            websockets.exchange_tls(s, context, request, _is_whole)
        else:
            _get(s, request)
        kept.append(s)
    print("ready n=%d" % len(kept), flush=True)
    while True:
        time.sleep(3600)


def _crowd(directory, port, n, is_tls):
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    p = process.Process("crowd", ["taskset", "-c", str(machine.LOAD_CORE), sys.executable, "-c",
                                  f"from bench import idle; idle.hold({port}, {n}, {is_tls})"], directory,
                        {"PYTHONPATH": here, "PYTHONDONTWRITEBYTECODE": "1"})
    p.expected_status = None  # it ends by a signal
    p.wait_ready(1800)
    return p


# ------------------------------------------------------------------------------------------------------------------- measuring


def _programs(args, directory, n, started):
    """Both proxies, each once to have the crowd and once to be left alone by it."""
    started.append(peers.backend(directory))
    port, made = started[0].port, {}
    for has_crowd in (False, True):
        where = os.path.join(directory, "crowd" if has_crowd else "alone")
        os.makedirs(where)
        peers.certificate(where)
        started.append(peers.nginx(where, port, connections=2 * n + 1000))
        made["nginx", has_crowd] = started[-1]
        started += peers.weirlock(args.bin, where, port, settings={"keep_alive": 3600})
        made["weirlock", has_crowd] = started[-1]
    return made


def _silent(program):
    """Milliseconds of CPU in a second in which nobody asks for anything."""
    before, at = machine.cpu_seconds(program.pid), time.monotonic()
    time.sleep(SILENCE)
    return (machine.cpu_seconds(program.pid) - before) / (time.monotonic() - at) * 1000


def _one(args, directory, kind, n):
    os.makedirs(directory)
    started, made = [], {"connections": n, "kib": {}, "silent_ms": {}}
    try:
        programs = _programs(args, directory, n, started)
        for (name, has_crowd), program in programs.items():
            traffic.load(LOAD[kind], program, 1)  # pools, tables and caches have their size then
            if not has_crowd:
                continue
            pids = websockets.family(program.pid)
            before = websockets.pss_kib(pids)
            port = program.https if kind == "tls" else program.http
            started.append(_crowd(os.path.join(directory, "crowd"), port, n, kind == "tls"))
            made["kib"][name] = (websockets.pss_kib(pids) - before) / n
            made["silent_ms"][name] = _silent(program)
            machine.say(f"idle: {name} {made['kib'][name]:.2f} KiB for each of {n} idle {kind} connections, "
                        f"{made['silent_ms'][name]:.1f} ms of CPU in a silent second")
        kept, made["disturbed"] = traffic.rounds(LOAD[kind], programs, [os.getpid(), *(p.pid for p in started)], args)
        made["runs"] = {f"{name} {'crowd' if has_crowd else 'alone'}": [us[name, has_crowd] for us in kept]
                        for name, has_crowd in programs}
        made["ratio"] = {name: [us[name, True] / us[name, False] for us in kept] for name in ("nginx", "weirlock")}
        for name in ("nginx", "weirlock"):
            left = len(os.listdir(f"/proc/{programs[name, True].pid}/fd"))
            if left < n:
                raise SystemExit(f"bench: {name} has closed idle connections: {left} descriptors of {n} are left")
            machine.say(f"idle: {name}, a request beside them: {statistics.median(made['ratio'][name]):.2f} × of one without")
        return made
    finally:
        machine.stop_all(started)


def measure(args, directory):
    os.makedirs(directory)
    made = {"descriptors": allowed(), "kinds": {}}
    for kind, wanted in list(WANTED.items())[:1 if args.smoke else None]:
        n = SMOKE if args.smoke else min(wanted, made["descriptors"] - SPARE)
        made["kinds"][kind] = _one(args, os.path.join(directory, kind), kind, n)
    return made


def table(r):
    lines = [f"Idle keep-alive connections, {r['descriptors']} descriptors a program; KiB of user memory each (Pss); CPU of requests "
             "of others, µs each, of the same program without and with them", "",
             "| | connections | KiB each | ms of CPU in a silent second | request without | with | ratio (range) |",
             "|---|---|---|---|---|---|---|"]
    for kind, one in r["kinds"].items():
        for name in ("nginx", "weirlock"):
            alone, crowd = (statistics.median(one["runs"][f"{name} {which}"]) for which in ("alone", "crowd"))
            ratios = one["ratio"][name]
            lines.append(f"| {name}, {kind} | {one['connections']:,} | {one['kib'][name]:.2f} | {one['silent_ms'][name]:.1f} "
                         f"| {alone:.2f} | {crowd:.2f} | {statistics.median(ratios):.2f} × ({min(ratios):.2f}–{max(ratios):.2f}, "
                         f"{one['disturbed']} of {len(ratios)} disturbed) |")
    return "\n".join(lines) + "\n"
