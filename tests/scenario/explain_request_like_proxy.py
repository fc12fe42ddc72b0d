"""`weirctl explain request` says what a running proxy does: status, location, end reason, upstream, and each field the backend gets."""
import json

from harness import wait
from harness.manifests import ingress, path, secret

SECONDS = 120
LOG = '{"id":"$req_id","status":$status,"end":"$end_reason","upstream":"$proxy_upstream_name","client":"$remote_addr"}'

# method, URL, fields
REQUESTS = [
    ("GET", "http://a.test/", []),
    ("GET", "http://a.test/shop", []),
    ("GET", "http://a.test/shop/cart?x=1", []),
    ("GET", "http://a.test/shopping", []),
    ("GET", "http://a.test/exact", []),
    ("GET", "http://a.test/exact/more", []),
    ("GET", "http://a.test/slash?q=1", []),
    ("GET", "http://a.test/%73hop/./x/../y//z", []),
    ("GET", "http://a.test/../etc/passwd", []),
    ("GET", "http://a.test/%zz", []),
    ("GET", "http://a.test:8080/shop", ["X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https"]),
    ("GET", "http://a.test/one", ["Connection: X-Real-IP, close", "X_Real_IP: 1.1.1.1", "Forwarded: for=1.2.3.4"]),
    ("POST", "http://a.test/shop", ["Content-Length: 5", "Content-Type: text/plain"]),
    ("POST", "http://a.test/small", ["Content-Length: 2000"]),
    ("TRACE", "http://a.test/", []),
    ("OPTIONS", "http://a.test/shop", []),
    ("HEAD", "http://a.test/shop", []),
    ("GET", "http://a.test/closed", []),
    ("GET", "http://a.test/list", []),
    ("GET", "http://a.test/moved/x", []),
    ("GET", "http://a.test/gone", []),
    ("GET", "http://a.test/rewrite/abc", []),
    ("GET", "http://a.test/fcgi", []),
    ("GET", "http://A.Test./shop", []),
    ("GET", "http://nobody.test/x", []),
    ("GET", "http://nobody.test/healthz", []),
    ("GET", "http://one.wild.test/", []),
    ("GET", "http://two.one.wild.test/", []),
    ("GET", "http://tls.test/x/", []),
    ("GET", "https://tls.test/x/", []),
    ("GET", "https://a.test/shop", ["X-Request-Id: own"]),
    ("GET", "http://www.www.test/x", []),
    ("GET", "http://root.test/", []),
    ("GET", "http://root.test/x", []),
    ("GET", "http://regex.test/FOObar", []),
    ("GET", "http://regex.test/Foo/12", []),
    ("GET", "http://alias.test/", []),
    ("GET", "http://a.test/", ["Host: b/c"]),
    ("GET", "http://a.test/", ["Host: a.test", "Host: b.test"]),
    ("GET", "http://a.test/", ["Host:"]),
    ("GET", "http://a.test/", ["Bad Name: x"]),
    ("POST", "http://a.test/", ["Content-Length: 1", "Transfer-Encoding: chunked"]),
    ("GET", "http://a.test/" + "x" * 9000, []),
    ("GET", "http://a.test/", ["Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]),
]


def build(t, c):
    b = t.backend()
    cert = t.certificate("tls.test")
    c.apply(secret("tls", cert))
    c.config(log_format_upstream=LOG, log_format_escape_json="true")
    for name in ("web", "shop", "api"):
        c.expose(name, b)
    c.expose("empty")
    c.apply(ingress("a", "a.test", ["/", path("/shop", "shop"), path("/exact", "api", kind="Exact"), path("/slash/", "api"),
                                    path("/one", "api")], "web", annotations={"ssl-redirect": "false"}))
    own = {"small": {"proxy-body-size": "1k"}, "closed": {"auth-type": "basic", "auth-secret": "missing"},
           "list": {"whitelist-source-range": "10.0.0.0/8"},
           "moved": {"permanent-redirect": "https://elsewhere.test/"}, "fcgi": {"backend-protocol": "FCGI"}}
    for name, annotations in own.items():
        service = name if name == "fcgi" else "api"
        if name == "fcgi":
            c.expose("fcgi", b)
        c.apply(ingress(name, "a.test", ["/" + name], service, annotations={"ssl-redirect": "false", **annotations}))
    c.apply(ingress("gone", "a.test", ["/gone"], "empty", annotations={"ssl-redirect": "false"}),
            ingress("wild", "*.wild.test", "/", "web"),
            ingress("tls", "tls.test", "/", "web", tls={"tls": ["tls.test"]}),
            ingress("www", "www.test", "/", "web", annotations={"from-to-www-redirect": "true"}),
            ingress("root", "root.test", "/", "web", annotations={"app-root": "/app"}),
            ingress("rewrite", "rewrite.test", [path("/rewrite/(.*)", "api", kind="ImplementationSpecific")], "api",
                    annotations={"rewrite-target": "/new/$1"}),
            ingress("regex", "regex.test", [path("/foo/[0-9]+", "api", kind="ImplementationSpecific"),
                                            path("/foo", "shop", kind="ImplementationSpecific")], "web",
                    annotations={"use-regex": "true"}),
            ingress("aliased", "aliased.test", "/", "web", annotations={"server-alias": "alias.test"}))
    c.start(workers=1)  # one writer: records come in the order of the requests
    return b


def send(c, method, url, fields, number):
    """What the proxy does: the response, or None when it closed without one."""
    scheme, _, rest = url.partition("://")
    host, slash, target = rest.partition("/")
    sent = [f for f in fields if f != "Host:"]
    if not any(f.startswith("Host:") for f in fields):
        sent.insert(0, f"Host: {host}")
    lines = [f"{method} {slash}{target} HTTP/1.1", *sent, f"X-Probe: {number}"]
    body = "12345" if "Content-Length: 5" in fields else ""
    with c.client(tls=host.split(":")[0] if scheme == "https" else None) as client:
        client.send("\r\n".join(lines) + "\r\n\r\n" + body)
        return client.response(method), client.address[0]


def told(c, method, url, fields, number, peer, **rest):
    words = ["explain", "request", url, "-X", method, "--peer", peer, "-H", f"X-Probe: {number}"]
    for f in fields:
        words += ["-H", f]
    return c.inspect(*words, **rest)


def compare_fields(t, what, answer, seen):
    want = [[f["name"], f["value"]] for f in answer["backend_request"]["fields"]]
    got = [[n, "(32 random hex digits)" if n == "X-Request-ID" and len(v) == 32 else v] for n, v in seen.headers]
    t.equal(sorted(got), sorted(want), what + ": the fields that the backend gets")
    t.equal(f"{seen.method} {seen.target} {seen.version}", answer["backend_request"]["line"], what)


def run(t):
    c = t.cluster()
    b = build(t, c)
    records = []
    for number, (method, url, fields) in enumerate(REQUESTS):
        what = f"{method} {url[:60]} {fields}"
        n_seen = len(b.requests)
        response, peer = send(c, method, url, fields, number)
        answer = told(c, method, url, fields, number, peer, of=c.proxies[0])
        status = answer["answer"]["status"]
        is_upgrade = any(f.startswith("Upgrade") for f in fields)
        t.equal(response.status, status or (101 if is_upgrade else 200), what)
        t.equal(response.get("location"), answer["answer"].get("location"), what)
        t.equal(len(b.requests) - n_seen, 0 if status else 1, what + ": whether the backend was asked")
        if not status:
            compare_fields(t, what, answer, b.requests[-1])
        records.append((what, answer, is_upgrade))
    lines = wait_lines(c, len(REQUESTS))
    for (what, answer, is_upgrade), line in zip(records, lines):
        record = json.loads(line)
        t.equal(record["upstream"], answer.get("upstream", ""), what + ": upstream")
        if not is_upgrade:
            t.equal(record["end"], answer["answer"]["reason"], what + ": end reason")
        if "client" in answer:
            t.equal(record["client"], answer["client"]["address"], what + ": client")
    t.say(f"{len(REQUESTS)} requests")
    manifests_agree(t, c)


def wait_lines(c, n):
    return wait.until(lambda: len(c.access_log()) >= n and c.access_log(), f"{n} access records")


def manifests_agree(t, c):
    """A controller and the manifests themselves give the same steps and settings, with their origins."""
    for method, url, fields in REQUESTS[:30:3]:
        words = ["explain", "request", url, "-X", method, *[w for f in fields for w in ("-H", f)]]
        online = c.inspect(*words)
        offline = c.inspect("--manifests", c.manifests, "--configmap", "ingress/controller", *words, of="")
        for part in ("answer", "hosts", "paths", "settings", "backend", "backend_request", "client"):
            t.equal(offline.get(part), online.get(part), f"{url}: {part}")
        here, there = ({row["field"]: row for row in answer["proxy_settings"]} for answer in (offline, online))
        t.check(here.pop("default_certificate") and there.pop("default_certificate"), "an option of the controller, and not in manifests")
        t.equal(here, there, f"{url}: settings of the proxy")
        t.check(here["client_header_timeout_ms"]["from"] == "default" and "ConfigMap" in here["log_format_upstream"]["from"], "with origins")
