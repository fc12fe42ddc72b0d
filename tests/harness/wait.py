"""Waiting for a condition with a deadline. Nothing here sleeps for a fixed time and hopes."""
import fcntl
import os
import random
import select
import socket
import tempfile
import threading
import time

SECONDS = 15.0  # a generous deadline: sanitizers on a busy machine; what is healthy needs milliseconds
_never = threading.Event()


class Timeout(AssertionError):
    """The condition did not come true in time."""


def until(condition, what, seconds=SECONDS, every=0.02):
    """The first true value of condition(). Between two looks it waits `every` seconds. Errors of connections that
    are not there yet count as "not yet"."""
    end = time.monotonic() + seconds
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = value
        except (OSError, EOFError, Timeout) as error:
            last = error
        if time.monotonic() >= end:
            raise Timeout(f"not within {seconds:g} s: {what} (last: {last!r})")
        _never.wait(every)


def pause(seconds):
    """For pacing of what a scenario itself sends, where the time between two bytes is what is tested."""
    _never.wait(seconds)


def readable(sock, seconds):
    waiter = select.poll()  # select() knows no descriptor above 1023
    waiter.register(sock, select.POLLIN)
    return bool(waiter.poll(max(0, int(seconds * 1000))))


_claims = None  # one byte for each port, locked by who was given it, until his process ends
_claimed = set()


def _claim(port):
    global _claims
    if port in _claimed:
        return False
    if not _claims:
        _claims = open(os.path.join(tempfile.gettempdir(), f"weirlock-ports-{os.getuid()}"), "w")
    try:
        fcntl.lockf(_claims, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    _claimed.add(port)
    return True


def free_port():
    """A loopback port that is free now and given to no other test that runs, outside the range from which the kernel takes source ports
    (nanomsg cannot tell which port it bound for port 0)."""
    for _ in range(1000):
        port = random.SystemRandom().randrange(15000, 32000)
        if not _claim(port):
            continue
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")
