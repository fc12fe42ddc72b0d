"""Many streams share one connection and do not hold each other: a slow client, cancellation, deadlines, and the peer's own limits
(G14)."""
import threading
import time

from harness import rpc, wait


def run(t):
    c = t.cluster()
    server, small = t.own(rpc.Server(workers=160)), t.own(rpc.Server("small", options=[("grpc.max_concurrent_streams", 3)]))
    grpc = {"backend-protocol": "GRPC", "proxy-body-size": "0"}
    c.route("a.test", server, annotations=grpc).route("small.test", small, annotations=grpc).start(workers=1)
    with rpc.Client(c.http()) as client, rpc.Client(c.http(), "small.test") as few:
        # many at once on one connection
        waiting = [client.unary.call.future(b"hold %d" % n, timeout=60) for n in range(100)]
        wait.until(lambda: server.calls == 100, "all calls at the server")
        t.equal(client.unary(b"beside"), b"beside", "a hundred calls wait, one more is answered")
        t.equal(len(server.peers), 1, "one connection")
        wait.until(lambda: c.metric("weirlock_upstream_http2_streams") == 100, "100 streams counted")
        t.equal(c.metric("weirlock_upstream_http2_connections"), 1)
        server.gate.set()
        t.equal([w.result() for w in waiting], [b"hold %d" % n for n in range(100)])
        server.gate.clear()

        # a stream that its client does not read, with megabytes to come, stops alone
        slow = client.server(b"400 50000")
        t.equal(len(next(slow)), 50000)
        for n in range(50):
            t.equal(client.unary(b"%d" % n), b"%d" % n)
        t.equal(sum(len(m) for m in slow), 399 * 50000, "and goes on when it is read")

        # cancellation reaches the server, and so does a deadline
        held = client.bidi(iter([b"hold"]))
        wait.until(lambda: server.calls > 150, "the call to be held")
        before = server.cancelled
        held.cancel()
        wait.until(lambda: server.cancelled == before + 1, "the server to see it cancelled")
        began = time.monotonic()
        error = rpc.failure(client.unary, b"hold", timeout=1.5)
        t.equal(error.code().name, "DEADLINE_EXCEEDED")
        t.check(1.2 < time.monotonic() - began < 10, "in its time")
        t.check(server.deadlines[-1] is not None and 0.2 < server.deadlines[-1] < 2.5, f"passed on: {server.deadlines[-1]}")
        wait.until(lambda: server.cancelled == before + 2, "the server to see that too")
        t.equal(len(server.peers), 1, "still one connection")

        # an endpoint that takes few streams at once gets more connections
        t.equal(few.unary(b"first"), b"first", "what it takes is known")
        waiting = [few.unary.call.future(b"hold %d" % n, timeout=60) for n in range(9)]
        wait.until(lambda: small.calls == 10, "all of them at the endpoint")
        t.check(3 <= len(small.peers) <= 9, f"over {len(small.peers)} connections")
        small.gate.set()
        t.equal([w.result() for w in waiting], [b"hold %d" % n for n in range(9)])

        # many clients, few connections
        def many(failures):
            with rpc.Client(c.http()) as other:
                for n in range(40):
                    if other.unary(b"%d" % n) != b"%d" % n:
                        failures.append(n)

        failures = []
        threads = [threading.Thread(target=many, args=(failures,)) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        t.equal(failures, [])
        t.check(len(server.peers) <= 2, f"{len(server.peers)} connections for 14 clients")
