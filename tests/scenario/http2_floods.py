"""Frames that ask for work and bring nothing: SETTINGS, PING, PRIORITY, empty DATA, WINDOW_UPDATE, unknown ones, and
CONTINUATION without end (CVE-2024-27316). Each ends with GOAWAY and the reason http2_flood; others are not disturbed, and a client
that pings now and then, or acknowledges much DATA in small steps, is left alone (SECURITY.md 4.2)."""
import re
import struct

from harness import http2
from harness.http2 import CONTINUATION, DATA, HEADERS, PING, PRIORITY, SETTINGS, WINDOW_UPDATE, frame


def ends(c, reason):
    found = re.search(rf'weirlock_ends_total{{reason="{reason}",fault="0"}} (\d+)', c.admin("/metrics").body.decode())
    return int(found.group(1)) if found else 0


def run(t):
    def handler(connection):
        while request := connection.request():
            if request.target == "/big":
                connection.reply(200, b"z" * 500_000)
            else:
                connection.echo(request)

    c = t.cluster()
    b = t.backend(handler=handler)
    c.config(keep_alive_requests="100000").route("a.test", b).start(workers=1)
    window = struct.pack("!I", 1)
    post = http2.block(http2.request_fields(method="POST"))
    start = frame(HEADERS, http2.END_HEADERS, 1, post)
    floods = {
        "settings": (b"", frame(SETTINGS)),
        "settings that change": (b"", frame(SETTINGS, payload=struct.pack("!HI", 4, 70000))),
        "ping": (b"", frame(PING, payload=b"12345678")),
        "priority": (b"", frame(PRIORITY, 0, 1, struct.pack("!IB", 0, 1))),
        "window updates of the connection": (b"", frame(WINDOW_UPDATE, 0, 0, window)),
        "window updates of a stream": (start, frame(WINDOW_UPDATE, 0, 1, window)),
        "empty data": (start, frame(DATA, 0, 1)),
        "unknown frames": (b"", frame(0x7A, 0, 0, b"x")),
        "continuation": (frame(HEADERS, 0, 1, post), frame(CONTINUATION, 0, 1, http2.literal("x-a", "b" * 50))),
        "empty continuation": (frame(HEADERS, 0, 1, post), frame(CONTINUATION, 0, 1)),
    }
    for n, (name, (first, again)) in enumerate(floods.items()):
        with http2.Client(c.http()) as client, http2.Client(c.http()) as other:
            try:
                client.send(first + again * 5000)
            except OSError:
                pass
            goaway = client.drain()
            t.check(goaway is not None, f"{name}: GOAWAY")
            t.equal(goaway[1], http2.ENHANCE_YOUR_CALM, name)
            t.equal(other.ask().status, 200, f"beside {name}")
        t.equal(ends(c, "http2_flood"), n + 1, name)
    # what frames of ours justify
    with http2.Client(c.http()) as client:
        for _ in range(20):
            s = client.open(target="/big")
            client.grants = False
            while not client.streams[s].ended:
                before = len(client.streams[s].body)
                client.step()
                got = len(client.streams[s].body) - before
                for number in (0, s) if got and not client.streams[s].ended else (0,) if got else ():
                    client.send(frame(WINDOW_UPDATE, 0, number, struct.pack("!I", got)))
            client.ping()
        t.equal(client.goaway, None)
