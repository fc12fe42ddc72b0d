"""Streams live as long as bytes move: proxy-read-timeout counts between operations, client-body-timeout does not count, an endpoint that
takes nothing is given up after proxy-send-timeout (G14)."""
import time

from harness import http2, http2_backend, rpc


def run(t):
    c = t.cluster()
    server = t.own(rpc.Server())
    c.config(client_body_timeout="1", log_format_upstream="$request_uri $status $grpc_status $end_reason $end_limit|")
    deaf = t.backend(handler=lambda connection: http2_backend.Peer(connection, grants=False).drain())
    grpc = {"backend-protocol": "GRPC", "proxy-body-size": "0"}
    c.route("a.test", server, annotations={**grpc, "proxy-read-timeout": "3"})
    c.route("quiet.test", t.backend(handler=lambda connection: http2_backend.Peer(connection).drain()),
            annotations={**grpc, "proxy-read-timeout": "3"})
    c.route("deaf.test", deaf, annotations={**grpc, "proxy-send-timeout": "2", "proxy-read-timeout": "60"}).start(workers=1)
    with rpc.Client(c.http()) as client:
        feed = rpc.Feed()
        answers = client.bidi(feed)
        began = time.monotonic()
        for n in range(3):  # quiet for longer than client-body-timeout each time, longer than proxy-read-timeout in all
            time.sleep(1.8)
            feed.put(b"%d" % n)
            t.equal(next(answers), b"%d" % n)
        t.check(time.monotonic() - began > 5, "longer than the timeout")
        error = rpc.failure(lambda: answers)
        t.equal((error.code().name, error.details().split(":")[0]), ("UNAVAILABLE", "upstream_read_timeout"))
        c.wait_access("/test.Echo/bidi 200 14 upstream_read_timeout proxy-read-timeout|")
        t.equal(client.unary(b"x"), b"x", "the connection goes on")
    with rpc.Client(c.http(), "quiet.test") as client:  # no answer at all
        error = rpc.failure(client.bidi, rpc.Feed())
        t.equal((error.code().name, error.details().split(":")[0]), ("UNAVAILABLE", "upstream_read_timeout"))
        c.wait_access("/test.Echo/bidi 504 14 upstream_read_timeout proxy-read-timeout|")
    with http2.Client(c.http()) as client:
        s = client.open(fields=http2.request_fields("/deaf", "deaf.test", "POST", extra=[("content-type", "application/grpc")]), end=False)
        client.data(s, b"x" * 65535)
        sent = 65535
        while not client.streams[s].ended:
            client.step()
            if client.windows and sent < 65535 + client.windows and sent < 200_000:
                client.data(s, b"x" * 10_000)
                sent += 10_000
        t.equal((client.streams[s].status, client.streams[s].get("grpc-status")), (200, "14"))
        t.contains(client.streams[s].get("grpc-message"), "upstream_send_timeout")
    c.wait_access("/deaf 504 14 upstream_send_timeout proxy-send-timeout|")
