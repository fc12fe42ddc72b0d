"""A PROXY header may come in pieces and with what follows it in one: nothing is lost and nothing waits (A31)."""
import ssl

from harness import proxyheader as ph, wire

REQUEST = wire.request()


def run(t):
    c = t.cluster()
    b = t.backend()
    c.config(use_proxy_protocol="true", proxy_real_ip_cidr="127.0.0.0/8", ssl_redirect="false")
    c.route("a.test", b).start()
    long = ph.v2(tlvs=ph.tlv(0xee, bytes(3900)))
    for header in (ph.v1(), ph.v2(), ph.v2(tlvs=ph.tlv(1, b"h2")), ph.UNKNOWN, ph.LOCAL):
        with wire.Client(c.http()) as one:
            t.equal(one.send_slowly(header + REQUEST).response().status, 200, "byte by byte")
        with wire.Client(c.http()) as one:
            t.equal(one.send(header + REQUEST + REQUEST).response().status, 200, "header and two requests in one segment")
            t.equal(one.response().status, 200)
        t.equal(c.get("a.test", tls="a.test", first=header).status, 200)
    for cut in (1, 5, 6, 15, 16, 17, 28, 4000):
        with wire.Client(c.http()) as one:
            one.send(long[:cut])
            t.check(one.is_open(), f"{cut} bytes of a header are waited for")
            t.equal(one.send(long[cut:] + REQUEST).response().status, 200, f"cut after {cut}")
    t.equal(b.last.get("x-real-ip"), "192.0.2.7")

    for pieces in ("one", "whole", "byte by byte"):
        with Tls(c.https(), ph.v2(), pieces) as tls:
            t.equal(tls.get(), b"HTTP/1.1 200 OK", f"header and ClientHello: {pieces}")


class Tls:
    """TLS in memory, so that its first bytes go out as a scenario wants them."""

    def __init__(self, address, header, pieces):
        self.client = wire.Client(address)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = wire.any_certificate().wrap_bio(self.incoming, self.outgoing, server_hostname="a.test")
        try:
            self.session.do_handshake()
        except ssl.SSLWantReadError:
            hello = self.outgoing.read()
        if pieces == "byte by byte":
            self.client.send_slowly(header + hello)
        elif pieces == "whole":
            self.client.send(header + hello)
        else:
            self.client.send(header + hello[:1]).send(hello[1:])
        self.call(self.session.do_handshake)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def call(self, function, *args):
        while True:
            try:
                done = function(*args)
                self.client.send(self.outgoing.read())
                return done
            except ssl.SSLWantReadError:
                self.client.send(self.outgoing.read())
                self.client.reader.fill()
                self.incoming.write(bytes(self.client.reader.buffer))
                self.client.reader.buffer.clear()

    def get(self):
        """The status line."""
        self.call(self.session.write, REQUEST)
        got = b""
        while b"\r\n" not in got:
            got += self.call(self.session.read, 65536)
        return got.split(b"\r\n")[0]
