"""Hundreds of handshakes that are begun and never ended: the oldest make room, so that a proxy and weirctl come in at once, and memory
stays bounded (DESIGN: the control channel; CHANNEL 3)."""
import os
import socket
import ssl

from harness import wire

BUILD = "release"  # a sanitizer keeps what was freed
GREETING = b"\0SP\0\0\x30\0\0"  # nanomsg's own, as a REQ socket sends it
N, MANY = 600, 5000


def _client_hello():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["weirlock/1"])
    out = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), out).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def _message(session, tls):
    frame = b"\x80\0\0\1" + bytes([1, 1, 0, 0]) + session + tls  # back-trace; handshake, version, flags
    return len(frame).to_bytes(8, "big") + frame


def _begin(address, n):
    """`n` connections with a good ClientHello each, and nothing after it."""
    hello, held = _client_hello(), []
    for _ in range(n):
        s = socket.create_connection(address, 20)
        s.sendall(GREETING + _message(os.urandom(8), hello))
        held.append(s)
    return held


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend()).start()
    controller = c.controllers[0]
    address = wire.split(controller.listen.removeprefix("tcp://"))
    before = controller.rss_kib()
    held = _begin(address, N)
    # nobody waits for the strangers' five seconds: a new proxy and an operator are served while the handshakes hang
    t.check(c.inspect("status"), "weirctl gets its answer")
    c.proxy("late")
    t.equal(c.get("a.test", proxy=1).status, 200)
    c.route("b.test", t.backend())
    c.until_serves("b.test")
    # many sessions on one connection are no way around it
    s = socket.create_connection(address, 20)
    hello = _client_hello()
    s.sendall(GREETING + b"".join(_message(os.urandom(8), hello) for _ in range(MANY)))
    t.check(c.inspect("status"), "weirctl gets its answer once more")
    grown = controller.rss_kib() - before
    t.say(f"{N + MANY} half-open handshakes: the controller grew by {grown} KiB")
    t.check(grown < 48 * 1024, f"the controller grew by {grown} KiB")
    for s in held + [s]:
        s.close()
    c.route("c.test", t.backend())
    c.until_serves("c.test")
    t.check(controller.err().count("handshake refused") < 20, "one line a second at most")
