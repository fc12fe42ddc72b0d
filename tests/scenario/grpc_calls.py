"""backend-protocol GRPC (G13, G14): unary calls, streams either way and both ways, metadata, trailers, statuses, big messages."""
from harness import rpc


def run(t):
    c = t.cluster()
    server = t.own(rpc.Server("one"))
    c.route("a.test", server, annotations={"backend-protocol": "GRPC", "proxy-body-size": "0"}).start(workers=1)
    with rpc.Client(c.http()) as client:
        answer, call = client.unary.call.with_call(b"hello", timeout=20, metadata=(("x-sent", "yes"), ("x-sent-bin", b"\xff\0")))
        t.equal(answer, b"hello")
        t.equal(dict(call.initial_metadata())["x-served-by"], "one")
        trailers = dict(call.trailing_metadata())
        t.equal((trailers["x-trailer"], trailers["x-bytes-bin"]), ("of one", b"\0\1\2"))
        seen = server.metadata[-1]
        t.equal((seen["x-sent"], seen["x-sent-bin"], seen["x-forwarded-host"]), ("yes", b"\xff\0", "a.test"))

        t.equal([m.split()[0] for m in client.server(b"5 100")], [b"%d" % n for n in range(5)])
        t.equal(client.client(iter([b"a", b"bc", b"def"])), b"3 6")
        t.equal(list(client.bidi(iter([b"a", b"bc", b"def"]))), [b"a", b"bc", b"def"])

        # the response begins before the request ends, and the request goes on after
        feed = rpc.Feed()
        answers = client.bidi(feed)
        for n in range(20):
            feed.put(b"message %d" % n)
            t.equal(next(answers), b"message %d" % n)
        feed.end()
        t.equal(list(answers), [])

        error = rpc.failure(client.unary, b"fail 9 so it is")
        t.equal((error.code().name, error.details()), ("FAILED_PRECONDITION", "so it is"))
        t.equal(dict(error.trailing_metadata())["x-trailer"], "of one")
        error = rpc.failure(client.server, b"fail 5 not here")
        t.equal((error.code().name, error.details()), ("NOT_FOUND", "not here"))

        big = bytes(range(256)) * 40_000
        t.check(client.unary(big) == big, "ten megabytes there and back")
        t.equal(sum(len(m) for m in client.server(b"100 200000")), 20_000_000)
        t.equal(client.client(b"y" * 200_000 for _ in range(50)), b"50 10000000")
    t.equal(len(server.peers), 1, "one connection for all of them")
