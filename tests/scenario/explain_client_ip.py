"""`weirctl explain client-ip`: every example of A5 to A9, the chains people get wrong, and what ingress-nginx would have said."""
import json

TRUST = {"use_forwarded_headers": "true", "proxy_real_ip_cidr": "127.0.0.0/8,10.0.0.0/8"}
ALL = {"use_forwarded_headers": "true", "compatibility": "ingress-nginx"}
BOTH = {**TRUST, "use_proxy_protocol": "true"}
XFF = "X-Forwarded-For: "


def trusting(networks):
    return {"use_forwarded_headers": "true", "proxy_real_ip_cidr": networks}


def chain(listed, config, client, client_if_forged, reason):
    """A client (203.0.113.9), a proxy (198.51.100.1), a node or L4 balancer (10.0.0.2) and us: honest, and with 6.6.6.6 made up."""
    upp = {**config, "use_proxy_protocol": "true"}
    pp_reason = "proxy_source" if client == "198.51.100.1" else reason
    rows = []
    for name, made_up, want in (("honest", "", client), ("forged", "6.6.6.6, ", client_if_forged)):
        who = f"chain, {listed} listed, {name}"
        rows.append((who, config, "10.0.0.2", None, [f"{XFF}{made_up}203.0.113.9, 198.51.100.1"], want, reason))
        rows.append((who + ", PROXY", upp, "10.0.0.2", "198.51.100.1:1-10.0.0.9:80", [f"{XFF}{made_up}203.0.113.9"], want, pp_reason))
    return rows


