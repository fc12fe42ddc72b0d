"""Clients of gRPC get grpc-status for what the proxy answers itself, others the usual page; the log keeps the status (G14)."""
import struct

from harness import http2, http2_backend, rpc
from harness.manifests import ingress


def ask(c, target, grpc=True, size=0):
    with http2.Client(c.http()) as client:
        extra = [("content-type", "application/grpc+proto"), ("te", "trailers")] if grpc else []
        s = client.open(target=target, method="POST", end=not size, extra=extra)
        if size:
            client.data(s, struct.pack("!BI", 0, size) + b"x" * size, end=True)
        return client.answer(s)


def run(t):
    c = t.cluster()
    grpc = {"backend-protocol": "GRPC"}

    def http1(connection):
        connection.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        connection.wait_closed()

    c.config(log_format_upstream="$request_uri $status $grpc_status $end_reason")
    c.expose("web", t.backend(handler=http1)).expose("dead", t.refusing()).expose("none").expose("silent", t.silent())
    c.expose("quiet", t.backend(handler=lambda connection: http2_backend.Peer(connection).drain()))
    server = t.own(rpc.Server())
    c.expose("good", server)
    c.apply(ingress("dead", "a.test", "/dead", "dead", annotations=grpc), ingress("none", "a.test", "/none", "none", annotations=grpc),
            ingress("silent", "a.test", "/silent", "silent", annotations={**grpc, "proxy-connect-timeout": "1", "proxy-next-upstream-tries": "1"}),
            ingress("quiet", "a.test", "/quiet", "quiet", annotations={**grpc, "proxy-read-timeout": "1"}),
            ingress("web", "a.test", "/web", "web", annotations=grpc),
            ingress("small", "a.test", "/small", "good", annotations={**grpc, "proxy-body-size": "1k"}),
            ingress("denied", "a.test", "/denied", "good", annotations={**grpc, "denylist-source-range": "0.0.0.0/0"}))
    c.apply(ingress("late", "late.test", "/", "good", annotations={**grpc, "proxy-body-size": "1k"}))
    c.start(workers=1)
    for target, status, code, reason in (("/dead", 502, 14, "upstream_connect_failed"), ("/none", 503, 14, "no_endpoints"),
                                         ("/silent", 504, 14, "upstream_connect_timeout"), ("/quiet", 504, 14, "upstream_read_timeout"), ("/nowhere", 404, 12, "no_route"),
                                         ("/denied", 403, 7, "denied"), ("/small", 413, 8, "too_large"),
                                         ("/web", 502, 14, "upstream_http2_error")):
        size = 5000 if target == "/small" else 0
        s = ask(c, target, size=size)
        t.equal((s.status, s.get("grpc-status"), s.get("content-type"), s.body), (200, str(code), "application/grpc", b""), target)
        t.equal(s.get("grpc-message").split(":")[0], reason, target)
        t.equal(s.trailers, None, "trailers only")
        c.wait_access(f"{target} {status} {code} {reason}")
        s = ask(c, target, grpc=False, size=size)
        t.equal((s.status, s.get("content-type"), s.get("grpc-status")), (status, "text/html", None), target)
        c.wait_access(f"{target} {status} - {reason}")
    # a request stream that grows too large after its response has begun
    with http2.Client(c.http()) as client:
        s = client.open(target="/test.Echo/bidi", method="POST", end=False, host="late.test",
                        extra=[("content-type", "application/grpc"), ("te", "trailers")])
        client.data(s, struct.pack("!BI", 0, 5) + b"hello")
        client.until(lambda: client.streams[s].body, "the first message")
        client.data(s, struct.pack("!BI", 0, 2000) + b"x" * 2000)
        answer = client.answer(s)
        t.equal((answer.status, dict(answer.trailers)["grpc-status"]), (200, "8"))
        c.wait_access("/test.Echo/bidi 200 8 too_large")
    # the same as a real client has it
    with rpc.Client(c.http()) as client:
        error = rpc.failure(client.method("x", service="nowhere"), b"")
        t.equal((error.code().name, error.details().split(":")[0]), ("UNIMPLEMENTED", "no_route"))
