"""`weirctl explain client-ip` says what a running proxy does: the fields that the backend gets, the client, the reason and the chain in
the access log, the TLVs of a PROXY header, and whether the connection is closed."""
import json

from harness import proxyheader as ph, wire

SECONDS = 180  # weirctl is started for each connection

LOG = ('{"n":"$request_uri","client":"$remote_addr","reason":"$client_address_reason","chain":"$client_address_chain",'
       '"alpn":"$proxy_protocol_tlv_alpn","authority":"$proxy_protocol_tlv_authority","unique_id":"$proxy_protocol_tlv_unique_id",'
       '"aws_vpce_id":"$proxy_protocol_tlv_aws_vpce_id","ssl_version":"$proxy_protocol_tlv_ssl_version",'
       '"ssl_cn":"$proxy_protocol_tlv_ssl_cn","ssl_cipher":"$proxy_protocol_tlv_ssl_cipher","ssl_verify":"$proxy_protocol_tlv_ssl_verify"}')
BASE = {"log_format_upstream": LOG, "log_format_escape_json": "true", "ssl_redirect": "false"}
UFH, UPP = {"use_forwarded_headers": "true"}, {"use_proxy_protocol": "true"}
HERE = {"proxy_real_ip_cidr": "127.0.0.1/32,192.0.2.0/24"}
CONFIGS = [
    {}, {**UFH}, {**UFH, **HERE}, {**UFH, **HERE, "compute_full_forwarded_for": "true"}, {**UFH, "compatibility": "ingress-nginx"},
    {**HERE, "enable_real_ip": "true"}, {**UFH, **HERE, "forwarded_for_header": "X-Client"},
    {**UPP, **HERE}, {**UPP, **UFH, **HERE}, {**UPP, **UFH, **HERE, "compute_full_forwarded_for": "true"},
    {**UPP, **UFH, **HERE, "proxy_protocol_fallback_to_peer": "true"},
    {**UPP, **UFH, **HERE, "proxy_protocol_cidr": "127.0.0.1/32"},
]
SSL = ph.tlv(0x20, b"\x07\0\0\0\0" + ph.tlv(0x21, b"TLSv1.3") + ph.tlv(0x22, b"leafy") + ph.tlv(0x23, b"TLS_AES"))
TLVS = ph.tlv(1, b"h2") + ph.tlv(2, b"a.test") + SSL + ph.tlv(5, b"id-7") + ph.tlv(0xEA, b"\x01vpce-08d2") + ph.tlv(4, b"")
STRANGER = ("198.18.0.1", 5)
HEADERS = [b"", ph.v1(), ph.v1(STRANGER), ph.v2(tlvs=TLVS), ph.v2(("2001:db8::7", 99), ("2001:db8::8", 443)), ph.LOCAL, ph.UNKNOWN,
           b"PROXY TCP4 999.5.5.5 198.51.100.2 1 8080\r\n"]
FIELDS = [
    [],
    ["X-Forwarded-For: 6.6.6.6, 203.0.113.9", "X-Forwarded-Proto: https", "X-Forwarded-Host: b.test", "X-Forwarded-Port: 8443"],
    ["X-Forwarded-For: 203.0.113.9, 127.0.0.1", "X-Forwarded-For: [2001:db8::1]:7", "X-Client: 7.7.7.7", "X-Client: 8.8.8.8"],
    ["X-Forwarded-For: unknown", "Connection: X-Real-IP, X-Forwarded-For", "X_Real_IP: 1.1.1.1", "ssl-client-verify: SUCCESS"],
]
BAD = [b"PROXY TCP4 1.1.1.1\r\n", ph.v2(tlvs=b"\1\0\x09h2"), ph.v2(tlvs=ph.tlv(3, b"\0\0\0\0")), b"PROXY TCP9 1.1.1.1 2.2.2.2 1 2\r\n"]
OURS = {"host", "x-real-ip", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-forwarded-scheme",
        "x-scheme", "x-original-forwarded-for", "x-original-forwarded-host"}


def told(c, source, tls, header, fields, **rest):
    words = ["explain", "client-ip", "--peer", source, "-H", "Host: a.test"]
    words += ["--tls"] if tls else []
    words += ["--proxy-header", "hex:" + header.hex()] if header else []
    return c.inspect(*words, *[w for f in fields for w in ("-H", f)], of=c.proxies[0], **rest)


def own(fields):
    return sorted((n.lower(), v) for n, v in fields if n.lower() in OURS)


def compare(t, c, b, number, what, source, tls, header, fields):
    answer = told(c, source, tls, header, fields)
    n_seen = len(b.requests)
    try:
        response = c.get("a.test", f"/{number}", tls=tls, first=header, source=source, headers=fields)
    except (OSError, wire.Closed):
        response = None
    if "client" not in answer:
        t.equal(response and response.status, answer["answer"]["status"], what)
        t.equal(len(b.requests), n_seen, what)
        return None
    t.equal(response and response.status, 200, what)
    sent = [f.partition(": ")[::2] for f in fields]
    passed = [(f["name"], f["value"]) for f in answer["own_fields"] if f["fate"] == "passed on"]
    t.equal(own(b.last.headers), own([(f["name"], f["value"]) for f in answer["backend_fields"]]), what)
    names = {n.lower() for n, _ in sent} - OURS
    t.equal(sorted(h for h in map(tuple, b.last.headers) if h[0].lower() in names),
            sorted(h for h in passed if h[0].lower() in names), what + ": what the client wrote")
    return number, what, answer


def compare_record(t, c, number, what, answer):
    record = json.loads(c.wait_access(f'"n":"/{number}"'))
    t.equal((record["client"], record["reason"], record["chain"]), (answer["client"], answer["reason"], answer["chain"]), what)
    for tlv in answer.get("proxy_header", {}).get("tlvs", []):
        t.equal(record[tlv["name"]], tlv["value"], what)


def run(t):
    c = t.cluster()
    b = t.backend()
    c.route("a.test", b, tls={"tls": ["a.test"]})
    c.start(workers=1)
    number, told_of = 0, []
    for config in CONFIGS:
        c.config(**BASE, **config).settle(first=ph.v1() if "use_proxy_protocol" in config else b"")
        for header in HEADERS if "use_proxy_protocol" in config else HEADERS[:2]:
            for fields in FIELDS:
                source, tls = ("127.0.0.1", "127.0.0.5")[number % 3 == 2], (None, "a.test")[number % 2]
                number += 1
                what = f"{config} from {source} {'https' if tls else 'http'} {header[:60]!r} {fields}"
                told_of.append(compare(t, c, b, number, what, source, tls, header, fields))
    told_of = [row for row in told_of if row]
    for row in told_of:
        compare_record(t, c, *row)
    c.config(**BASE, **UPP, **HERE).settle(first=ph.v1())
    for header in BAD:
        answer = told(c, "127.0.0.1", None, header, [])
        t.equal((answer["answer"]["rule"], answer["answer"]["status"]), ("A33", None), repr(header))
        series = f'weirlock_proxy_headers_total{{result="{answer["proxy_header"]["result"]}"}}'
        n = c.metric(series)
        with wire.Client(c.http(), first=header + wire.request()) as client:
            client.wait_closed()
        t.equal(c.metric(series), n + 1, repr(header))
    t.say(f"{number} connections, {len(told_of)} requests that reached the backend, {len(BAD)} malformed headers")
