"""What a request costs in instructions of our own and in system calls: neither depends on what else the machine does.

The proxies run under callgrind (valgrind), then under strace; h2load, or this program for new connections, sends some requests, then
three times as many: the difference is what requests cost, without the handshakes and whatever else there was of both.
"""
import os
import re
import shutil
import signal
import socket
import subprocess

from harness import process, proxyheader, wait, wire

from . import machine, peers, proxyheaders

SAYS = "instructions (callgrind) and system calls (strace) of a request: keep-alive, log, TLS, HTTP/2, new connections, PROXY headers"
TOOLS = ("valgrind", "callgrind_control", "callgrind_annotate", "strace")
KINDS = ("keepalive", "keepalive-log", "100k", "newconn", "tls", "http2")
PROXY_KINDS = {"proxy-v1": proxyheader.v1, "proxy-v2": proxyheader.v2}  # new connections that begin with such a header
MOST_INSTRUCTIONS, MOST_CALLS = 20000, 6.0  # of a keep-alive request of ours
AT_ONCE = 16  # new connections that are open together


def _new_connections(program, n, header=b""):
    request = header + wire.request("/1k", peers.HOST, headers=["Connection: close"])
    for _ in range(max(1, n // AT_ONCE)):
        open_ones = []
        for _ in range(AT_ONCE):
            s = socket.create_connection(("127.0.0.1", program.http))
            s.sendall(request)
            open_ones.append(s)
        for s in open_ones:
            while s.recv(65536):
                pass
            s.close()


def _ask(kind, program, n):
    if kind == "newconn" or kind in PROXY_KINDS:
        _new_connections(program, n, PROXY_KINDS[kind]() if kind in PROXY_KINDS else b"")
        return
    is_tls = kind in ("tls", "http2")
    host = peers.LOGGED_HOST if kind == "keepalive-log" else peers.HOST
    how = ["-c16", "-m32"] if kind == "http2" else ["-c64", "-m1", "--h1"]
    done = subprocess.run(["h2load", "-t1", *how, f"-n{n}", f"--connect-to=127.0.0.1:{program.https if is_tls else program.http}",
                           f"http{'s' if is_tls else ''}://{host}{'/100k' if kind == '100k' else '/1k'}"],
                          capture_output=True, text=True, timeout=600, check=False)
    if f"{n} succeeded" not in done.stdout:
        raise SystemExit(f"bench: h2load for {kind}:\n{done.stdout}{done.stderr}")


def _control(program, *words):
    subprocess.run(["callgrind_control", *words, str(program.pid)], check=True, capture_output=True, timeout=120)


def _totals(directory):
    """Instructions by dump."""
    made = {}
    for name in os.listdir(directory):
        if name.startswith("callgrind.out."):
            with open(os.path.join(directory, name)) as f:
                made[name] = sum(int(m) for m in re.findall(r"^totals: (\d+)", f.read(), re.M))
    return made


def _counted(kind, program, directory, n):
    before = set(_totals(directory))
    _control(program, "-z")
    _ask(kind, program, n)
    _control(program, "-d")
    new = wait.until(lambda: {k: v for k, v in _totals(directory).items() if k not in before}, "callgrind has written", 60)
    return max(new.values())


def _traced(kind, program, directory, n):
    out = os.path.join(directory, f"{kind}.strace")
    tracer = subprocess.Popen(["strace", "-f", "-c", "-o", out, "-p", str(program.pid)], stderr=subprocess.PIPE, text=True)
    try:
        tracer.stderr.readline()  # it says that it is attached
        wait.pause(0.2)
        _ask(kind, program, n)
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(20)
        tracer.stderr.close()
    with open(out) as f:
        counts = [line.split() for line in f]
    return sum(int(w[3]) for w in counts if len(w) > 4 and w[3].isdigit() and w[-1] != "total")


def _each(count, kind, program, directory, n):
    """Of a request, once pools and caches have their size."""
    _ask(kind, program, n)
    few = count(kind, program, directory, n)
    return (count(kind, program, directory, 3 * n) - few) / (2 * n)


def _under(tool, work):
    """Starts what is named nginx or weirlock under callgrind."""
    plain = machine.start

    def start(name, argv, directory, core=None):
        if name not in ("nginx", "weirlock"):
            return plain(name, argv, directory, core)
        return process.Process(name, [*tool, f"--callgrind-out-file={directory}/callgrind.out.{name}", *argv], directory)

    machine.start = start
    try:
        return work()
    finally:
        machine.start = plain


def _of(pair, args, directory, tool, count, kinds, n):
    started = []
    try:
        programs = _under(tool, lambda: pair(args.bin, directory, started)) if tool else pair(args.bin, directory, started)
        return {p: {kind: _each(count, kind, program, directory, n) for kind in kinds} for p, program in programs.items()}
    finally:
        for p in started:
            p.expected_status = None  # valgrind may have a word of its own
        machine.stop_all(started)


def _all(args, directory, tool, count, kinds, n):
    made = _of(peers.pair, args, directory, tool, count, kinds, n)
    if not args.smoke:
        more = _of(proxyheaders.pair, args, f"{directory}.proxy", tool, count, list(PROXY_KINDS), n)
        made = {p: {**made[p], **more[p]} for p in made}
    return made


def _guard(kind, instructions, calls):
    """Not a goal: what nobody may make of it without a word."""
    if instructions > MOST_INSTRUCTIONS or calls > MOST_CALLS:
        raise SystemExit(f"bench: {kind} costs {instructions:,.0f} instructions (at most {MOST_INSTRUCTIONS:,}) and {calls:.2f} system "
                         f"calls (at most {MOST_CALLS}) a request")


def measure(args, directory):
    missing = [t for t in TOOLS if not shutil.which(t)]
    if missing:
        machine.say(f"instructions: left out, {', '.join(missing)} is not installed; apt-get install valgrind strace")
        return None
    os.makedirs(directory)
    kinds, n = (KINDS[:1], 160) if args.smoke else (KINDS, 640)
    tool = ["valgrind", "--tool=callgrind", "--quiet"]
    made = {"instructions": _all(args, os.path.join(directory, "callgrind"), tool, _counted, kinds, n),
            "calls": _all(args, os.path.join(directory, "strace"), None, _traced, kinds, n)}
    for kind in made["calls"]["weirlock"]:
        i, c = ({p: made[what][p][kind] for p in ("nginx", "weirlock")} for what in ("instructions", "calls"))
        machine.say(f"{kind}: {i['weirlock']:,.0f} instructions, {c['weirlock']:.2f} calls; nginx {i['nginx']:,.0f}, {c['nginx']:.2f}")
    _guard("keepalive", made["instructions"]["weirlock"]["keepalive"], made["calls"]["weirlock"]["keepalive"])
    return made


def table(r):
    if not r:
        return ""
    lines = ["| a request | instructions, nginx | Weirlock | system calls, nginx | Weirlock |", "|---|---|---|---|---|"]
    for kind in r["calls"]["weirlock"]:
        i, c = ({p: r[what][p][kind] for p in ("nginx", "weirlock")} for what in ("instructions", "calls"))
        lines.append(f"| {kind} | {i['nginx']:,.0f} | {i['weirlock']:,.0f} | {c['nginx']:.2f} | {c['weirlock']:.2f} |")
    return "\n".join(lines) + "\n"
