"""WebSockets over HTTP/2 (RFC 8441): extended CONNECT becomes an upgrade at a backend that speaks HTTP/1.1; messages of all sizes
both ways, several on one connection beside requests, the ends of either side, and what is refused (SEMANTICS G10, G11)."""
from harness import http2, wait, websocket
from harness.http2 import DATA, END_STREAM, frame, request_fields
from harness.http2_websocket import Socket

sunk = []
ACCEPTED = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def handler(connection):
    while request := connection.request():
        if request.target == "/closes":
            connection.send(ACCEPTED + "bye")
            return
        if request.target == "/sink":
            connection.send(ACCEPTED)
            sunk.append(connection.wait_closed(30))
            return
        if request.target == "/bulk":  # much more than a window, then the end
            connection.send(ACCEPTED)
            connection.send(b"x" * 1_000_000)
            return
        if request.target in ("/plain", "/refused"):
            connection.reply(200 if request.target == "/plain" else 403, b"no socket")
        elif request.get("upgrade"):
            websocket.serve_echo(connection, request)
            return
        else:
            connection.echo(request)


def talk(t, b, client):
    client.until(lambda: client.settings, "SETTINGS")
    t.equal(client.settings.get(http2.ENABLE_CONNECT_PROTOCOL), 1, "announced")
    before = len(b.requests)
    sockets = [Socket(client) for _ in range(5)]
    for ws in sockets:
        t.equal((ws.stream.status, ws.stream.get("sec-websocket-accept"), ws.stream.get("upgrade"), ws.stream.get("connection")),
                (200, None, None, None))
    asked = b.requests[before:]
    t.equal({(r.method, r.version, r.get("upgrade"), r.get("connection").lower(), r.get("sec-websocket-version"), r.get("origin"))
             for r in asked}, {("GET", "HTTP/1.1", "websocket", "upgrade", "13", "http://a.test")})
    t.equal({len(r.get("sec-websocket-key")) for r in asked}, {24})
    t.equal(len({r.get("sec-websocket-key") for r in asked}), 5, "keys differ")
    for size in (0, 1, 125, 126, 5000, 40_000):
        for ws in sockets:
            ws.echo(b"m" * size)
    for _ in range(10):  # more than a window in all: it is given back
        sockets[0].echo(b"w" * 30_000)
    t.equal(client.ask().status, 200, "a request beside them")
    return sockets


def ends(t, b, client, sockets):
    # the client ends: END_STREAM, and RST_STREAM
    client.send(frame(DATA, END_STREAM, sockets[0].number))
    t.equal(client.answer(sockets[0].number).ended, True)
    client.rst(sockets[1].number)
    # a close frame, answered and ended by the backend
    sockets[2].send(b"\x03\xe8", websocket.CLOSE)
    t.equal(sockets[2].receive()[0], websocket.CLOSE)
    client.until(lambda: sockets[2].stream.ended and sockets[2].stream.reset == http2.NO_ERROR, "the end")
    # the backend ends at once, and after much: what it said arrives first
    early = Socket(client, "/closes")
    client.until(lambda: early.stream.ended, "the end")
    t.equal(early.stream.body, b"bye")
    bulk = Socket(client, "/bulk")
    client.until(lambda: bulk.stream.ended, "the end")
    t.equal(len(bulk.stream.body), 1_000_000)
    # the client ends after much: all of it arrives first
    sink, windows = Socket(client, "/sink"), client.windows
    for n in range(300):
        client.until(lambda: n * 16384 + 16384 <= 65535 + client.windows - windows, "window")
        client.data(sink.number, n.to_bytes(4, "big") * 4096, end=n == 299)
    client.until(lambda: sink.stream.ended, "the end")
    wait.until(lambda: sunk, "the backend's end")
    t.check(sunk.pop() == b"".join(n.to_bytes(4, "big") * 4096 for n in range(300)), "all bytes in order")
    # nothing but DATA on a tunnel
    client.headers(sockets[3].number, [("x-trailer", "1")], end=True)
    client.until(lambda: sockets[3].stream.reset is not None, "the reset")
    t.equal(sockets[3].stream.reset, http2.PROTOCOL_ERROR)
    sockets[4].echo(b"still there")


def refusals(t, b, client):
    # refused, and not understood: 200 would mean a tunnel
    for target, status in (("/refused", 403), ("/plain", 502)):
        ws = Socket(client, target)
        t.equal((client.answer(ws.number).status, ws.stream.body), (status, b"no socket"))
    asked = len(b.requests)
    number = client.open(request_fields(method="CONNECT", target="/chat", extra=[(":protocol", "connect-udp")]), end=False)
    t.equal(client.answer(number).status, 501)
    number = client.open(request_fields(target="/chat", extra=[(":protocol", "websocket")]))
    t.equal(client.answer(number).status, 400, ":protocol without CONNECT")
    number = client.open([(":method", "CONNECT"), (":authority", "a.test:443")], end=False)
    t.equal(client.answer(number).status, 405, "CONNECT itself")
    t.equal(len(b.requests), asked, "no backend is asked")


def run(t):
    c = t.cluster()
    b = t.backend(handler=handler)
    c.route("a.test", b).start(workers=1)
    for address, options in ((c.http(), {}), (c.https(), {"tls": "a.test"})):
        with http2.Client(address, **options) as client:
            sockets = talk(t, b, client)
            ends(t, b, client, sockets)
            refusals(t, b, client)
            sockets[4].echo(b"and still")
            t.equal(client.ask().status, 200)
        b.wait(lambda b: b.n_open <= 1, "all tunnels are closed at the backend")
    c.wait_access('"GET /chat HTTP/2.0" 101')
    metrics = c.admin("/metrics").text
    t.contains(metrics, "tunnel_closed_by_client")
    t.contains(metrics, "tunnel_closed_by_backend")
