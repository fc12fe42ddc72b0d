"""HAProxy in front with PROXY headers and `option forwardfor`, and both are asked for: whose word counts (A9, A10, A20, A26, A36)."""
import json

from harness import haproxy, wait, wire

LISTEN_FAR = """listen far_{name}
  bind 127.0.0.1:{far}
  http-request set-header X-Forwarded-Proto https
  server s 127.0.0.1:{near} source 127.0.0.8 {tls}
listen near_{name}
  mode tcp
  bind 127.0.0.1:{near}
  server s 127.0.0.1:{to} source 127.0.0.9 {send}
listen alone_{name}
  bind 127.0.0.1:{alone}
  http-request set-header X-Forwarded-Proto https
  server s 127.0.0.1:{to} source 127.0.0.9 {send} {tls}
"""
# A balancer at 127.0.0.8 that adds fields (far), one at 127.0.0.9 that passes its bytes on (near), or does both (alone). One
# that ended TLS at port 443, and one that checks our health with LOCAL and a request.
CONF = """defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option forwardfor
listen ended_tls
  bind 127.0.0.1:{ended_tls}
  http-request set-dst-port int(443)
  server s 127.0.0.1:{http} source 127.0.0.9 send-proxy-v2
listen checks
  bind 127.0.0.1:{checks}
  option httpchk
  http-check send meth GET uri /checked ver HTTP/1.1 hdr Host a.test hdr X-Forwarded-For 6.6.6.6
  server s 127.0.0.1:{http} source 127.0.0.9 send-proxy-v2 check check-send-proxy inter 100ms
"""
SENDS = {"v1": ("send-proxy", ""), "v2": ("send-proxy-v2", ""), "v2tls": ("send-proxy-v2", "ssl verify none sni str(a.test)")}
CLIENT = "127.0.0.33"
FORGED = ["X-Forwarded-For: 6.6.6.6", "X-Real-IP: 6.6.6.6", "X-Forwarded-For-Proxy-Protocol: 6.6.6.6"]


def run(t):
    haproxy.need(t)
    c = t.cluster()
    b = t.backend()
    configure(c, proxy_real_ip_cidr="127.0.0.8/31")
    c.route("a.test", b).start()
    ports = balancers(t, c)

    def heard(name, *fields, source=CLIENT, headers=FORGED):
        """What the backend got of a request through this one."""
        with wire.Client(("127.0.0.1", ports[name]), source=source) as one:
            answer = one.get(headers=headers)
        t.equal(answer.status, 200, name)
        got = {}
        for field, value in json.loads(answer.body)["headers"]:
            got.setdefault(field.lower(), []).append(value)
        return tuple(", ".join(got.get(field, [])) for field in fields)

    who = ("x-real-ip", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-port")
    for name, (_, tls) in SENDS.items():
        t.equal(heard("far_" + name, *who), (CLIENT, CLIENT, "https", str(ports["near_" + name])), f"A9, A20: {name}")
        own = "https" if tls else "http"
        t.equal(heard("alone_" + name, *who), (CLIENT, CLIENT, own, str(ports["alone_" + name])),
                f"A9: {name}: the PROXY source is a stranger, whose fields do not count")
        t.equal(heard("alone_" + name, "x-real-ip", "x-forwarded-proto", source="127.0.0.8",
                      headers=["X-Forwarded-For: 6.6.6.6, 203.0.113.9"]), ("203.0.113.9", "https"),
                f"A9: {name}: it is one of ours, and so is the one that it names")
    t.equal(heard("far_v1", "x-original-forwarded-for"), (f"6.6.6.6, {CLIENT}",), "as evidence")
    t.equal(heard("ended_tls", "x-forwarded-proto", "x-forwarded-port"), ("https", "443"), "A20: the balancer did TLS")

    # LOCAL: no address, no port; the request of the check tells nobody else
    def checks():
        return [r for r in b.requests if r.target == "/checked"]

    wait.until(lambda: len(checks()) >= 3, "health checks come")
    for r in checks():
        t.equal((r.get("x-real-ip"), r.get("x-forwarded-for"), r.get("x-forwarded-port")), ("127.0.0.9", "127.0.0.9", None), "A36")
    wait.until(lambda: wire.Client(("127.0.0.1", ports["checks"])).get().status == 200, "HAProxy takes us for up")

    # the PROXY source alone is asked for
    configure(c, proxy_real_ip_cidr="127.0.0.8/31", use_forwarded_headers="false").settle()
    t.equal(heard("far_v2", *who), ("127.0.0.8", "127.0.0.8", "http", str(ports["near_v2"])), "A10, A2")
    t.equal(heard("alone_v1", *who), (CLIENT, CLIENT, "http", str(ports["alone_v1"])), "A10")

    # nobody that is trusted: what both balancers say is read, and counts for nothing
    configure(c, proxy_real_ip_cidr="10.0.0.0/8").settle()
    for name in ("far_v1", "alone_v2"):
        t.equal(heard(name, *who[:3]), ("127.0.0.9", "127.0.0.9", "http"), f"A10: {name}")
    configure(c, proxy_real_ip_cidr="10.0.0.0/8", compute_full_forwarded_for="true").settle()
    t.equal(heard("alone_v2", *who[:2]), ("127.0.0.9", "127.0.0.9"), "A26: nor in the chain")
    configure(c, proxy_real_ip_cidr="127.0.0.8/31", compute_full_forwarded_for="true").settle()
    t.equal(heard("far_v2", "x-real-ip"), (CLIENT,))
    with wire.Client(("127.0.0.1", ports["far_v2"]), source=CLIENT) as one:
        chain = dict(json.loads(one.get(headers=FORGED).body)["headers"])
    t.equal(chain["X-Forwarded-For"], f"6.6.6.6, {CLIENT}, 127.0.0.8", "A26: whose hop it was is added")


def configure(c, **more):
    return c.config(**{"use_proxy_protocol": "true", "use_forwarded_headers": "true", "proxy_protocol_cidr": "127.0.0.9",
                       "ssl_redirect": "false", **more})


def balancers(t, c):
    names = ["ended_tls", "checks", *(f"{kind}_{name}" for name in SENDS for kind in ("far", "near", "alone"))]
    ports = {name: wait.free_port() for name in names}
    conf = CONF.format(http=c.http()[1], **ports)
    for name, (send, tls) in SENDS.items():
        conf += LISTEN_FAR.format(name=name, send=send, tls=tls, to=(c.https() if tls else c.http())[1],
                                  **{kind: ports[f"{kind}_{name}"] for kind in ("far", "near", "alone")})
    p = haproxy.start(t, conf)
    wait.until(lambda: wire.Client(("127.0.0.1", ports["far_v1"])).get().status == 200, "HAProxy forwards\n" + p.err())
    return ports
