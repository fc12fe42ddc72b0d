"""Back-pressure reaches from one end to the other and stays with its stream: a backend that reads nothing stops the upload of its
stream alone, a client that takes nothing stops its endpoint; memory stays flat (DESIGN, SEMANTICS G7)."""
import threading

from harness import http2, wait

SIZE = 30_000_000
BUILD = "release"  # AddressSanitizer keeps what was freed


def run(t):
    gate = threading.Event()
    sent = []

    def handler(connection):
        while request := connection.head():
            if request.target == "/deaf":
                gate.wait(30)
            if request.target == "/endless":
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
                while True:
                    connection.send(b"x" * 65536)
                    sent.append(65536)
            connection.backend.note(connection.body(request))
            connection.echo(request)

    c = t.cluster()
    b = t.backend(handler=handler)
    c.config(proxy_body_size="0", proxy_request_buffering="off").route("a.test", b).start(workers=1)
    proxy = c.proxies[0]
    with http2.Client(c.http()) as client:
        client.until(lambda: client.settings, "SETTINGS")
        window = client.settings[http2.INITIAL_WINDOW_SIZE]
        # upload: as much as windows allow, and the kernel's buffers behind
        s = client.open(end=False, method="POST", target="/deaf", extra=[("content-length", str(SIZE))])
        given, allowed = 0, window
        before = proxy.rss_kib()
        while given < SIZE:
            piece = min(16384, allowed - given, SIZE - given)
            if piece > 0:
                client.data(s, b"u" * piece, end=given + piece == SIZE)
                given += piece
                continue
            seen = client.windows
            client.ping()
            if client.windows == seen and not gate.is_set():
                t.equal(client.ask(target="/beside").status, 200, "other streams go on")
                client.ping()
                if client.windows == seen:
                    t.say(f"stopped after {given / 1024:.0f} KiB")
                    t.check(given < SIZE // 2, "it was stopped")
                    gate.set()
            allowed = window + client.windows
        t.equal(client.answer(s).status, 200)
        t.contains(client.streams[s].body.decode(), f'"body": {SIZE}')
        # download: nothing is taken
        client.grants = False
        s = client.open(target="/endless")
        client.until(lambda: len(client.streams[s].body) == 65535, "a window full")
        seen = -1
        while seen != len(sent):
            seen = len(sent)
            wait.pause(0.3)
        t.check(seen * 65536 < 200_000_000, "the endpoint is stopped")
        grown = proxy.rss_kib() - before
        t.say(f"{seen * 64} KiB were sent for 64 KiB taken; the proxy grew by {grown} KiB")
        t.check(grown < 20_000, f"grew by {grown} KiB")