# name, ConfigMap, peer, PROXY header, fields, client, reason
CASES = [
    ("A5", TRUST, "127.0.0.1", None, [XFF + "1.2.3.4, 10.0.0.5, 8.8.8.8, 10.1.1.1"], "8.8.8.8", "first_untrusted"),
    ("A5 all trusted", TRUST, "127.0.0.1", None, [XFF + "10.9.9.9, 10.1.1.1"], "10.9.9.9", "all_trusted"),
    ("A5 untrusted peer", TRUST, "9.9.9.9", None, [XFF + "1.2.3.4"], "9.9.9.9", "peer_untrusted"),
    ("A5 no field", TRUST, "127.0.0.1", None, [], "127.0.0.1", "no_chain"),
    ("A5 trust all: not an address", ALL, "127.0.0.1", None, [XFF + "1.2.3.4, bad, 5.6.7.8"], "5.6.7.8", "bad_element"),
    ("A5 trust all v4: v6", ALL, "127.0.0.1", None, [XFF + "2001:db8::1, 3.3.3.3"], "2001:db8::1", "first_untrusted"),
    ("A5 empty value", ALL, "127.0.0.1", None, ["X-Forwarded-For:"], "127.0.0.1", "no_chain"),
    ("A3 no v6 peer", ALL, "[2001:db8::7]:1", None, [XFF + "1.2.3.4"], "2001:db8::7", "peer_untrusted"),
    ("A6 commas", TRUST, "127.0.0.1", None, [XFF + "1.1.1.1,,"], "1.1.1.1", "first_untrusted"),
    ("A6, A8 port", TRUST, "127.0.0.1", None, [XFF + "1.1.1.1:77"], "1.1.1.1", "first_untrusted"),
    ("A6 [v6]:port", TRUST, "127.0.0.1", None, [XFF + "[2001:db8::1]:77"], "2001:db8::1", "first_untrusted"),
    ("A6 [v6] alone", TRUST, "127.0.0.1", None, [XFF + "[2001:db8::1]"], "127.0.0.1", "bad_element"),
    ("A6 a name", TRUST, "127.0.0.1", None, [XFF + "unknown"], "127.0.0.1", "bad_element"),
    ("A7 two lines", ALL, "127.0.0.1", None, [XFF + "1.2.3.4", XFF + "9.9.9.9"], "1.2.3.4", "all_trusted"),
    ("A7 another name, the first line", {**TRUST, "forwarded_for_header": "X-Client"}, "127.0.0.1", None,
     ["X-Client: 1.1.1.1", "X-Client: 2.2.2.2"], "1.1.1.1", "first_untrusted"),
    ("A1 off", {"proxy_real_ip_cidr": "127.0.0.0/8"}, "127.0.0.1", None, [XFF + "1.2.3.4"], "127.0.0.1", "off"),
    ("A11 enable-real-ip", {"enable_real_ip": "true", "proxy_real_ip_cidr": "127.0.0.0/8"}, "127.0.0.1", None,
     [XFF + "1.2.3.4", "X-Forwarded-Proto: https"], "1.2.3.4", "first_untrusted"),
    ("A9 a stranger behind the balancer", BOTH, "10.0.0.1", "5.5.5.5:1-10.0.0.9:443", [XFF + "6.6.6.6"], "5.5.5.5", "proxy_source"),
    ("A9 a proxy of ours behind the balancer", BOTH, "10.0.0.1", "10.2.2.2:1-10.0.0.9:443", [XFF + "6.6.6.6"], "6.6.6.6",
     "first_untrusted"),
    ("A9 no field: ours", BOTH, "10.0.0.1", "10.2.2.2:1-10.0.0.9:443", [], "10.2.2.2", "proxy_fallback"),
    ("A9 no field: ingress-nginx", {**BOTH, "proxy_protocol_fallback_to_peer": "true"}, "10.0.0.1", "10.2.2.2:1-10.0.0.9:443", [],
     "10.0.0.1", "no_chain"),
    ("A9 LOCAL", BOTH, "10.0.0.1", "LOCAL", [], "10.0.0.1", "proxy_no_address"),
    ("A10 alone", {"use_proxy_protocol": "true", "proxy_real_ip_cidr": "10.0.0.0/8"}, "10.0.0.1", "5.5.5.5:1-10.0.0.9:80", [],
     "5.5.5.5", "proxy_source"),
    ("A10 an untrusted peer", {"use_proxy_protocol": "true", "proxy_real_ip_cidr": "10.0.0.0/8"}, "9.9.9.9",
     "5.5.5.5:1-10.0.0.9:80", [], "9.9.9.9", "peer_untrusted"),
    # only listing every hop gives the client, and then nobody can forge one
    *chain("nobody", {"use_forwarded_headers": "true"}, "10.0.0.2", "10.0.0.2", "peer_untrusted"),
    *chain("the outer proxy alone", trusting("198.51.100.0/24"), "10.0.0.2", "10.0.0.2", "peer_untrusted"),
    *chain("the node alone", trusting("10.0.0.0/8"), "198.51.100.1", "198.51.100.1", "first_untrusted"),
    *chain("both", trusting("10.0.0.0/8,198.51.100.0/24"), "203.0.113.9", "203.0.113.9", "first_untrusted"),
    *chain("everybody", trusting("0.0.0.0/0"), "203.0.113.9", "6.6.6.6", "all_trusted"),
    *chain("the default of ingress-nginx", ALL, "203.0.113.9", "6.6.6.6", "all_trusted"),
]

