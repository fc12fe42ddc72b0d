"""What a PROXY header said is in the access log: addresses, ports and TLVs, with unsafe bytes escaped (N1)."""
import json

from harness import proxyheader as ph, wire

FORMAT = ("pp $request_uri $remote_addr $proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr "
          "$proxy_protocol_server_port $proxy_protocol_tlv_alpn $proxy_protocol_tlv_authority $proxy_protocol_tlv_unique_id "
          "$proxy_protocol_tlv_aws_vpce_id $proxy_protocol_tlv_ssl_version $proxy_protocol_tlv_ssl_cn "
          "$proxy_protocol_tlv_ssl_cipher $proxy_protocol_tlv_ssl_verify")
SSL = ph.tlv(0x20, b"\x07\0\0\0\0" + ph.tlv(0x21, b"TLSv1.3") + ph.tlv(0x22, b"leafy") + ph.tlv(0x23, b"TLS_AES"))
TLVS = ph.tlv(1, b"h2") + ph.tlv(2, b"a.test") + SSL + ph.tlv(5, b'x"\r\ny') + ph.tlv(0xEA, b"\x01vpce-08d2") + ph.tlv(4, b"")


def run(t):
    c = t.cluster()
    c.config(use_proxy_protocol="true", proxy_real_ip_cidr="127.0.0.0/8", log_format_upstream=FORMAT, ssl_redirect="false")
    c.route("a.test", t.backend()).start()
    c.proxy("json", options=["--log-format", "json"])
    header = ph.v2(tlvs=TLVS)
    with wire.Client(c.http(), first=header) as one:
        for n in range(2):  # kept for as long as the connection lives
            t.equal(one.get(f"/{n}").status, 200)
            t.equal(c.wait_access(f"pp /{n}"), f"pp /{n} 192.0.2.7 192.0.2.7 4660 198.51.100.2 8080 h2 a.test "
                    r"x\x22\x0D\x0Ay vpce-08d2 TLSv1.3 leafy TLS_AES 0")
    t.equal(c.get("a.test", "/bare", first=ph.v1(), tls="a.test").status, 200)
    t.equal(c.wait_access("pp /bare"), "pp /bare 192.0.2.7 192.0.2.7 4660 198.51.100.2 8080 - - - - - - - -")
    t.equal(c.get("a.test", "/local", first=ph.LOCAL).status, 200)
    t.equal(c.wait_access("pp /local"), "pp /local 127.0.0.1 - - - - - - - - - - - -")
    t.equal(c.get("a.test", "/json", proxy=1, first=header).status, 200)
    record = json.loads(c.wait_access("/json", proxy=1))
    said = {k: v for k, v in record.items() if k.startswith("proxy_protocol_")}
    p = "proxy_protocol_"
    t.equal(said, {p + "addr": "192.0.2.7", p + "port": 4660, p + "server_addr": "198.51.100.2", p + "server_port": 8080,
                   p + "tlv_alpn": "h2", p + "tlv_authority": "a.test", p + "tlv_unique_id": 'x"\r\ny',
                   p + "tlv_aws_vpce_id": "vpce-08d2", p + "tlv_ssl_version": "TLSv1.3", p + "tlv_ssl_cn": "leafy",
                   p + "tlv_ssl_cipher": "TLS_AES", p + "tlv_ssl_verify": 0})
