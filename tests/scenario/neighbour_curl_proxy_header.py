"""curl --haproxy-protocol, over both listeners, beside a curl that speaks plainly (A34, proxy-protocol-cidr)."""
from harness import process


def run(t):
    c = t.cluster()
    b = t.backend()
    c.config(use_proxy_protocol="true", proxy_protocol_cidr="127.0.0.9", proxy_real_ip_cidr="127.0.0.0/8", ssl_redirect="false")
    c.route("a.test", b).start()

    def curl(scheme, *options):
        port = (c.https() if scheme == "https" else c.http())[1]
        done = process.run(["curl", "-sS", "-k", "--max-time", "20", "--resolve", f"a.test:{port}:127.0.0.1", "-w", "%{http_code}",
                            "-o", "/dev/null", *options, f"{scheme}://a.test:{port}/"])
        return done.returncode, done.stdout

    knows_clientip = "--haproxy-clientip" in process.run(["curl", "--help", "all"]).stdout
    for scheme in ("http", "https"):
        t.equal(curl(scheme, "--interface", "127.0.0.9", "--haproxy-protocol"), (0, "200"))
        t.equal(b.last.get("x-real-ip"), "127.0.0.9")
        t.equal(curl(scheme, "--interface", "127.0.0.8"), (0, "200"), "a neighbour speaks plainly")
        t.equal(b.last.get("x-real-ip"), "127.0.0.8")
        status, code = curl(scheme, "--interface", "127.0.0.9")
        t.check(status != 0 and code == "000", f"without a header: no answer, got {status} {code}")
        if knows_clientip:
            t.equal(curl(scheme, "--interface", "127.0.0.9", "--haproxy-clientip", "192.0.2.99"), (0, "200"))
            t.equal(b.last.get("x-real-ip"), "192.0.2.99")
    t.equal(curl("http", "--interface", "127.0.0.8", "--haproxy-protocol"), (0, "400"), "A37")
    t.equal(c.metric('weirlock_proxy_headers_total{result="v1"}'), 4 if knows_clientip else 2)
    t.say(f"--haproxy-clientip {'is' if knows_clientip else 'is not'} known to this curl")
