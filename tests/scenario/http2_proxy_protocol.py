"""HTTP/2 behind a PROXY header, over TLS and with prior knowledge: the preface may come in the same segment or byte by byte, and
every stream is the true client's, for the backend, for address lists and in the log (A30, A31, F2)."""
from harness import http2, process, proxyheader as ph
from harness.http2 import SETTINGS, frame

HEADER = ph.v2(tlvs=ph.tlv(2, b"a.test") + ph.tlv(0xEA, b"\x01vpce-08d2"))
FORMAT = "pp $request_uri $server_protocol $remote_addr $proxy_protocol_port $proxy_protocol_tlv_aws_vpce_id"


def run(t):
    c = t.cluster()
    b = t.backend()
    c.config(use_proxy_protocol="true", proxy_real_ip_cidr="127.0.0.0/8", log_format_upstream=FORMAT, ssl_redirect="false")
    c.route("a.test", b)
    c.route("closed.test", b, annotations={"denylist-source-range": "192.0.2.0/24"}).start()

    asked = []

    def ask(client, target):
        asked.append(target)
        t.equal(client.ask(target=target).status, 200, target)
        t.equal((b.last.target, b.last.get("x-real-ip"), b.last.version), (target, "192.0.2.7", "HTTP/1.1"))
        t.equal(client.ask(host="closed.test").status, 403, "the list sees the client, not the balancer")

    for name, address, options in (("clear", c.http(), {}), ("tls", c.https(), {"tls": "a.test"})):
        with http2.Client(address, first=HEADER, **options) as client:
            for n in range(3):
                ask(client, f"/{name}-{n}")
    start = HEADER + http2.PREFACE + frame(SETTINGS)
    with http2.Client(c.http(), preface=False) as client:
        client.send(start)
        ask(client, "/one-segment")
    with http2.Client(c.http(), preface=False) as client:
        client.send_slowly(start)
        ask(client, "/byte-by-byte")
    for cut in (len(HEADER) - 1, len(HEADER), len(HEADER) + 1, len(HEADER) + len(http2.PREFACE) - 1):
        with http2.Client(c.http(), preface=False) as client:
            client.send(start[:cut])
            t.check(client.is_open(), f"{cut} bytes are waited for")
            client.send(start[cut:])
            ask(client, f"/cut-{cut}")
    for target in asked:
        t.equal(c.wait_access(f"pp {target} "), f"pp {target} HTTP/2.0 192.0.2.7 4660 vpce-08d2")
    with http2.Client(c.http(), first=ph.LOCAL) as client:
        t.equal(client.ask(target="/local").status, 200)
    t.equal(b.last.get("x-real-ip"), "127.0.0.1", "LOCAL: the peer itself")
    # without a header: closed, the preface is none
    with http2.Client(c.http()) as client:
        t.equal(client.drain(), None)
    for scheme, how in (("http", "--http2-prior-knowledge"), ("https", "--http2")):
        port = (c.https() if scheme == "https" else c.http())[1]
        done = process.run(["curl", "-sS", "-k", "--max-time", "20", "--haproxy-protocol", how, "--resolve", f"a.test:{port}:127.0.0.1",
                            "-w", "%{http_version} %{http_code}", "-o", "/dev/null", f"{scheme}://a.test:{port}/curl"])
        t.equal((done.returncode, done.stdout), (0, "2 200"), f"curl {how} {done.stderr}")
    # trust by forwarded fields is the same with every protocol
    c.config(use_forwarded_headers="true", proxy_real_ip_cidr="127.0.0.0/8").settle()
    with http2.Client(c.http()) as client:
        t.equal(client.ask(target="/forwarded", extra=[("x-forwarded-for", "203.0.113.5")]).status, 200)
    t.equal(b.last.get("x-real-ip"), "203.0.113.5")
    c.config(use_forwarded_headers="true", proxy_real_ip_cidr="10.0.0.0/8").settle()
    with http2.Client(c.http()) as client:
        t.equal(client.ask(target="/forged", extra=[("x-forwarded-for", "203.0.113.5")]).status, 200)
    t.equal((b.last.get("x-real-ip"), b.last.get("x-forwarded-for")), ("127.0.0.1", "127.0.0.1"), "an untrusted peer")
