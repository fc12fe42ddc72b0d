"""Client certificates: who gets in, what backends are told, what others are answered, over HTTP/1.1 and HTTP/2 (SEMANTICS F9, F10)."""
import urllib.parse

from harness import http2, wait, wire
from harness.manifests import secret, secret_data


def showing(certificate=None):
    context = wire.any_certificate()
    if certificate:
        context.load_cert_chain(certificate.cert_path, certificate.key_path)
    return context


def run(t):
    c = t.cluster()
    b = t.backend()
    ours, other = t.authority("ours"), t.authority("other")
    between = t.authority("between", by=ours)
    alice = ours.issue("alice", subject="/O=Example, Inc./CN=alice")
    mallory, deep = ours.issue("mallory"), between.issue("deep")
    stranger, strange = other.issue("stranger"), ours.issue("Zoë ☃")
    gone = ours.issue("gone")
    c.apply(secret_data("ca", ca_crt=ours.cert), secret_data("revoking", ca_crt=ours.cert, ca_crl=ours.revocations(gone)))
    hosts = {
        "on.test": {}, "off.test": {"verify-client": "off"}, "optional.test": {"verify-client": "optional"},
        "any.test": {"verify-client": "optional_no_ca", "pass-certificate-to-upstream": "true"},
        "page.test": {"error-page": "https://login.example.com/why"}, "cn.test": {"match-cn": "CN=(alice|bob)"},
        "revoking.test": {"secret": "default/revoking"}}
    for host, says in hosts.items():
        name = host.split(".")[0] + "-tls"
        c.apply(secret(name, t.certificate(host)))
        c.route(host, b, tls={name: [host]}, annotations={
            "auth-tls-secret": "default/ca", **{"auth-tls-" + k: v for k, v in says.items()}})
    c.start(workers=1)

    def ask(host, certificate=None, headers=()):
        with wire.Client(c.https(), tls=host, context=showing(certificate)) as client:
            return client.get("/", host, headers=headers)

    def told(host, certificate=None, headers=()):
        r = ask(host, certificate, headers)
        t.equal(r.status, 200, f"{host} {r.text[:300]}")
        return {n.lower(): v for n, v in b.last.headers if n.lower().replace("_", "-").startswith("ssl-client")}

    who = {"ssl-client-verify": "SUCCESS", "ssl-client-subject-dn": "CN=alice,O=Example\\, Inc.", "ssl-client-issuer-dn": "CN=ours"}
    t.equal(told("on.test", alice), who)
    t.equal(told("on.test", deep)["ssl-client-issuer-dn"], "CN=between", "one certificate between is depth 1")
    t.equal(told("on.test", strange)["ssl-client-subject-dn"], "CN=Zo\\C3\\AB \\E2\\98\\83")
    t.equal((ask("on.test").status, ask("on.test", stranger).status), (400, 400))
    for reason in ("no_client_certificate", "bad_client_certificate"):
        # counted once the answer is written, a moment after it is read here
        wait.until(lambda: c.metric(f'weirlock_ends_total{{reason="{reason}",fault="0"}}') == 1, f"one {reason} is counted")
    t.equal(told("off.test", alice), {"ssl-client-verify": "NONE"})
    t.equal(told("optional.test"), {"ssl-client-verify": "NONE"})
    t.equal(told("optional.test", alice), who)
    t.equal(ask("optional.test", stranger).status, 400)
    said = told("any.test", stranger)
    t.check(said["ssl-client-verify"].startswith("FAILED:unable to"), said)
    t.equal(urllib.parse.unquote(said["ssl-client-cert"]), open(stranger.cert_path).read(), "the certificate, URL-encoded PEM")
    t.check(not set(said["ssl-client-cert"]) & set(" \r\n+/="), "nothing in it that a field or a form would change")
    for certificate in (None, stranger):
        r = ask("page.test", certificate)
        t.equal((r.status, r.get("location")), (302, "https://login.example.com/why"))
    t.equal((ask("cn.test", alice).status, ask("cn.test", mallory).status), (200, 403))
    t.equal((ask("revoking.test", alice).status, ask("revoking.test", gone).status), (200, 400), "ca.crl")
    t.equal(ask("on.test", gone).status, 200, "and without the list")

    # nobody but us says who the client is
    forged = [f"{n}: forged" for n in ("ssl-client-verify", "Ssl-Client-Subject-Dn", "ssl_client_verify", "SSL-CLIENT-CERT",
                                       "ssl-client-s-dn")] + ["Connection: ssl-client-verify"]
    t.equal(told("on.test", alice, forged), who)
    t.equal(told("optional.test", None, forged), {"ssl-client-verify": "NONE"})
    c.config(pass_ssl_client_headers="true", pass_lookalike_headers="true", enable_underscores_in_headers="true").settle()
    t.equal(told("on.test", alice, forged), who, "where they are passed on elsewhere")
    t.equal(c.get("cn.test").status, 403, "match-cn holds over plain http (F9)")
    t.equal(c.get("on.test").status, 308, "plain http is redirected")

    said = c.weirctl("explain", "request", "https://on.test/", of=c.proxies[0], status=None).stdout
    t.contains(said, "400 Bad Request", "the host asks for a client certificate (F9)")

    # HTTP/2
    with http2.Client(c.https(), tls="on.test", context=showing(alice)) as client:
        for _ in range(3):
            t.equal(client.ask(host="on.test", scheme="https").status, 200)
        t.equal(dict(b.last.headers)["ssl-client-subject-dn"], who["ssl-client-subject-dn"])
    with http2.Client(c.https(), tls="on.test", context=showing()) as client:
        t.equal(client.ask(host="on.test", scheme="https").status, 400)
        t.equal(client.ask(host="off.test", scheme="https").status, 200, "and the connection serves hosts that do not ask")
