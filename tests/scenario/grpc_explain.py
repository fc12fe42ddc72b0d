"""`weirctl explain request` prints the request that an endpoint of gRPC gets, field by field; `weirctl backends` its protocol (G13, G14)."""
from harness import http2, http2_backend


def run(t):
    seen = []

    def handler(connection):
        peer = http2_backend.Peer(connection)
        while s := peer.request():
            seen.append(s)
            peer.answer(s)

    c = t.cluster()
    c.route("a.test", t.backend(handler=handler), annotations={"backend-protocol": "GRPC", "upstream-vhost": "inner.test"})
    c.route("b.test", t.backend(), annotations={"backend-protocol": "GRPCS"}).start(workers=1)
    extra = [("content-type", "application/grpc"), ("te", "trailers"), ("grpc-timeout", "5S"), ("x-request-id", "id-1"),
             ("x-real-ip", "9.9.9.9"), ("x-mine", "1")]
    with http2.Client(c.http()) as client:
        t.equal(client.ask(fields=http2.request_fields("/pkg.Svc/Do?x=1", method="POST", extra=extra)).status, 200)
        peer = client.address[0]
    words = [w for n, v in extra if n != "te" for w in ("-H", f"{n}: {v}")]
    told = c.inspect("explain", "request", "http://a.test/pkg.Svc/Do?x=1", "-X", "POST", "--peer", peer, *words, of=c.proxies[0])
    want = sorted((f["name"].lower(), f["value"]) for f in told["backend_request"]["fields"])
    got = sorted((n, v) for n, v in seen[0].headers if n not in (":method", ":path", ":scheme"))
    t.equal(got, want)
    t.equal(told["backend_request"]["line"], "POST /pkg.Svc/Do?x=1 HTTP/2.0")
    t.equal((dict(seen[0].headers)[":authority"], dict(seen[0].headers)[":scheme"]), ("inner.test", "http"))
    t.equal((told["backend"]["speaks"], told["backend"]["tls"]), ("HTTP/2", False))
    told = c.inspect("explain", "request", "http://b.test/", of=c.proxies[0])
    t.equal((told["backend"]["speaks"], told["backend"]["tls"]), ("HTTP/2", True))
    rows = {row["service"]: row["protocol"] for row in c.inspect("backends", of=c.proxies[0])}
    t.equal((rows["default/a"], rows["default/b"]), ("grpc", "grpcs"))
