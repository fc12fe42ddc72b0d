"""Peers that stall cost no CPU: slow readers, half-closed clients, silent WebSockets, unfinished heads, bodies, handshakes and PROXY headers."""
import os
import socket
import time

from harness import proxyheader, wait, wire
from harness.websocket import WebSocket

SECONDS = 60
PIECE = bytes(65536)


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(t):
    def answer(connection):
        while connection.request():
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
            for _ in range(1000):
                connection.send(PIECE)

    c = t.cluster()
    c.config(use_proxy_protocol="true", proxy_protocol_cidr="127.0.0.2", proxy_protocol_header_timeout="1h")
    c.route("large.test", t.backend("large", answer))
    c.route("silent.test", t.silent())
    c.route("a.test", t.backend()).start()
    kept = []
    for tls in (None, "a.test"):
        address = c.http() if tls is None else c.https()
        slow = c.client(tls=tls, receive_buffer=65536)
        slow.request("/", host="large.test")
        half = c.client(tls=tls)
        t.equal(half.get("/", host="a.test").status, 200)
        waiting = c.client(tls=tls)
        waiting.request("/", host="silent.test")
        head = c.client(tls=tls)
        head.send("GET / HTTP/1.1\r\nHost: a.te")
        body = c.client(tls=tls)
        body.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000\r\n\r\nabc")
        tunnel = WebSocket(address, "a.test", "/", tls=tls)
        if tls is None:
            for one in (half, waiting):
                one.half_close()
        for partial in (b"", proxyheader.v1()[:9], proxyheader.v2()[:20], proxyheader.v2() + b"\x16"):
            kept.append(wire.Client(address, source="127.0.0.2", first=partial))
        kept += [slow, half, waiting, head, body, tunnel]
    handshake = socket.create_connection(c.https())
    handshake.sendall(b"\x16\x03\x01\x02\x00\x01")
    kept.append(handshake)
    proxy = c.proxies[0]

    def is_quiet():
        before = cpu_seconds(proxy)
        time.sleep(1)  # what is measured is a second without work
        return cpu_seconds(proxy) - before <= 0.05

    wait.until(is_quiet, "a second with less than 50 ms of CPU", seconds=20)
    t.equal(c.get("a.test").status, 200)
    t.check(all(one.is_open() for one in kept if isinstance(one, wire.Client) and one.address[0] == "127.0.0.2"),
            "partial headers still wait")
    for one in kept:
        one.close()
