"""proxy-protocol-cidr: those inside must send a PROXY header, all others speak plainly, at once; switched live (A30, A37)."""
from harness import proxyheader as ph, wire
from harness.websocket import WebSocket

CONFIG = dict(proxy_real_ip_cidr="127.0.0.0/8", ssl_redirect="false")


def run(t):
    c = t.cluster()
    b = t.backend()
    c.config(**CONFIG)
    c.route("a.test", b).start()
    kept = {"plain": wire.Client(c.http()), "tls": wire.Client(c.https(), tls="a.test")}
    for one in kept.values():
        t.equal(one.get().status, 200)
    socket = WebSocket(c.http(), "a.test")

    def still_open():
        for name, one in kept.items():
            t.equal(one.get().status, 200, name)
        socket.echo("still here")

    def closed(first, source=None, address=None):
        with wire.Client(address or c.http(), source=source, first=first) as one:
            one.send(wire.request())
            t.equal(one.wait_closed(), b"")

    # off: a header is a bad request, or no TLS
    t.equal(c.get("a.test", first=ph.v1()).status, 400)
    with wire.Client(c.https(), first=ph.v2()) as one:
        t.check(not one.wait_closed().startswith(b"HTTP"), "a header is no TLS")

    # on: everybody needs one, and what was open goes on
    c.config(use_proxy_protocol="true", **CONFIG).settle(first=ph.v1())
    still_open()
    closed(b"")
    closed(b"", address=c.https())
    kept["header"] = wire.Client(c.http(), first=ph.v1())
    kept["header over tls"] = wire.Client(c.https(), first=ph.v2(), tls="a.test")
    still_open()
    t.equal(b.last.get("x-real-ip"), "192.0.2.7")

    # for some: both kinds of peers at once
    c.config(use_proxy_protocol="true", proxy_protocol_cidr="127.0.0.2, 127.0.0.64/26", **CONFIG).settle()
    still_open()
    for source in ("127.0.0.2", "127.0.0.65"):
        for tls in (None, "a.test"):
            t.equal(c.get("a.test", tls=tls, first=ph.v2(), source=source).status, 200)
            t.equal(b.last.get("x-real-ip"), "192.0.2.7", source)
        closed(b"", source)
    for source in ("127.0.0.1", "127.0.0.3", "127.0.0.128"):
        for tls in (None, "a.test"):
            t.equal(c.get("a.test", tls=tls, source=source).status, 200)
            t.equal(b.last.get("x-real-ip"), source)
            t.check(b.last.get("x-forwarded-port"), "a plain connection has our port")
        t.equal(c.get("a.test", first=ph.v1(), source=source).status, 400, "A37")
    t.equal(c.get("a.test", headers=["X-Forwarded-For: 6.6.6.6"], first=ph.v1(), source="127.0.0.2").status, 200)
    t.equal(b.last.get("x-real-ip"), "192.0.2.7", "a field is no address without use-forwarded-headers")

    # off again
    c.config(**CONFIG).settle()
    still_open()
    t.equal(c.get("a.test", source="127.0.0.2").status, 200)
    t.equal(c.get("a.test", first=ph.v1(), source="127.0.0.2").status, 400)
    for one in [*kept.values(), socket]:
        one.close()
