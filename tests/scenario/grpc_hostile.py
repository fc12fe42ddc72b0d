"""Endpoints that break HTTP/2 in every way: bounded memory, a status for each request, an end reason that says what it was, and others
go on (SECURITY: header bombs, CONTINUATION, interim answers, SETTINGS and PING floods, windows, closed streams)."""
import itertools
import struct

from harness import http2, http2_backend, rpc, wait
from harness.http2 import CONTINUATION, DATA, END_HEADERS, GOAWAY, HEADERS, PING, PUSH_PROMISE, SETTINGS, WINDOW_UPDATE, frame
from harness.http2_backend import GRPC
from harness.manifests import ingress

SECONDS = 180
BUILD = "release"  # AddressSanitizer keeps what was freed


def forever(peer, piece):
    """Sends it until the proxy ends the connection, but not for ever; whether it was ended."""
    try:
        for _ in range(20_000):
            peer.send(piece)
    except OSError:
        return True
    peer.drain()
    return True


def bomb(peer, s):
    peer.head(s, [*GRPC, *((f"x-{n}", "v" * 1000) for n in range(100))])


def many_fields(peer, s):
    peer.head(s, [*GRPC, *((f"x-{n}", "") for n in range(300))])


def indexed_bomb(peer, s):
    """One large field in the table, then a byte for each use of it."""
    first = b"\x40" + b"\x01x" + b"\x7f" + bytes([0x80 | (3900 - 127) & 127, (3900 - 127) >> 7]) + b"v" * 3900
    block = http2.block([(":status", "200")]) + first + b"\xbe" * 12_000
    peer.send(frame(HEADERS, END_HEADERS, s.number, block))


def continuations(peer, s):
    peer.send(frame(HEADERS, 0, s.number, http2.block([(":status", "200")])))
    forever(peer, frame(CONTINUATION, 0, s.number, http2.literal("x", "y" * 100)))


def interim(peer, s):
    forever(peer, frame(HEADERS, END_HEADERS, s.number, http2.block([(":status", "103")])))


def big_trailers(peer, s):
    peer.head(s, GRPC)
    peer.head(s, [(f"x-{n}", "v" * 1000) for n in range(100)], status=None, end=True)


def over_window(peer, s):
    peer.head(s, GRPC)
    peer.send(frame(DATA, 0, s.number, b"x" * 16384) * 256)


def beyond_length(peer, s):
    peer.head(s, [*GRPC, ("content-length", "5")])
    peer.data(s, b"0123456789", end=True)


def below_length(peer, s):
    peer.head(s, [*GRPC, ("content-length", "50")])
    peer.data(s, b"0123456789", end=True)


def compressed_rubbish(peer, s):
    peer.send(frame(HEADERS, END_HEADERS, s.number, b"\xff\xff\xff\xff\xff\xff"))


def no_status(peer, s):
    peer.head(s, GRPC, status=None)


def bad_fields(*fields):
    return lambda peer, s: peer.head(s, [*GRPC, *fields], end=True)


def raw(*pieces):
    return lambda peer, s: [peer.send(p(s.number) if callable(p) else p) for p in pieces]


def flood(piece):
    return lambda peer, s: forever(peer, piece * 50)


