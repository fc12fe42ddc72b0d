"""SIGTERM while calls are in progress: they end as they would have, new ones go elsewhere, the exit status is 0; a stream without end is
cut after worker-shutdown-timeout (G12, G14)."""
import signal

from harness import rpc, wait


def run(t):
    c = t.cluster()
    server = t.own(rpc.Server())
    c.config(worker_shutdown_timeout="5s", log_format_upstream="$request_uri $status $grpc_status $end_reason|")
    c.route("a.test", server, annotations={"backend-protocol": "GRPC"}).start(workers=2)
    proxy = c.proxies[0]
    with rpc.Client(c.http()) as client:
        held = [client.unary.call.future(b"hold %d" % n, timeout=60) for n in range(5)]
        feed = rpc.Feed()
        endless = client.bidi(feed, timeout=60)
        feed.put(b"hello")
        t.equal(next(endless), b"hello")
        wait.until(lambda: server.calls == 6, "all calls at the endpoint")
        proxy.signal(signal.SIGTERM)
        proxy.wait_log("draining")
        feed.put(b"still")
        t.equal(next(endless), b"still", "a stream goes on while the proxy drains")
        server.gate.set()
        t.equal([h.result() for h in held], [b"hold %d" % n for n in range(5)])
        error = rpc.failure(lambda: endless)
        t.check(error.code().name in ("UNAVAILABLE", "INTERNAL", "CANCELLED"), error.code())
        t.equal(proxy.wait_end(), 0)
        feed.end()
    wait.until(lambda: any("/bidi 200 - shutdown_timeout|" in line for line in c.access_log()), "the stream's record")
    t.equal(sum("/unary 200 0 done|" in line for line in c.access_log()), 5)
    wait.until(lambda: server.cancelled == 1, "the endpoint to hear that the stream is over")
