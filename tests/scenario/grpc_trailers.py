"""Trailers both ways over HTTP/2: those of a request reach the endpoint, but none that names the client; those of a response reach the
client, after a body and without one (G8, G14, A25)."""
from harness import http2, http2_backend


def run(t):
    seen = []

    def handler(connection):
        peer = http2_backend.Peer(connection)
        while s := peer.request():
            seen.append(s)
            if s.get(":path") == "/only":
                peer.head(s, [("x-a", "1")])
                peer.head(s, [("x-end", "empty")], status=None, end=True)
            else:
                peer.head(s, [("x-a", "1")])
                peer.data(s, s.body)
                peer.head(s, [("grpc-status", "0"), ("x-end", "body")], status=None, end=True)

    c = t.cluster()
    c.route("a.test", t.backend(handler=handler), annotations={"backend-protocol": "GRPC"}).start(workers=1)
    with http2.Client(c.http()) as client:
        s = client.open(method="POST", end=False)
        client.data(s, b"hello")
        client.headers(s, [("x-sum", "5"), ("x-real-ip", "1.2.3.4"), ("x-forwarded-for", "1.2.3.4"), ("x_forwarded_for", "1.2.3.4"),
                           ("ssl-client-verify", "SUCCESS"), ("authorization", "x"), ("x-more", "yes")], True)
        answer = client.answer(s)
        t.equal((answer.status, answer.body, answer.trailers), (200, b"hello", [("grpc-status", "0"), ("x-end", "body")]))
        t.equal([f for f in seen[-1].trailers], [("x-sum", "5"), ("x-more", "yes")])
        answer = client.ask(target="/only")
        t.equal((answer.status, answer.body, answer.trailers), (200, b"", [("x-end", "empty")]))
        t.equal(seen[-1].trailers, None)
        # trailers and no body; and only such trailers as do not pass
        s = client.open(method="POST", end=False)
        client.headers(s, [("x-sum", "0")], True)
        t.equal((client.answer(s).body, seen[-1].trailers), (b"", [("x-sum", "0")]))
        s = client.open(method="POST", end=False)
        client.headers(s, [("x-real-ip", "1.2.3.4")], True)
        t.equal((client.answer(s).body, seen[-1].trailers), (b"", None))
        # what is no trailer ends the stream, and nothing of it is passed on
        for bad in ([("content-length", "0")], [("X-Upper", "1")], [("x", "a\r\nb: c")], [(":path", "/")]):
            s = client.open(method="POST", end=False)
            client.headers(s, bad, True)
            answer = client.answer(s)
            t.check(answer.status in (400, None), f"{bad}: {answer}")
