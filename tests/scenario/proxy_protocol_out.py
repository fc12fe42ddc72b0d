"""send-proxy-protocol names the client to endpoints, and a kept connection is only used again for the same client (pool rule)."""
import random

from harness import proxyheader as ph, wait, websocket, wire
from harness.backend import echo
from harness.websocket import WebSocket

OWN = "weirlock.io/send-proxy-protocol"


class Told:
    """Backends that keep what the header of each connection said."""

    def __init__(self):
        self.by_connection = {}

    def handler(self, connection):
        self.by_connection[connection.number] = ph.read(connection.reader)
        echo(connection)

    def of(self, request):
        return self.by_connection[request.connection]


def run(t):
    c = t.cluster()
    told1, told2 = Told(), Told()
    v1, v2, plain = t.backend("v1", told1.handler), t.backend("v2", told2.handler), t.backend("plain")
    trust = dict(proxy_real_ip_cidr="127.0.0.0/8", ssl_redirect="false")
    c.config(**trust)
    c.route("v1.test", v1, annotations={OWN: "v1"}).route("v2.test", v2, annotations={OWN: "v2"})
    c.route("plain.test", plain).start(workers=1)

    def both(first=b"", **rest):
        """What the two backends were told by one request each, and that it is what they see in X-Real-IP."""
        got = []
        for host, backend, told, version in (("v1.test", v1, told1, 1), ("v2.test", v2, told2, 2)):
            with wire.Client(c.http(), first=first) as one:
                t.equal(one.get("/", host, **rest).status, 200)
                t.equal(told.of(backend.last)[0], version)
                got.append(told.of(backend.last)[1:])
                t.equal(got[-1][0][0], backend.last.get("x-real-ip"))
                got[-1] = got[-1] + (one.address,)
        return got

    for source, target, address in both():
        t.equal((source, target), (address, c.http()), "the TCP peer with its port, and what it connected to")
    t.equal(c.get("plain.test").status, 200, "no header without the annotation")

    # one client connection has one header; another one has another, though the address is the same
    with wire.Client(c.http()) as one, wire.Client(c.http()) as two:
        for n in range(4):
            for client in (one, two):
                t.equal(client.get("/", "v1.test", headers=[f"X-N: {n}"]).status, 200)
                t.equal(told1.of(v1.last)[1], client.address)
        before = v1.n_accepted
        t.equal(one.get("/", "v1.test").status, 200)
        t.equal(v1.n_accepted, before, "kept for the same client")

    # an address from a field has no port: the same client's connections share, others never do
    c.config(use_forwarded_headers="true", **trust).settle()
    random.seed(7)
    before, seen = v2.n_accepted, set()
    for _ in range(60):
        address = f"203.0.113.{random.randrange(6)}"
        seen.add(address)
        t.equal(c.get("v2.test", headers=[f"X-Forwarded-For: {address}"]).status, 200)
        t.equal(v2.last.get("x-real-ip"), address)
        t.equal(told2.of(v2.last)[1], (address, 0))
    t.equal(v2.n_accepted - before, len(seen), "a connection a client")
    # a flood of clients pushes out their own kind, never what serves everybody
    c.config(use_forwarded_headers="true", upstream_keepalive_connections="2", **trust).settle()
    t.equal(c.get("plain.test").status, 200)
    accepted = plain.n_accepted
    for n in range(20):
        t.equal(c.get("v1.test", headers=[f"X-Forwarded-For: 2001:db8::{n + 1}"]).status, 200)
        t.equal(told1.of(v1.last)[1:], ((f"2001:db8::{n + 1}", 0), (f"::ffff:{c.http()[0]}", c.http()[1])))
    t.equal(c.get("plain.test").status, 200)
    t.equal(plain.n_accepted, accepted)
    wait.until(lambda: v1.n_open <= 2, "kept ones are bounded")

    # a WebSocket
    with WebSocket(c.http(), "v2.test", headers=["X-Forwarded-For: 203.0.113.99"]) as socket:
        socket.echo("hello")
        t.equal(told2.of(v2.last)[1], ("203.0.113.99", 0))
        socket.send(b"\x03\xe8", websocket.CLOSE)
        t.equal(socket.receive()[0], websocket.CLOSE)

    # PROXY in, PROXY out; families mixed; no address; a peer that is not believed
    c.config(use_proxy_protocol="true", **trust).settle(first=ph.v1())
    for source, target, _ in both(first=ph.v2()):
        t.equal((source, target), (ph.SOURCE, ph.TARGET))
    for source, target, _ in both(first=ph.v1(("2001:db8::5", 1), ("192.0.2.2", 2))):  # A34 lets them mix
        t.equal((source, target), (("2001:db8::5", 1), ("::ffff:192.0.2.2", 2)))
    for source, target, address in both(first=ph.LOCAL):
        t.equal((source, target), (address, c.http()))
    c.config(use_proxy_protocol="true", proxy_real_ip_cidr="10.0.0.0/8", ssl_redirect="false").settle(first=ph.v1())
    for source, target, address in both(first=ph.v2()):
        t.equal((source, target), (address, c.http()), "neither half of a header that is not believed")

    # the next endpoint is told the same; switched off, nobody is told
    c.config(**trust).settle()
    c.endpoints("v1", t.refusing(), v1).settle()
    for _ in range(4):
        with wire.Client(c.http()) as one:
            t.equal(one.get("/", "v1.test").status, 200)
            t.equal(told1.of(v1.last)[1], one.address)
    rows = c.inspect("routes", of=c.proxies[0])
    t.equal({row["host"]: row["policy"].get("send_proxy_protocol", 0) for row in rows if row["host"] in ("v1.test", "v2.test", "plain.test")},
            {"v1.test": 1, "v2.test": 2, "plain.test": 0})
    t.equal([told.errors for told in (v1, v2, plain)], [[], [], []])
