"""backend-protocol GRPCS and clients over TLS: HTTP/2 by ALPN on both sides, the endpoint's certificate not looked at (F11, G13)."""
from harness import rpc
from harness.manifests import secret


def run(t):
    c = t.cluster()
    cert, inner = t.certificate("a.test"), t.certificate("inner.test")
    server = t.own(rpc.Server("sealed", tls=inner))
    c.apply(secret("a", cert))
    c.route("a.test", server, annotations={"backend-protocol": "grpcs"}, tls={"a": ["a.test"]}).start(workers=1)
    with rpc.Client(c.https(), certificate=cert) as client:
        t.equal(client.unary(b"hello"), b"hello")
        t.equal(list(client.bidi(iter([b"a", b"b"]))), [b"a", b"b"])
        t.equal(sum(len(m) for m in client.server(b"20 100000")), 2_000_000)
        answer, call = client.unary.call.with_call(b"x" * 500_000, timeout=30)
        t.equal((len(answer), dict(call.trailing_metadata())["x-trailer"]), (500_000, "of sealed"))
    t.equal(server.metadata[-1]["x-forwarded-proto"], "https")
    t.equal(len(server.peers), 1)
