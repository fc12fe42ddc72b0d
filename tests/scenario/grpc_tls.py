"""backend-protocol GRPCS and clients over TLS: HTTP/2 by ALPN on both sides, the endpoint's certificate looked at where proxy-ssl-verify
asks for it, and connections that were not checked never used there (F11, G13)."""
from harness import rpc
from harness.manifests import secret, secret_data


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

    ours, other = t.authority("ours"), t.authority("other")
    known = t.own(rpc.Server("known", tls=ours.issue("up.internal")))
    c.apply(secret_data("ours", ca_crt=ours.cert), secret_data("other", ca_crt=other.cert))
    checks = {"backend-protocol": "GRPCS", "proxy-ssl-verify": "on", "proxy-ssl-name": "up.internal", "proxy-ssl-server-name": "on"}
    for host, more in (("unchecked", {"backend-protocol": "GRPCS"}), ("checked", {**checks, "proxy-ssl-secret": "default/ours"}),
                       ("stranger", {**checks, "proxy-ssl-secret": "default/other"}),
                       ("name", {**checks, "proxy-ssl-secret": "default/ours", "proxy-ssl-name": "other.internal"}),
                       ("no-ca", checks)):
        c.route(host + ".test", known, annotations=more)
    c.settle()
    for host, says in (("unchecked", None), ("stranger", "upstream_tls_failed"), ("name", "upstream_tls_failed"), ("checked", None),
                       ("no-ca", "misconfigured"), ("name", "upstream_tls_failed")):
        with rpc.Client(c.http(), host + ".test") as client:
            if says is None:
                t.equal(client.unary(b"x"), b"x", host)
            else:
                error = rpc.failure(client.unary, b"x")
                t.equal((error.code().name, error.details().split(":")[0]), ("UNAVAILABLE", says), host)
