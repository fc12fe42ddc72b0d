"""Waiting for a condition with a deadline. Nothing here sleeps for a fixed time and hopes."""
import select
import socket
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


def free_port():
    """A loopback port that is free now, outside the range from which the kernel takes source ports (nanomsg cannot tell
    which port it bound for port 0)."""
    import random

    for _ in range(1000):
        port = random.SystemRandom().randrange(15000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")
