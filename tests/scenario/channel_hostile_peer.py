"""A peer with a good certificate and bad intentions: messages that grow when they are read, calls without end, hundreds of
sessions. The controller's memory is bounded and nobody else notices (CHANNEL 3.4: memory amplification)."""
import os
import socket
import ssl
import struct

from harness import wait, wire

BUILD = "release"  # a sanitizer keeps what was freed
GREETING = b"\0SP\0\0\x30\0\0"  # nanomsg's own, as a REQ socket sends it
SESSIONS = 80


class Session:
    """One session of a proxy by hand: SP over TCP, frames, TLS 1.3, envelopes."""

    def __init__(self, address, identity):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(os.path.join(identity, "ca.crt"))
        context.load_cert_chain(os.path.join(identity, "tls.crt"), os.path.join(identity, "tls.key"))
        context.set_alpn_protocols(["weirlock/1"])
        self.id, self.calls = os.urandom(8), 0
        self.incoming, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.out)
        self.socket = socket.create_connection(address, 20)
        self.socket.settimeout(20)
        self.socket.sendall(GREETING)
        self._exactly(8)
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush(1)
                self._receive()
        self._flush(1)

    def _exactly(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                raise ConnectionError("the controller hung up")
            data += more
        return data

    def _receive(self):
        body = self._exactly(struct.unpack(">Q", self._exactly(8))[0])
        self.incoming.write(body[4 + 12:])  # back-trace, then the frame's head

    def _flush(self, kind):
        data = self.out.read()
        if data:
            frame = b"\x80\0\0\1" + bytes([kind, 1, 0, 0]) + self.id + data
            self.socket.sendall(struct.pack(">Q", len(frame)) + frame)

    def call(self, method, payload):
        self.calls += 1
        text = b"weirlock.v1.Control/" + method
        self.tls.write(struct.pack(">BQIHH", 1, self.calls, 20000, len(text), 0) + text + payload)
        self._flush(2)

    def answer(self):
        while True:
            try:
                return self.tls.read(1 << 20)
            except ssl.SSLWantReadError:
                self._receive()


def _text(tag, value):
    return bytes([tag << 3 | 2, len(value)]) + value


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend()).start()
    controller = c.controllers[0]
    address = wire.split(controller.listen.removeprefix("tcp://"))
    hello = bytes([1 << 3, 1, 2 << 3, 1]) + _text(5, b"1.0")
    errors = _text(2, os.urandom(32)) + b"\x1a\0" * 32000       # a refusal with 32,000 empty reasons
    unknown = b"\xf8\x07\1" * 20000                             # a report with 20,000 fields that nobody knows
    before = controller.rss_kib()
    held = []
    for n in range(SESSIONS):
        s = Session(address, t.identity("proxy"))
        s.call(b"Hello", hello + _text(4, b"evil-%d" % n))
        s.answer()
        s.call(b"Watch", errors)
        s.call(b"Report", unknown)
        s.answer()
        held.append(s)
    for s in held[:10]:
        for _ in range(300):  # each takes the place of the one before, or is refused
            s.call(b"Watch", b"")
            s.call(b"Nothing", b"\xff" * 1000)
    rows = c.inspect("status", status=None)
    t.equal(len([r for r in rows if r["name"].startswith("evil-")]), SESSIONS, "all of them are in")
    c.route("b.test", t.backend())
    c.until_serves("b.test")
    grown = controller.rss_kib() - before
    t.say(f"{SESSIONS} hostile sessions: the controller grew by {grown} KiB, {grown // SESSIONS} each")
    t.check(grown < 48 * 1024, f"the controller grew by {grown} KiB")
    for s in held:
        s.socket.close()
    c.route("c.test", t.backend())
    c.until_serves("c.test")
    wait.until(lambda: next(r for r in c.inspect("status", status=None) if r["name"] == "proxy-1")["state"] == "synced", "in step")
