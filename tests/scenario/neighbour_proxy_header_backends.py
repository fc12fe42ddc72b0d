"""HAProxy with accept-proxy and nginx with `listen … proxy_protocol`, plain and behind TLS, read the headers sent to them."""
from harness import haproxy, receivers, wire


def run(t):
    haproxy.need(t)
    c = t.cluster()
    c.config(ssl_redirect="false")
    ends = receivers.start(t)
    cases = [(r, version, kind) for r in ends for version in ("v1", "v2") for kind in ("plain", "tls")]
    for r, version, kind in cases:
        c.route(f"{r.name}{version}{kind}.test", r.at(kind), annotations={
            "weirlock.io/send-proxy-protocol": version, "backend-protocol": "HTTPS" if kind == "tls" else "HTTP"})
    c.start()
    for r, version, kind in cases:
        host = f"{r.name}{version}{kind}.test"
        for source in ("127.0.0.61", "127.0.0.62"):
            with wire.Client(c.http(), source=source) as one:
                for n in range(3):  # over a kept connection too
                    answer = one.get(f"/{n}", host)
                    t.equal((answer.status, answer.text.split()), (200, [source, str(one.address[1]), *map(str, c.http())]), host)
            with wire.Client(c.https(), source=source, tls=host) as one:
                t.equal(one.get("/", host).text.split(), [source, str(one.address[1]), *map(str, c.https())], host)
