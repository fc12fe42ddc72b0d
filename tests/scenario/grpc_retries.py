"""What an endpoint did not begin is sent again whatever its method: REFUSED_STREAM, the streams above the last one of a GOAWAY, a kept
connection that died; what it may have begun only with non_idempotent (G16, I32). Endpoints that leave lose no call."""
import threading

from harness import http2_backend, rpc, wait


def run(t):
    script = {}

    def scripted(connection):
        peer = http2_backend.Peer(connection)
        while s := peer.request():
            what = script.pop("next", "answer")
            seen.append((connection.number, s.number, what, len(s.body)))
            if what == "refuse":
                peer.rst(s, 7)
            elif what == "goaway":
                peer.leave(s.number - 2 if s.number > 1 else 0)
            elif what == "die":
                connection.sock.close()
                return
            else:
                peer.answer(s, b"\0\0\0\0\2ok")

    seen = []
    c = t.cluster()
    b = t.backend(handler=scripted)
    one, two = t.own(rpc.Server("one")), t.own(rpc.Server("two"))
    grpc = {"backend-protocol": "GRPC"}
    c.route("a.test", b, annotations=grpc).route("twice.test", b, annotations={**grpc, "proxy-next-upstream": "error non_idempotent"}, name="twice")
    c.route("pair.test", one, two, annotations=grpc).start(workers=1)
    with rpc.Client(c.http()) as client, rpc.Client(c.http(), "twice.test") as twice, rpc.Client(c.http(), "pair.test") as pair:
        for what in ("refuse", "goaway"):
            for size in (10, 50_000):
                script["next"] = what
                t.equal(client.unary(b"x" * size), b"ok", f"{what} of {size} bytes")
                t.equal(seen[-2][2:], (what, size + 5))
                t.equal(seen[-1][2:], ("answer", size + 5), "sent again whole")
        # it may have been begun
        script["next"] = "die"
        error = rpc.failure(client.unary, b"x")
        t.equal((error.code().name, error.details().split(":")[0]), ("UNAVAILABLE", "upstream_closed"))
        script["next"] = "die"
        t.equal(twice.unary(b"x"), b"ok", "unless the rule allows it")
        # too large to be kept
        script["next"] = "refuse"
        error = rpc.failure(client.unary, b"x" * 200_000)
        t.equal((error.code().name, error.details().split(":")[0]), ("UNAVAILABLE", "upstream_refused"))

        # rolling: each endpoint leaves while calls go on, a new one takes its place
        failures, n_done, is_over = [], [0] * 4, threading.Event()

        def ask(number):
            while not is_over.is_set():
                try:
                    if pair.unary(b"x") != b"x":
                        failures.append("other bytes")
                except Exception as error:  # whatever it is, it is told
                    failures.append(str(error)[:200])
                n_done[number] += 1

        threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        long_call = pair.bidi(feed := rpc.Feed())
        feed.put(b"hello")
        t.equal(next(long_call), b"hello")
        servers = [one, two]
        for n in range(4):
            fresh = t.own(rpc.Server(f"fresh-{n}"))
            gone = servers.pop(0)
            servers.append(fresh)
            c.endpoints("pair", *servers)
            c.settle()
            before = list(n_done)
            # a server of grpcio that stops answers CANCELLED to calls that it has not looked at
            wait.until(lambda: all(now > then for now, then in zip(n_done, before)), "calls that began before to end")
            gone.leave()
            wait.until(lambda: sum(n_done) > sum(before) + 20, "calls to go on")
        feed.put(b"again")
        t.equal(next(long_call), b"again", "a stream of an endpoint that leaves goes on")
        feed.end()
        is_over.set()
        for thread in threads:
            thread.join()
        t.equal(failures, [], "failures among the calls")
        t.say(f"{sum(n_done)} calls while four endpoints were replaced")
