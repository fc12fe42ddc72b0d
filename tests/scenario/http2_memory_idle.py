"""An idle HTTP/2 connection holds little: its memory is measured and bounded (issue: the proxy)."""
from harness import http2

BUILD = "release"
ALONE = True
SECONDS = 120
CONNECTIONS = 500


def run(t):
    c = t.cluster()
    c.config(keep_alive=600).route("a.test", t.backend()).start(workers=1)
    proxy = c.proxies[0]

    def open_some(n):
        for _ in range(n):
            t.equal(t.own(http2.Client(c.http())).ask().status, 200)

    open_some(CONNECTIONS // 5)
    before = proxy.rss_kib()
    open_some(CONNECTIONS)
    each = (proxy.rss_kib() - before) / CONNECTIONS
    counted = int(next(line.split()[1] for line in c.admin("/metrics").body.decode().splitlines()
                       if line.startswith("weirlock_http2_memory_bytes "))) / 1024 / (CONNECTIONS * 1.2)
    t.say(f"{CONNECTIONS} idle HTTP/2 connections cost {each:.1f} KiB each, {counted:.1f} KiB counted")
    t.check(each < 16, f"{each:.1f} KiB a connection")
