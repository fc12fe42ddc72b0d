"""A PROXY header names the client, on both listeners, from trusted peers alone (A2, A10, A20, A22, A26, A34 to A36)."""
from harness import proxyheader as ph, wire


def run(t):
    c = t.cluster()
    b = t.backend()
    c.config(use_proxy_protocol="true", proxy_real_ip_cidr="127.0.0.0/8,2001:db8:1::/48", ssl_redirect="false")
    c.route("a.test", b).start()
    V6 = (("2001:db8::7", 99), ("2001:db8::8", 8443))
    cases = [
        # header, X-Real-IP, X-Forwarded-Port
        (ph.v1(), "192.0.2.7", "8080"),
        (ph.v2(), "192.0.2.7", "8080"),
        (ph.v1(*V6), "2001:db8::7", "8443"),
        (ph.v2(*V6), "2001:db8::7", "8443"),
        (ph.v2(tlvs=ph.tlv(2, b"x") + ph.tlv(0xee, bytes(3000))), "192.0.2.7", "8080"),
        (b"PROXY TCP4 999.5.5.5 198.51.100.2 1 8080\r\n", "127.0.0.1", "8080"),  # A34
        (ph.UNKNOWN, "127.0.0.1", None),  # A36: no port
        (ph.LOCAL, "127.0.0.1", None),
    ]
    for tls in (None, "a.test"):
        own = "https" if tls else "http"
        for header, client, port in cases:
            t.equal(c.get("a.test", tls=tls, first=header, headers=["X-Forwarded-Port: 1"]).status, 200)
            what = f"{header[:60]!r} {own}"
            t.equal(b.last.get("x-real-ip"), client, what)
            t.equal(b.last.get("x-forwarded-for"), client, what)
            t.equal(b.last.get("x-forwarded-port"), port, what)
            t.equal(b.last.get("x-forwarded-proto"), own, what)
    t.equal(c.get("a.test", first=ph.v1(target=("198.51.100.2", 443))).status, 200)
    t.equal((b.last.get("x-forwarded-proto"), b.last.get("x-forwarded-port")), ("https", "443"), "A20: the balancer did TLS")

    with wire.Client(c.http(), first=ph.v2()) as kept:  # one header a connection, for all of its requests
        for _ in range(3):
            t.equal(kept.get().status, 200)
            t.equal(b.last.get("x-real-ip"), "192.0.2.7")

    c.config(use_proxy_protocol="true", proxy_real_ip_cidr="10.0.0.0/8", ssl_redirect="false").settle(first=ph.v1())
    t.equal(c.get("a.test", first=ph.v1()).status, 200)
    t.equal(b.last.get("x-real-ip"), "127.0.0.1", "A10: an untrusted peer's header is read and not believed")
    t.equal(b.last.get("x-forwarded-port"), str(c.http()[1]), "nor is its port")
    t.equal(c.get("a.test", first=ph.v1(target=("198.51.100.2", 443))).status, 200)
    t.equal(b.last.get("x-forwarded-proto"), "http", "A20: a stranger's 443 is not https")
    c.config(use_proxy_protocol="true", compatibility="ingress-nginx", proxy_real_ip_cidr="10.0.0.0/8",
             ssl_redirect="false").settle(first=ph.v1())
    t.equal(c.get("a.test", first=ph.v1(target=("198.51.100.2", 443))).status, 200)
    t.equal((b.last.get("x-forwarded-proto"), b.last.get("x-forwarded-port")), ("https", "443"), "A20: upstream believes it")

    c.config(use_proxy_protocol="true", use_forwarded_headers="true", proxy_real_ip_cidr="127.0.0.0/8,192.0.2.0/24",
             ssl_redirect="false").settle(first=ph.v1())
    chain = ["X-Forwarded-For: 6.6.6.6, 203.0.113.9"]
    t.equal(c.get("a.test", first=ph.v1(), headers=chain).status, 200)
    t.equal(b.last.get("x-real-ip"), "203.0.113.9", "A9: the PROXY source is one of ours, so its field counts")
    t.equal(c.get("a.test", first=ph.v1(("198.18.0.1", 5)), headers=chain).status, 200)
    t.equal(b.last.get("x-real-ip"), "198.18.0.1", "A9: it is a stranger: it is the client")
    t.equal(c.get("a.test", first=ph.v1()).status, 200)
    t.equal(b.last.get("x-real-ip"), "192.0.2.7", "A9: no field")
    t.equal(c.metric('weirlock_proxy_headers_total{result="none"}'), 4)