# ConfigMap, words, exit status, {what: (ours, theirs, rule, key)} of what differs
COMPARED = [
    ({"use_forwarded_headers": "true"}, ["--peer", "9.9.9.9", "-H", XFF + "6.6.6.6"], 1,
     {"client": ("9.9.9.9", "6.6.6.6", "A3", "proxy-real-ip-cidr")}),
    (TRUST, ["--peer", "9.9.9.9", "-H", "X-Forwarded-Proto: https"], 1,
     {"scheme": ("http", "https", "A24", "forwarded-headers-from-anyone")}),
    ({"use_forwarded_headers": "true"}, ["--peer", "9.9.9.9", "-H", "X-Forwarded-Proto: https"], 1,
     {"scheme": ("http", "https", "A3,A24", "proxy-real-ip-cidr,forwarded-headers-from-anyone")}),
    (BOTH, ["--peer", "10.0.0.1", "--proxy-header", "10.2.2.2:1-10.0.0.9:80"], 1,
     {"client": ("10.2.2.2", "10.0.0.1", "A9", "proxy-protocol-fallback-to-peer")}),
    ({**TRUST, "compute_full_forwarded_for": "true"}, ["--peer", "9.9.9.9", "-H", XFF + "6.6.6.6"], 1,
     {"X-Forwarded-For": ("9.9.9.9", "6.6.6.6, 9.9.9.9", "A26", "keep-untrusted-forwarded-for")}),
    ({"enable_underscores_in_headers": "true"}, ["--peer", "9.9.9.9", "-H", "X_Real_IP: 1.1.1.1"], 1,
     {"X_Real_IP": (None, "1.1.1.1", "A29", "pass-lookalike-headers")}),
    ({}, ["--peer", "9.9.9.9", "-H", "ssl-client-verify: SUCCESS"], 1,
     {"ssl-client-verify": (None, "SUCCESS", "A28", "pass-ssl-client-headers")}),
    ({"use_proxy_protocol": "true", "proxy_real_ip_cidr": "10.0.0.0/8", "proxy_protocol_cidr": "10.0.0.0/8"}, ["--peer", "9.9.9.9"], 1,
     {"connection": ("goes on", "closed", "A30", "proxy-protocol-cidr")}),
    ({"use_proxy_protocol": "true", "proxy_protocol_cidr": "10.0.0.0/8"}, ["--peer", "9.9.9.9", "--proxy-header", "LOCAL"], 1,
     {"connection": ("closed", "goes on", "A30", "proxy-protocol-cidr")}),
    ({"use_proxy_protocol": "true"}, ["--peer", "9.9.9.9"], 0, {}),
    ({}, ["--peer", "9.9.9.9", "-H", "X_Real_IP: 1.1.1.1"], 0, {}),
    (TRUST, ["--peer", "10.0.0.1", "-H", XFF + "6.6.6.6"], 0, {}),
    ({}, ["--peer", "9.9.9.9", "-H", XFF + "6.6.6.6"], 0, {}),
    ({"compatibility": "ingress-nginx", "use_forwarded_headers": "true"}, ["--peer", "9.9.9.9", "-H", XFF + "6.6.6.6"], 0, {}),
]

# X-Forwarded-For with and without compute-full-forwarded-for (A25, A26): the peer is appended, the client never twice.
FULL = {"compute_full_forwarded_for": "true"}
UPP = {"use_proxy_protocol": "true"}
PP = "5.5.5.5:1-10.0.0.9:80"
CHAINS = [  # ConfigMap, PROXY header, X-Forwarded-For that came, that the backend gets
    (FULL, None, "1.1.1.1", "10.0.0.2"),
    ({**TRUST}, None, "1.1.1.1", "1.1.1.1"),
    ({**TRUST}, None, None, "10.0.0.2"),
    ({**TRUST, **FULL}, None, "1.1.1.1", "1.1.1.1, 10.0.0.2"),
    ({**TRUST, **FULL}, None, None, "10.0.0.2"),
    ({**TRUST, **FULL}, None, "1.1.1.1, 10.9.9.9", "1.1.1.1, 10.9.9.9, 10.0.0.2"),
    ({**trusting("192.0.2.0/24"), **FULL}, None, "1.1.1.1", "10.0.0.2"),
    ({**BOTH, **FULL}, PP, None, "5.5.5.5"),
    ({**BOTH, **FULL}, PP, "1.1.1.1", "5.5.5.5"),
    ({**BOTH, **FULL}, "10.2.2.2:1-10.0.0.9:80", "1.1.1.1", "1.1.1.1, 10.2.2.2"),
    ({**BOTH, **FULL}, "LOCAL", "1.1.1.1", "1.1.1.1, 10.0.0.2"),
    ({**UPP, **FULL, "proxy_real_ip_cidr": "10.0.0.0/8"}, PP, "1.1.1.1", "5.5.5.5"),
]

