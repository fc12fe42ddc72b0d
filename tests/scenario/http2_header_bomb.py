"""Header blocks that are small on the wire and large behind HPACK (CVE-2026-49975): fields are bounded by count, cookies
counted, and by bytes; over it is 400, far over it GOAWAY; large-client-header-buffers sets the bytes (SECURITY.md 4.2)."""
import re

from harness import http2
from harness.http2 import END_HEADERS, END_STREAM, HEADERS, frame, literal, request_fields


BUILD = "release"  # AddressSanitizer keeps what was freed


def indexed(name, value):
    """Literal with incremental indexing: later one byte, 0xbe, says it again."""
    return b"\x40" + literal(name, value)[1:]


def run(t):
    c = t.cluster()
    b = t.backend()
    c.config(keep_alive_requests="100000").route("a.test", b).start(workers=1)
    proxy = c.proxies[0]
    with http2.Client(c.http()) as client:
        for name in ("cookie", "x-a"):
            t.equal(client.ask(request_fields(extra=[(name, f"v{i}") for i in range(240)])).status, 200, f"240 × {name}")
            t.equal(client.ask(request_fields(extra=[(name, f"v{i}") for i in range(260)])).status, 400, f"260 × {name}")
        t.equal(client.ask(request_fields(extra=[("x-a", "v" * 8000)] * 3)).status, 200, "24 KiB")
        t.equal(client.ask(request_fields(extra=[("x-a", "v" * 8000)] * 5)).status, 400, "40 KiB")
        t.equal(client.ask(request_fields(target="/" + "p" * 40000)).status, 400, "a long path")
        t.equal(client.ask().status, 200, "the connection goes on")
    # one byte a field: each says 3 KiB again
    bomb = http2.block(request_fields()) + indexed("cookie", "c" * 3000) + b"\xbe" * 16000
    before = proxy.rss_kib()
    for _ in range(20):
        with http2.Client(c.http()) as client:
            client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, bomb[:16384]))
            t.equal(client.drain(), (1, http2.ENHANCE_YOUR_CALM), "far over it")
    # many small ones: 128 streams that hang with all the fields they may have, then no more memory for new ones
    crumbs = http2.block(request_fields(method="POST")) + indexed("cookie", "c" * 90) + b"\xbe" * 200
    clients = []
    refused = 0
    for _ in range(10):
        client = t.own(http2.Client(c.http(), settings={http2.INITIAL_WINDOW_SIZE: 0}))
        clients.append(client)
        for s in range(1, 257, 2):
            client.streams[s] = http2.Stream()
            client.send(frame(HEADERS, END_HEADERS, s, crumbs))
        client.ping()
        refused += sum(s.reset == http2.REFUSED_STREAM for s in client.streams.values())
    grown = proxy.rss_kib() - before
    memory = int(re.search(r"weirlock_http2_memory_bytes (\d+)", c.admin("/metrics").body.decode()).group(1))
    t.say(f"ten connections full of cookies: {memory / 1024:.0f} KiB counted, {grown / 1024:.1f} MiB resident, {refused} refused")
    t.check(0 < memory <= 10 * (2 << 20) * 1.1, f"{memory} bytes counted for ten connections")
    c.config(keep_alive_requests="100000", large_client_header_buffers="2 2k").settle()
    with http2.Client(c.http()) as client:
        t.equal(client.ask(request_fields(extra=[("x-a", "v" * 3000)])).status, 200, "below 1k + 2 × 2k")
        t.equal(client.ask(request_fields(extra=[("x-a", "v" * 6000)])).status, 400, "above")
