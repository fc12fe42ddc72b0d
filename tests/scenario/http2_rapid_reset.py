"""Rapid reset (CVE-2023-44487) and its mirror image, frames that make the server reset (MadeYouReset, CVE-2025-8671): what a
client may give up has a budget, then GOAWAY with ENHANCE_YOUR_CALM and a reason; a client that cancels a page full of requests
is left alone; a stream counts until its work has ended (SECURITY.md 4.2)."""
import re
import struct

from harness import http2, wait
from harness.http2 import RST_STREAM, WINDOW_UPDATE, frame


def attack(client, n, make):
    """Opens and abandons n streams, as fast as the connection takes them."""
    try:
        for _ in range(n):
            make(client)
    except OSError:
        pass
    return client.drain()


def run(t):
    ended = []

    def hang(connection):
        while request := connection.request():
            if request.target == "/hang":
                ended.append(connection.wait_closed())
                return
            connection.echo(request)

    c = t.cluster()
    b = t.backend(handler=hang)
    c.config(keep_alive_requests="100000").route("a.test", b).start(workers=1)

    def give_up(client):
        s = client.open(target="/hang")
        client.rst(s)

    def zero_increment(client):
        s = client.open(target="/hang")
        client.send(frame(WINDOW_UPDATE, 0, s, struct.pack("!I", 0)))

    def overflow(client):
        s = client.open(target="/hang")
        client.send(frame(WINDOW_UPDATE, 0, s, struct.pack("!I", 0x7FFFFFFF)))

    def data_after_end(client):
        s = client.open(target="/hang")
        client.send(frame(http2.DATA, 0, s, b"x"))

    for make in (give_up, zero_increment, overflow, data_after_end):
        with http2.Client(c.http()) as client:
            goaway = attack(client, 2000, make)
            t.check(goaway is not None, f"{make.__name__}: GOAWAY")
            t.check(goaway[1] in (http2.ENHANCE_YOUR_CALM, http2.STREAM_CLOSED, http2.PROTOCOL_ERROR), f"{make.__name__}: {goaway}")
            t.check(goaway[0] < 2000, f"{make.__name__}: the connection ended early: {goaway}")
            if make in (give_up, overflow):  # the others end the connection at their first frame
                t.equal(goaway[1], http2.ENHANCE_YOUR_CALM, make.__name__)
    # An overflow is a reset and a WINDOW_UPDATE: which of the two budgets it meets first depends on how fast it comes.
    ends = dict(re.findall(r'weirlock_ends_total\{reason="http2_(resets|flood)",fault="0"\} (\d+)', c.admin("/metrics").body.decode()))
    t.equal(int(ends["resets"]) + int(ends["flood"]), 2)
    t.check(int(ends["resets"]) >= 1, f"what a client gave up is counted: {ends}")
    wait.until(lambda: b.n_open <= 1, "no backend works for nobody")

    # a page that is left: 100 requests cancelled at once, and the connection goes on
    with http2.Client(c.http()) as client:
        streams = [client.open(target="/hang") for _ in range(100)]
        b.wait(lambda b: b.n_open >= 90, "they are at work")
        for s in streams:
            client.rst(s)
        t.equal(client.ask(target="/fine").status, 200)
        b.wait(lambda b: b.n_open <= 2, "their work has ended")
        t.equal(client.goaway, None)
    c.wait_access(" 499 ")