# ConfigMap, words, keys of the warnings
WARNED = [
    ({"use_forwarded_headers": "true"}, [], ["proxy-real-ip-cidr"]),
    ({"use_forwarded_headers": "true", "proxy_real_ip_cidr": "0.0.0.0/0,::/0"}, [], ["proxy-real-ip-cidr", "proxy-real-ip-cidr"]),
    ({"use_forwarded_headers": "true", "proxy_real_ip_cidr": "64.0.0.0/2"}, [], ["proxy-real-ip-cidr"]),
    ({"use_forwarded_headers": "true", "proxy_real_ip_cidr": "10.0.0.0/8"}, [], []),
    ({"use_proxy_protocol": "true", "proxy_real_ip_cidr": "10.0.0.0/8"}, ["--proxy-header", "LOCAL"], ["proxy-protocol-cidr"]),
    ({"use_forwarded_headers": "true", "proxy_real_ip_cidr": "10.0.0.0/8", "forwarded_headers_from_anyone": "true"}, [],
     ["forwarded-headers-from-anyone"]),
    ({"proxy_real_ip_cidr": "0.0.0.0/0"}, [], []),
]

V2 = "0d0a0d0a000d0a515549540a2111"
PROXY_HEADERS = [  # as written, as told: what came of it, source, destination, TLVs
    ("5.5.5.5:1-10.0.0.9:443", "v2", "5.5.5.5:1", "10.0.0.9:443", {}),
    ("[2001:db8::1]:1-[2001:db8::2]:2", "v2", "[2001:db8::1]:1", "[2001:db8::2]:2", {}),
    ("LOCAL", "none", None, None, {}),
    ("UNKNOWN", "none", None, None, {}),
    ("PROXY TCP4 5.5.5.5 10.0.0.9 1 443", "v1", "5.5.5.5:1", "10.0.0.9:443", {}),
    ("PROXY TCP4 5.5.5.5 10.0.0.9", "malformed_v1", None, None, None),
    (f"hex:{V2}001a050505050a0000090001" + "01bb" + "ea000701" + b"vpce-1".hex() + "ee0001ff", "v2", "5.5.5.5:1", "10.0.0.9:443",
     {"aws_vpce_id": "vpce-1", "0xee": "ff"}),
    (f"hex:{V2}000f050505050a000009000101bb010009", "malformed_tlv", None, None, None),
    (f"hex:{V2}000c0505", "late", None, None, None),
]

WRONG = [  # words, what is said of them
    (["client-ip"], "--peer ADDR"),
    (["client-ip", "--peer", "x"], "--peer 'x': an IP address"),
    (["client-ip", "--peer", "1.1.1.1", "-H", "foo"], "-H 'foo': write it as 'Name: value'"),
    (["client-ip", "--peer", "1.1.1.1", "--proxy-header", "foo"], "--proxy-header 'foo': write"),
    (["client-ip", "--peer", "1.1.1.1", "--proxy-header", "hex:0g"], "--proxy-header 'hex:0g': write"),
    (["client-ip", "--peer", "1.1.1.1", "--proxy-header", f"hex:{V2}000c050505050a000009000101bbff"], "1 bytes follow the header"),
    (["client-ip", "more", "--peer", "1.1.1.1"], "unexpected word 'more'"),
    (["client-it", "--peer", "1.1.1.1"], "did you mean 'client-ip'?"),
    ([], "usage: weirctl explain"),
]

GOLDEN = """\
The client is 5.5.5.5: the source address of the PROXY header (A2, A9, A10).

From the TCP peer inwards:
HOP   FROM                         ADDRESS     TRUSTED BY    VERDICT
1     TCP peer                     10.0.0.1    10.0.0.0/8    trusted
2     PROXY header                 5.5.5.5:1   -             client
3     X-Forwarded-For, element 2   127.0.0.7   127.0.0.0/8   ignored
4     X-Forwarded-For, element 1   6.6.6.6     -             ignored
(proxy-real-ip-cidr of ConfigMap ingress/controller: 2 networks)

What it asked for:
WHAT     VALUE          WHY
scheme   https          the destination port of the PROXY header is 443 (A20)
host     host.example   the Host of the request
port     443            the destination port of the PROXY header (A22)

The backend gets:
  Host: host.example
  X-Real-IP: 5.5.5.5
  X-Forwarded-For: 5.5.5.5
  X-Forwarded-Host: host.example
  X-Forwarded-Port: 443
  X-Forwarded-Proto: https
  X-Forwarded-Scheme: https
  X-Scheme: https
  X-Original-Forwarded-For: 6.6.6.6, 127.0.0.7

Trusts more than it needs, or less:
  proxy-protocol-cidr: every connection must begin with a PROXY header, health checks and clients in the cluster too; name the networks that send one
"""


