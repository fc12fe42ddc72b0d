"""TLS 1.3 handshakes, full and resumed, one request on each connection: CPU of a connection, Weirlock beside nginx.

The client is this program; it is slow, which does not matter: what is measured is what the proxies spend. It shares its core
with the backend.
"""
import os
import socket
import time

from harness import wire

from . import machine, peers, traffic

SAYS = "TLS 1.3 handshakes with an ECDSA certificate, full and resumed, a request each: CPU of a connection"
KINDS = {"full": "a full TLS 1.3 handshake and a request", "resumed": "a resumed TLS 1.3 handshake and a request"}


def _one(context, port, session):
    """Asks once; the session for the next time."""
    with socket.create_connection(("127.0.0.1", port), 20) as plain:
        with context.wrap_socket(plain, server_hostname=peers.HOST, session=session) as s:
            s.sendall(wire.request("/1k", peers.HOST, headers=["Connection: close"]))
            answer = s.recv(65536)
            if not answer.startswith(b"HTTP/1.1 200 "):
                raise SystemExit(f"bench: no answer: {answer[:200]!r}")
            while s.recv(65536):
                pass
            if bool(session) != s.session_reused:
                raise SystemExit(f"bench: the session was {'' if s.session_reused else 'not '}resumed")
            return s.session


def _connect(context, port, is_resumed, seconds):
    session = _one(context, port, None) if is_resumed else None
    until, n = time.monotonic() + seconds, 0
    while time.monotonic() < until or n < 20:
        made = _one(context, port, session)
        session = made if is_resumed else None
        n += 1
    return n


def measure(args, directory):
    started = []
    os.sched_setaffinity(0, {machine.LOAD_CORE})
    try:
        programs = peers.pair(args.bin, directory, started)
        pids = [os.getpid(), *(p.pid for p in started)]
        context = wire.any_certificate()
        return {kind: traffic.alternate(
            f"handshakes, {kind}", says,
            lambda program, seconds, kind=kind: _connect(context, program.https, kind == "resumed", seconds),
            programs, pids, args) for kind, says in KINDS.items()}
    finally:
        os.sched_setaffinity(0, range(os.cpu_count()))
        machine.stop_all(started)


table = traffic.table
