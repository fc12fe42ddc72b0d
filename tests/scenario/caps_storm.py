"""Clients of every kind come, stop halfway and leave at random, far more than max-client-connections, while max-memory comes and goes:
the proxy lives, counts nobody twice, and serves the next one as before."""
import random
import socket
import threading

from harness import http2, proxyheader, wait, wire

SECONDS = 90
MAX, CLIENTS, ROUNDS, KEPT = 12, 8, 60, 6
GET = wire.request("/", headers=["X-Long: " + "v" * 3000])
UPGRADE = wire.request("/", headers=["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="])
POST = b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\n"
FIRST = [b"", b"GET", GET[:1500], GET, GET * 30, POST, POST + bytes(5000), POST + bytes(100000) + GET, UPGRADE, b"\0\1\2",
         http2.PREFACE, http2.PREFACE[:9], b"PROXY TCP4 1.2", proxyheader.v2() + GET]
HELLO = b"\x16\x03\x01\x02\x00\x01"
FAILURES = (OSError, AssertionError, EOFError, ValueError)  # it was closed on the way, which is the point


def answer(connection):
    while connection.request():
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + bytes(200000))


def begin(c, luck):
    """A client that has sent something, whole or not."""
    address, tls = luck.choice([(c.http(), None), (c.https(), "a.test")])
    kind = luck.randrange(4)
    if kind == 0:
        client = http2.Client(address, tls=tls)
        for end in (True, True, True, False):
            client.open(method="GET" if end else "POST", end=end)
    elif kind == 1:
        client = wire.Client(c.https())
        client.send(HELLO[:luck.randrange(len(HELLO) + 1)])
    else:
        client = wire.Client(address, tls=tls)
        client.send(luck.choice(FIRST))
    return client


def go_on(client, luck):
    if luck.random() < 0.5:
        client.sock.settimeout(0.05)
        client.sock.recv(65536)
    if luck.random() < 0.3:
        client.sock.shutdown(socket.SHUT_WR)


def leave(client, luck):
    try:
        if luck.random() < 0.5:
            client.reset()
        client.close()
    except FAILURES:
        pass


def crowd(c, seed):
    luck, kept = random.Random(seed), []
    for _ in range(ROUNDS):
        try:
            kept.append(begin(c, luck))
            go_on(kept[-1], luck)
        except FAILURES:
            pass
        if len(kept) > KEPT:
            leave(kept.pop(luck.randrange(len(kept))), luck)
    for client in kept:
        leave(client, luck)


def ended(c, reason):
    return c.metric(f'weirlock_ends_total{{reason="{reason}",fault="1"}}')


def storm(c, seed, full):
    """A crowd from every side; how many have ended for this reason so far."""
    threads = [threading.Thread(target=crowd, args=(c, seed + i), daemon=True) for i in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ended(c, full)


def run(t):
    c = t.cluster()
    c.config(max_client_connections=MAX).route("a.test", t.backend("a", answer)).start(workers=2)
    seed = random.randrange(1 << 30)
    t.say(f"seed {seed}")
    for memory, full in (("16384m", "connections_full"), ("1m", "memory_full"), ("16383m", "connections_full")):
        before = ended(c, full)
        c.config(max_client_connections=MAX, max_memory=memory)
        wait.until(lambda full=full, before=before: storm(c, seed, full) > before, f"some ended for {full}", 80)
    wait.until(lambda: c.metric('weirlock_client_connections{of="proxy"}') == 0, "all have left", 80)
    t.equal(c.metric("weirlock_client_ahead_bytes"), 0)
    c.until_serves("a.test")
    t.equal(c.get("a.test").status, 200)
