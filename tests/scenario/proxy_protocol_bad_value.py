"""Bad values of what PROXY headers need: a problem each, and the last good one keeps serving, live (SEMANTICS M22)."""
from harness import proxyheader as ph, wire

GOOD = dict(use_proxy_protocol="true", proxy_real_ip_cidr="127.0.0.0/8", proxy_protocol_cidr="127.0.0.2",
            proxy_protocol_header_timeout="200ms", ssl_redirect="false")
BAD = dict(use_proxy_protocol="perhaps", proxy_real_ip_cidr="127.0.0.0/8, 10.0.0.300", proxy_protocol_cidr="127.0.0.3, lb.test",
           proxy_protocol_header_timeout="soon")


def run(t):
    c = t.cluster()
    b = t.backend()
    c.config(**GOOD).route("a.test", b).start()

    def serves(note):
        """A header from 127.0.0.2 and from nobody else; it is waited for as long as GOOD says; its source is the client."""
        t.equal(c.get("a.test", first=ph.v2(), source="127.0.0.2").status, 200, note)
        t.equal(b.last.get("x-real-ip"), "192.0.2.7", note)
        t.equal(c.get("a.test", source="127.0.0.3").status, 200, note)
        t.equal(c.get("a.test", first=ph.v2(), source="127.0.0.3").status, 400, note)
        waits = next(row for row in c.inspect("settings", of=c.proxies[0]) if row["setting"] == "proxy-protocol-header-timeout")
        t.equal(waits["value"], 200, note)
        late = c.metric('weirlock_proxy_headers_total{result="late"}')
        with wire.Client(c.http(), source="127.0.0.2") as silent:
            t.equal(silent.wait_closed(), b"", note)
        t.equal(c.metric('weirlock_proxy_headers_total{result="late"}'), late + 1, note)

    serves("all good")
    kept = wire.Client(c.http(), source="127.0.0.2", first=ph.v1())
    for key, value in BAD.items():
        c.config(**{**GOOD, key: value}).settle()
        told = [p for p in c.problems() if key.replace("_", "-") in str(p)]
        bad = value.split(", ")[-1]
        t.equal(len(told), 1, f"one problem for {key}")
        t.contains(str(told[0]), bad, "ingress/controller", "last good value")
        t.equal(len(c.problems()), 1, key)
        serves(key)
        t.equal(kept.get().status, 200, "what is open goes on")
    c.config(**{**GOOD, **BAD}).settle()
    t.equal(len(c.problems()), 4, "all at once")
    serves("all bad")

    # good again: nothing is told, and what is new counts
    c.config(**{**GOOD, "proxy_protocol_cidr": "127.0.0.3"}).settle()
    t.equal(c.inspect("problems"), [])
    t.equal(c.get("a.test", first=ph.v1(), source="127.0.0.3").status, 200)
    t.equal(b.last.get("x-real-ip"), "192.0.2.7")
    t.equal(c.get("a.test", source="127.0.0.2").status, 200, "it speaks plainly now")
    t.equal(kept.get().status, 200)
    kept.close()