def explain(c, config, *words, status=0, json_out=True):
    c.config(**config)
    words = ["--manifests", c.manifests, "--configmap", "ingress/controller", "explain", "client-ip", *words]
    out = c.weirctl(*words, *(["-o", "json"] if json_out else []), of="", status=status).stdout
    return json.loads(out) if json_out else out


def words_of(peer, proxy_header, fields):
    words = ["--peer", peer]
    if proxy_header:
        words += ["--proxy-header", proxy_header]
    return words + [w for f in fields for w in ("-H", f)]


def run(t):
    c = t.cluster()
    for name, config, peer, proxy_header, fields, client, reason in CASES:
        answer = explain(c, config, *words_of(peer, proxy_header, fields))
        t.equal((answer["client"], answer["reason"]), (client, reason), name)
        t.equal([h["address"].rpartition(":")[0] if h["from"] == "proxy_header" else h["address"] for h in answer["hops"]
                 if h["verdict"] == "client"][:1] or None, [client] if ":77" not in str(fields) else [client_with_port(fields)], name)
        t.equal(next(f["value"] for f in answer["backend_fields"] if f["name"] == "X-Real-IP"), client, name)
    for config, proxy_header, came, want in CHAINS:
        answer = explain(c, config, *words_of("10.0.0.2", proxy_header, [XFF + came] if came else []))
        got = [f["value"] for f in answer["backend_fields"] if f["name"] == "X-Forwarded-For"]
        t.equal(got, [want], f"{config} {proxy_header} {came}")
    for config, words, status, differs in COMPARED:
        answer = explain(c, config, *words, "--compare", status=status)
        found = {row["what"]: (row.get("ours"), row.get("ingress_nginx"), row["rule"], row["key"])
                 for row in answer["compare"] if row["differs"]}
        t.equal(bool(found), bool(differs), f"{config} {words}: {found}")
        for what, want in differs.items():
            t.equal(found.get(what), want, f"{config} {words}: {what}")
    for config, words, keys in WARNED:
        answer = explain(c, config, "--peer", "10.0.0.1", *words)
        t.equal([w["key"] for w in answer["warnings"]], keys, str(config))
    t.equal(explain(c, BOTH, *words_of("10.0.0.1", "5.5.5.5:1-10.0.0.9:443", [XFF + "6.6.6.6, 127.0.0.7"]), json_out=False), GOLDEN)
    closed = explain(c, {"use_proxy_protocol": "true"}, "--peer", "10.0.0.1")
    t.equal(closed["answer"]["rule"], "A33")
    closed = explain(c, {}, "--peer", "10.0.0.1", "--proxy-header", "LOCAL")
    t.equal((closed["answer"]["rule"], closed["answer"]["status"]), ("A37", 400))
    for written, result, source, destination, tlvs in PROXY_HEADERS:
        answer = explain(c, BOTH, "--peer", "10.0.0.1", "--proxy-header", written)
        said = answer["proxy_header"]
        t.equal((said["result"], said.get("source"), said.get("destination")), (result, source, destination), written)
        t.equal({x["name"]: x["value"] for x in said["tlvs"]} if "tlvs" in said else None, tlvs, written)
        t.equal("client" in answer, tlvs is not None, written)
    for words, says in WRONG:
        done = c.weirctl("--manifests", c.manifests, "explain", *words, of="", status=2)
        t.equal(says in done.stderr and done.stdout == "", True, f"{words}: {done.stderr}")
    t.say(f"{len(CASES)} clients, {len(CHAINS)} chains, {len(COMPARED)} comparisons, {len(WARNED)} warnings")


def client_with_port(fields):
    return fields[0].split(": ", 1)[1]
