"""WebSocket messages through nginx and Weirlock, echoed by a backend of ours: CPU of a message, there and back."""
import os
import select
import socket
import sys
import time

from harness import process

from . import machine, peers, traffic, websockets

SAYS = "WebSocket echo, 64 connections, messages of 125 bytes: CPU of a message there and back"
CONNECTIONS, BYTES = 64, 125


def serve():
    """Answers every upgrade, then gives back what comes; says its port on stdout."""
    websockets.serve(echoes=True)


def _backend(directory):
    p = process.Process("echo", ["taskset", "-c", str(machine.LOAD_CORE), sys.executable, "-c",
                                 "from bench import messages; messages.serve()"], directory,
                        {"PYTHONPATH": os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "PYTHONDONTWRITEBYTECODE": "1"})
    p.wait_ready()
    p.port, p.expected_status = int(p.ready["port"]), None  # it ends by a signal
    return p


def _exchange(program, seconds):
    """Each connection sends its next message when it has the last one back. How many came back."""
    message = os.urandom(BYTES)  # to the proxies it is bytes; nobody looks for frames
    open_ones = {s.fileno(): s for s in websockets.open_plain(program, CONNECTIONS)}
    poll = select.epoll()
    left = dict.fromkeys(open_ones, BYTES)
    for fd, s in open_ones.items():
        poll.register(fd, select.EPOLLIN)
        s.sendall(message)
    until, n = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        for fd, _ in poll.poll():
            got = open_ones[fd].recv(4096)
            if not got:
                raise SystemExit("bench: a WebSocket was closed")
            left[fd] -= len(got)
            if left[fd] == 0:
                n += 1
                left[fd] = BYTES
                open_ones[fd].sendall(message)
    for s in open_ones.values():
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        s.close()
    return n


def measure(args, directory):
    os.makedirs(directory)
    started = []
    os.sched_setaffinity(0, {machine.LOAD_CORE})
    try:
        started.append(_backend(directory))
        peers.certificate(directory)
        started.append(peers.nginx_websockets(directory, started[0].port))
        started += peers.weirlock(args.bin, directory, started[0].port, **websockets.TIMEOUTS)
        programs = {"nginx": started[1], "weirlock": started[-1]}
        pids = [os.getpid(), *(p.pid for p in started)]
        return {"messages": traffic.alternate("messages", SAYS, _exchange, programs, pids, args)}
    finally:
        os.sched_setaffinity(0, range(os.cpu_count()))
        machine.stop_all(started)


table = traffic.table
