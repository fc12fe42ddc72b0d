"""Two workers idle below 30 MiB; an idle keep-alive connection costs less than 2 KiB (issue: the proxy)."""
import resource
import socket

from harness import wire

SECONDS = 120
BUILD = "release"
ALONE = True
CONNECTIONS = 4000


def run(t):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < CONNECTIONS * 2 + 200:
        t.skip(f"only {hard} descriptors are allowed")
    c = t.cluster()
    c.config(keep_alive=600).route("a.test", t.backend()).route("b.test", t.backend(), paths=["/", "/api"]).start(workers=2)
    proxy = c.proxies[0]
    idle = proxy.rss_kib()
    t.say(f"idle: {idle / 1024:.1f} MiB with 2 workers")
    t.check(idle < 30 * 1024, f"{idle} KiB idle")

    def open_some(n):
        made = []
        for _ in range(n):
            s = socket.create_connection(c.http(), 20)
            s.sendall(wire.request("/"))
            wire.Client.response(Plain(s))
            made.append(s)
        return made

    first = open_some(CONNECTIONS // 4)  # pools and tables grow to their size
    before = proxy.rss_kib()
    more = open_some(CONNECTIONS)
    after = proxy.rss_kib()
    each = (after - before) / CONNECTIONS
    t.say(f"{CONNECTIONS} idle keep-alive connections cost {each:.2f} KiB each")
    t.check(each < 2.0, f"{each:.2f} KiB a connection")
    for s in first + more:
        s.close()


class Plain:
    """A connected socket, read as a wire.Client reads."""

    def __init__(self, sock):
        self.reader = wire.Reader(sock)
        self.head = lambda: wire.Client.head(self)
