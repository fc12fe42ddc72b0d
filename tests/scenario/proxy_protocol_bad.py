"""Without a valid PROXY header a connection is closed without a byte, counted by reason, and told of once (A32, A33, A39)."""
import re

from harness import proxyheader as ph, wait, wire

SERIES = 'weirlock_proxy_headers_total{result="%s"}'
BAD = {
    "missing": [wire.request(), b"\x16\x03\x01\x02\0", b"GET /healthz HTTP/1.1\r\n\r\n", b"\r\nGET / HTTP/1.1\r\n\r\n"],
    "malformed_v1": [b"PROXY tcp4 1.1.1.1 2.2.2.2 1 2\r\n", b"PROXY TCP4 1.1.1.1 2.2.2.2 1 99999\r\n",
                     b"PROXY TCP4 1.1.1.x 2.2.2.2 1 2\r\n", b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n" + wire.request()],
    "malformed_v2": [ph.SIGNATURE + b"\x11\x11\0\x0c" + bytes(12), ph.SIGNATURE + b"\x21\x21\0\x0c" + bytes(12)],
    "malformed_tlv": [ph.v2(tlvs=b"\x01"), ph.v2(tlvs=b"\x02\xff\xff"), ph.v2(tlvs=b"\x20\0\x01\0")],
    "checksum": [ph.v2(tlvs=ph.tlv(3, b"\1\2\3\4"))],
    "too_long": [ph.SIGNATURE + b"\x20\0\xff\xff", b"PROXY UNKNOWN" + b"x" * 5000 + b"\r\n"],
}


def run(t):
    c = t.cluster()
    c.config(use_proxy_protocol="true", proxy_real_ip_cidr="127.0.0.0/8", proxy_protocol_header_timeout="1s")
    c.route("a.test", t.backend()).start(workers=1)
    proxy = c.proxies[0]

    def count(result):
        return c.metric(SERIES % result)

    n_bad = 0
    for result, texts in BAD.items():
        before = count(result)
        for text in texts:
            for address in (c.http(), c.https()):
                with wire.Client(address) as one:
                    one.send(text)
                    t.equal(one.wait_closed(), b"", f"{text[:60]!r} is answered by nothing")
                    n_bad += 1
        t.equal(count(result), before + 2 * len(texts), result)

    for address in (c.http(), c.https()):
        with wire.Client(address) as one:
            one.send(ph.v1()[:20]).half_close()
            t.equal(one.wait_closed(), b"", "cut off")
        with wire.Client(address) as one:
            one.send(ph.v1()[:20]).reset()
        with wire.Client(address) as one, wire.Client(address) as silent:
            one.send(ph.v2()[:20])
            t.equal(one.wait_closed(), b"", "late")
            t.equal(silent.wait_closed(), b"", "late")
        with wire.Client(address) as one:
            one.half_close()
            t.equal(one.wait_closed(), b"", "a TCP health check")
    wait.until(lambda: (count("cut_off"), count("late"), count("empty")) == (4, 4, 2), "all ends are counted")
    t.equal(c.metric('weirlock_ends_total{reason="bad_proxy_header",fault="0"}'), n_bad + 8)

    t.equal(c.admin("/healthz").status, 200, "A30: the admin port needs none")
    t.equal(c.get("a.test", first=ph.v1()).status, 200, "others are not harmed")
    lines = re.findall(r".*no valid PROXY header.*", proxy.err())
    t.equal(len(lines), 1, "a line a minute")
    t.contains(lines[0], "peer=127.0.0.1:", "result=missing", "reason=", "proxy-protocol-cidr", "times=1")
