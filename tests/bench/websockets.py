"""Idle WebSockets through nginx and through Weirlock: memory of each, plain and TLS."""
import base64
import os
import re
import resource
import select
import socket
import ssl
import sys

from harness import process, wait, wire, websocket

from . import machine, peers

SAYS = "10,000 idle WebSockets (or as many as descriptors allow) through nginx and Weirlock: memory of each, plain and TLS"
WANTED, SPARE = 10000, 150  # tunnels; descriptors for all else
WARM = 200                  # opened before measuring: pools, tables and caches have their size then
TIMEOUTS = {"proxy-read-timeout": "3600", "proxy-send-timeout": "3600"}


def allowed():
    """Descriptors of each program, raised as far as this user may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (2 * (WANTED + WARM + SPARE), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, max(limit, hard)))
            break
        except (ValueError, OSError):
            continue
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def tunnels_that_fit():
    return min(WANTED, (allowed() - SPARE) // 2 - WARM)


def pss_kib(pids):
    """Memory of all processes of one peer: what each has alone, and its share of the rest."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            total += int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M).group(1))
    return total


def family(pid):
    """A program and its children."""
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [pid, *(p for child in f.read().split() for p in family(int(child)))]


# ------------------------------------------------------------------------------------------------ the backend, a program of its own


def serve(echoes=False):
    """Answers every upgrade and is silent from then on, or gives back what comes; says its port on stdout."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    listener.setblocking(False)
    print("ready port=%d" % listener.getsockname()[1], flush=True)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    known = {}
    while True:
        for fd, _ in poll.poll():
            if fd == listener.fileno():
                s, _ = listener.accept()
                known[s.fileno()] = s
                poll.register(s, select.EPOLLIN)
                continue
            try:
                data = known[fd].recv(65536)
            except ConnectionResetError:
                data = b""
            key = re.search(rb"(?i)sec-websocket-key: *(\S+)", data)
            if key:
                known[fd].sendall(websocket.switching(key.group(1).decode()).encode())
            elif not data:
                poll.unregister(fd)
                known.pop(fd).close()
            elif echoes:
                known[fd].sendall(data)


def backend(directory):
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    p = process.Process("sockets", [sys.executable, "-c", "from bench import websockets; websockets.serve()"], directory,
                        {"PYTHONPATH": here, "PYTHONDONTWRITEBYTECODE": "1"})
    p.wait_ready()
    p.port, p.expected_status = int(p.ready["port"]), None  # it ends by a signal
    return p


# ------------------------------------------------------------------------------------------------------------- the clients


def _request():
    return wire.request("/socket", peers.HOST, headers=[
        "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode(), "Origin: https://plain.bench.test",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
        "Accept-Language: en-US,en;q=0.9", "Cookie: session=0123456789abcdef0123456789abcdef"])


def _open_plain(address):
    s = socket.create_connection(address, 20)
    s.sendall(_request())
    answer = s.recv(4096)
    if not answer.startswith(b"HTTP/1.1 101 "):
        raise SystemExit(f"bench: no upgrade: {answer[:200]!r}")
    return s


def exchange_tls(s, context, request, is_whole):
    """A handshake, a request and its answer. OpenSSL is let go of then: nothing more is read or written, and 10,000 of them are much memory."""
    inside, outside = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(inside, outside, server_hostname=peers.HOST)

    def complete(step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                s.sendall(outside.read())
                inside.write(s.recv(65536))

    complete(tls.do_handshake)
    tls.write(request)
    answer = b""
    while not is_whole(answer):
        answer += complete(lambda: tls.read(8192))
    return answer


def _open_tls(address, context):
    s = socket.create_connection(address, 20)
    answer = exchange_tls(s, context, _request(), lambda a: b"\r\n\r\n" in a)
    if not answer.startswith(b"HTTP/1.1 101 "):
        raise SystemExit(f"bench: no upgrade: {answer[:200]!r}")
    return s


def open_plain(program, n):
    return [_open_plain(("127.0.0.1", program.http)) for _ in range(n)]


def _open(program, n, is_tls):
    if not is_tls:
        return open_plain(program, n)
    context = wire.any_certificate()
    return [_open_tls(("127.0.0.1", program.https), context) for _ in range(n)]


def _one(program, n, is_tls):
    """KiB of each of `n` tunnels."""
    kept = _open(program, WARM, is_tls)
    pids = family(program.pid)
    before = pss_kib(pids)
    kept += _open(program, n, is_tls)
    after = pss_kib(pids)
    closed = [s for s in kept if wait.readable(s, 0) and not s.recv(1, socket.MSG_PEEK)]
    if closed:
        raise SystemExit(f"bench: {len(closed)} of {len(kept)} tunnels were closed")
    for s in kept:
        s.close()
    return (after - before) / n


def _wait_closed(pid, n):
    wait.until(lambda: len(os.listdir(f"/proc/{pid}/fd")) <= n, "the tunnels of the last measurement are closed", 60)


def measure(args, directory):
    os.makedirs(directory)
    fits = tunnels_that_fit()
    n = min(fits, 200) if args.smoke else fits
    made = {"tunnels": n, "descriptors": allowed(), "kib": {}}
    for is_tls in (False, True):
        where = os.path.join(directory, "tls" if is_tls else "plain")
        os.makedirs(where)
        started = []
        try:
            started.append(backend(where))
            peers.certificate(where)
            started.append(peers.nginx_websockets(where, started[0].port))
            started += peers.weirlock(args.bin, where, started[0].port, **TIMEOUTS)
            for name, program in (("nginx", started[1]), ("weirlock", started[-1])):
                fds = len(os.listdir(f"/proc/{started[0].pid}/fd"))
                kib = _one(program, n, is_tls)
                made["kib"].setdefault(name, {})["tls" if is_tls else "plain"] = kib
                machine.say(f"websockets: {name} {kib:.2f} KiB for each of {n} {'TLS' if is_tls else 'plain'} tunnels")
                _wait_closed(started[0].pid, fds + 8)
        finally:
            machine.stop_all(started)
    return made


def table(r):
    lines = [f"{r['tunnels']} idle WebSockets, {r['descriptors']} descriptors a program; KiB of user memory each (Pss)", "",
             "| | nginx, as ingress-nginx sets it up | Weirlock |", "|---|---|---|"]
    for kind in ("plain", "tls"):
        lines.append(f"| {kind} | {r['kib']['nginx'][kind]:.2f} | {r['kib']['weirlock'][kind]:.2f} |")
    return "\n".join(lines) + "\n"