BAD, BROKEN, FLOOD = "upstream_bad_response", "upstream_http2_error", "upstream_http2_flood"
CASES = {
    "bomb": (bomb, BAD), "fields": (many_fields, BAD), "indexed": (indexed_bomb, FLOOD), "continuations": (continuations, FLOOD),
    "interim": (interim, BAD), "trailers": (big_trailers, BAD), "window": (over_window, BAD), "beyond": (beyond_length, BAD),
    "below": (below_length, BAD), "hpack": (compressed_rubbish, BROKEN), "no-status": (no_status, BAD),
    "upper": (bad_fields(("X-Upper", "1")), BAD), "newline": (bad_fields(("x", "a\r\nb: c")), BAD),
    "connection": (bad_fields(("connection", "close")), BAD), "pseudo": (bad_fields((":path", "/")), BAD),
    "chunked": (bad_fields(("transfer-encoding", "chunked")), BAD), "status": (lambda p, s: p.head(s, GRPC, status="2x0"), BAD),
    "switching": (lambda p, s: p.head(s, GRPC, status=101), BAD),
    "settings": (flood(frame(SETTINGS)), FLOOD), "pings": (flood(frame(PING, payload=b"pingpong")), FLOOD),
    "windows": (flood(frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1")), FLOOD),
    "unknown": (flood(frame(200, payload=b"x")), FLOOD), "window-zero": (raw(frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\0")), BROKEN),
    "window-large": (raw(frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff")), BROKEN), "huge": (raw(frame(DATA, 0, 1, b"x" * 20000)), BROKEN),
    "idle-stream": (raw(frame(DATA, 0, 99, b"x")), BROKEN), "even-stream": (raw(frame(HEADERS, END_HEADERS, 2, b"\x88")), BROKEN),
    "push": (raw(lambda n: frame(PUSH_PROMISE, END_HEADERS, n, b"\0\0\0\2\x88")), BROKEN), "data-first": (lambda p, s: p.data(s, b"x"), BROKEN),
    "reset": (lambda p, s: p.rst(s, 2), "upstream_reset"), "cancel": (lambda p, s: p.rst(s, 8), "upstream_reset"),
    "refused": (lambda p, s: p.rst(s, 7), "upstream_refused"), "rubbish": (raw(b"\0" * 5000), BROKEN),
    "goaway": (raw(frame(GOAWAY, 0, 0, struct.pack("!II", 0, 0))), "upstream_refused"),
    "goaway-error": (lambda p, s: (p.leave(s.number, 2), p.connection.sock.close()), "upstream_closed"),
    "close": (lambda p, s: p.connection.sock.close(), "upstream_closed"), "abort": (lambda p, s: p.connection.reset(), "upstream_closed"),
}
# after a head and a message
LATE = {
    "late-reset": (lambda p, s: p.rst(s, 2), "upstream_reset", 13), "late-calm": (lambda p, s: p.rst(s, 11), "upstream_reset", 8),
    "late-cancel": (lambda p, s: p.rst(s, 8), "upstream_reset", 1), "late-close": (lambda p, s: p.connection.sock.close(), "upstream_closed", 14),
    "late-trailers": (lambda p, s: p.head(s, [("X", "1")], status=None, end=True), BAD, 14),
    "late-head": (lambda p, s: p.head(s, GRPC), BAD, 14), "late-settings": (flood(frame(SETTINGS)), FLOOD, 14),
    "late-empty": (lambda p, s: forever(p, frame(DATA, 0, s.number) * 50), FLOOD, 14),
    "late-window": (lambda p, s: p.send(frame(DATA, 0, s.number, b"x" * 16384) * 256), BAD, 14),
    "late-closed-stream": (lambda p, s: (p.head(s, [("grpc-status", "0")], status=None, end=True), [p.data(s, b"x" * 1000) for _ in range(4000)]), "done", 0),
}


def run(t):
    def handler(connection):
        peer = http2_backend.Peer(connection)
        while s := peer.request():
            name = s.get(":path").strip("/")
            if name in CASES:
                CASES[name][0](peer, s)
            elif name in LATE:
                peer.head(s, GRPC)
                peer.data(s, b"\0\0\0\0\1x")
                LATE[name][0](peer, s)
            else:
                peer.answer(s)

    c = t.cluster()
    good = t.own(rpc.Server())
    c.config(log_format_upstream="$request_uri $grpc_status $end_reason|")
    c.expose("hostile", t.backend(handler=handler)).expose("good", good)
    grpc = {"backend-protocol": "GRPC", "proxy-next-upstream-tries": "1", "proxy-read-timeout": "20"}
    c.apply(ingress("hostile", "a.test", "/", "hostile", annotations=grpc), ingress("good", "good.test", "/", "good", annotations={**grpc, "proxy-read-timeout": "600"}))
    c.start(workers=1)
    proxy = c.proxies[0]
    with http2.Client(c.http()) as client, rpc.Client(c.http(), "good.test") as beside:
        fields = lambda name: http2.request_fields("/" + name, method="POST", extra=[("content-type", "application/grpc"), ("te", "trailers")])
        t.equal(client.ask(fields=fields("well")).status, 200)
        before = proxy.rss_kib()
        held = beside.bidi(rpc.Feed(), timeout=600)
        for name, (_, reason) in itertools.chain(CASES.items(), ((n, v[:2]) for n, v in LATE.items())):
            s = client.ask(fields=fields(name))
            said = dict([*s.headers, *(s.trailers or [])])
            code = said.get("grpc-status")
            t.equal(s.status, 200, name)
            if name in LATE:
                t.equal(code, str(LATE[name][2]), name)
            elif name in ("beyond", "below") and s.reset is not None:
                code = "-"  # its head had gone, with a length that cannot be kept
            else:
                t.check(code not in (None, "0") and said["grpc-message"].startswith(reason), f"{name}: {s}")
            c.wait_access(f"/{name} {code} {reason}|")
            t.equal(beside.unary(b"x"), b"x", f"others go on after {name}")
            t.equal(client.ask(fields=fields("well")).headers[0][1], "200", f"the endpoint is asked again after {name}")
        t.check(held.is_active(), "a stream of another endpoint was open all the while")
        grown = proxy.rss_kib() - before
        t.say(f"{len(CASES) + len(LATE)} ways; the proxy grew by {grown} KiB")
        t.check(grown < 20_000, f"grew by {grown} KiB")
        held.cancel()
    wait.until(lambda: c.metric("weirlock_upstream_http2_streams") == 0, "no stream left")
