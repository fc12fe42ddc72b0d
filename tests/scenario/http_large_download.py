"""A 128 MiB download arrives whole; while the client does not read, the backend is held back: memory stays bounded."""
import hashlib

from harness import wait

# The kernel alone may hold tcp_rmem's and tcp_wmem's maxima (32 and 4 MiB here) for a proxy that reads nothing: half of the
# download must be more than that, or the claim below would be about the kernel.
SIZE = 128 * 1024 * 1024
PIECE = bytes(range(256)) * 256


def run(t):
    sent = {"bytes": 0}
    expected = hashlib.sha256(PIECE * (SIZE // len(PIECE))).hexdigest()

    def answer(connection):
        while connection.request():
            sent["bytes"] = 0
            connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n")
            while sent["bytes"] < SIZE:
                connection.send(PIECE)
                sent["bytes"] += len(PIECE)

    c = t.cluster()
    c.route("a.test", t.backend(handler=answer)).start()
    for tls in (None, "a.test"):
        before = c.proxies[0].rss_kib()
        client = c.client(tls=tls, seconds=60, receive_buffer=65536)
        client.request("/")
        stuck = {"at": -1, "times": 0}

        def is_stuck():
            stuck["times"] = stuck["times"] + 1 if sent["bytes"] == stuck["at"] and sent["bytes"] > 0 else 0
            stuck["at"] = sent["bytes"]
            return stuck["times"] >= 10

        wait.until(is_stuck, "the backend is held back", every=0.1)
        grown = c.proxies[0].rss_kib() - before
        t.check(sent["bytes"] < SIZE // 2, f"{sent['bytes']} bytes were taken although the client reads none")
        t.check(grown < 16 * 1024, f"the proxy grew by {grown} KiB")
        t.say(f"{'TLS' if tls else 'plain'}: held back after {sent['bytes'] // 1024} KiB, proxy grew by {grown} KiB")
        r = client.response()
        t.equal((r.status, hashlib.sha256(r.body).hexdigest()), (200, expected))
        client.close()
