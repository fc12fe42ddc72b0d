"""HTTPS to nginx that demands and verifies our client certificate: name, SNI, depth, versions, sessions, rotation (SEMANTICS F11)."""
from harness.manifests import secret_data
from harness.nginx import Nginx

SERVER = """server {{ listen 127.0.0.1:{{port}} ssl; server_name {name}; ssl_certificate {cert}; ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3; ssl_client_certificate {ca}; ssl_verify_client on; ssl_session_tickets on;
    location / {{ return 200 "{name} $ssl_client_verify $ssl_client_s_dn sni=$ssl_server_name $ssl_protocol $ssl_session_reused $ssl_cipher\\n"; }} }}
"""


def server(name, certificate, authority):
    return SERVER.format(name=name, cert=certificate.cert_path, key=certificate.key_path, ca=authority.cert_path)


def run(t):
    c = t.cluster()
    ours, other = t.authority("ours"), t.authority("other")
    between = t.authority("between", by=ours)
    client = ours.issue("proxy", subject="/O=Example/CN=proxy")
    nginx = Nginx(t, server("up.internal", ours.issue("up.internal"), ours))
    lower = t.authority("lower", by=between)
    deep = Nginx(t, server("deep.internal", between.issue("deep.internal"), ours), "deep")
    deeper = Nginx(t, server("deeper.internal", lower.issue("deeper.internal"), ours), "deeper")
    c.apply(secret_data("up", tls_crt=client.cert, tls_key=client.key, ca_crt=ours.cert))
    c.apply(secret_data("stranger", tls_crt=client.cert, tls_key=client.key, ca_crt=other.cert))
    c.apply(secret_data("no-pair", ca_crt=ours.cert))

    def route(host, backend=nginx, secret="default/up", **ssl):
        annotations = {"backend-protocol": "HTTPS", **{"proxy-ssl-" + k.replace("_", "-"): v for k, v in ssl.items()}}
        if secret:
            annotations["proxy-ssl-secret"] = secret
        c.route(host, backend, annotations=annotations)

    checked = {"verify": "on", "name": "up.internal"}
    route("checked.test", **checked, server_name="on")
    route("no-sni.test", **checked)
    route("unchecked.test")
    route("name.test", verify="on", name="other.internal")
    route("stranger.test", secret="default/stranger", **checked)
    route("no-pair.test", secret="default/no-pair", **checked)
    route("no-secret.test", secret=None)
    route("no-ca.test", secret=None, **checked)
    route("depth-1.test", deep, verify="on", name="deep.internal", verify_depth="1")
    route("too-deep.test", deeper, verify="on", name="deeper.internal", verify_depth="1")
    route("depth-2.test", deeper, verify="on", name="deeper.internal", verify_depth="2")
    route("tls13.test", **checked, protocols="TLSv1.3")
    route("cipher.test", **checked, ciphers="ECDHE-ECDSA-AES256-GCM-SHA384")
    c.start(workers=1)

    r = c.get("checked.test")
    t.equal(r.status, 200, r.text)
    t.contains(r.text, "up.internal SUCCESS CN=proxy,O=Example sni=up.internal TLSv1.2")
    t.contains(c.get("no-sni.test").text, "SUCCESS", "sni= ")
    t.contains(c.get("unchecked.test").text, "SUCCESS")
    t.equal(c.get("name.test").status, 502, "a certificate for another name")
    t.equal(c.get("stranger.test").status, 502, "a certificate of an authority that is not asked")
    t.equal(c.get("no-pair.test").status, 400, "nginx is shown no certificate")
    t.equal(c.get("no-secret.test").status, 400, "nor here")
    t.equal(c.get("no-ca.test").status, 503, "a check that cannot be made: the endpoint is not asked")
    t.equal([c.get(h).status for h in ("depth-1.test", "too-deep.test", "depth-2.test")], [200, 502, 200],
            "one certificate between is depth 1, two are more")
    t.contains(c.get("tls13.test").text, "TLSv1.3")
    t.contains(c.get("cipher.test").text, "ECDHE-ECDSA-AES256-GCM-SHA384")
    t.contains(c.admin("/metrics").text, "upstream_tls_failed")

    # each new connection resumes the session of the one before
    c.config(upstream_keepalive_connections="0").settle()
    for host, version in (("checked.test", "TLSv1.2"), ("tls13.test", "TLSv1.3")):
        c.get(host)
        t.contains(c.get(host).text, f"{version} r ")

    # a connection that was not checked is never used where a check is asked for, and the other way round
    c.config(upstream_keepalive_connections="320").settle()
    t.equal([c.get(h).status for h in ("unchecked.test", "name.test", "stranger.test", "checked.test", "name.test")],
            [200, 502, 502, 200, 502])

    # the Secret goes: closed; it is bad: closed; it is back with another authority too: served
    c.delete(secret_data("up")).settle()
    t.equal((c.get("checked.test").status, c.get("unchecked.test").status), (503, 503))
    t.contains(c.weirctl("problems", status=None).stdout, "a Secret that exists")
    c.apply(secret_data("up", ca_crt="nonsense")).settle()
    t.equal(c.get("checked.test").status, 503)
    c.apply(secret_data("up", tls_crt=client.cert, tls_key=client.key, ca_crt=other.cert)).settle()
    t.equal(c.get("checked.test").status, 502, "the authority changed, and nothing of the old connections and sessions helps")
    c.apply(secret_data("up", tls_crt=client.cert, tls_key=client.key, ca_crt=other.cert + ours.cert)).settle()
    t.equal(c.get("checked.test").status, 200)

    # people see fingerprints
    shown = c.weirctl("snapshot", "show", "-o", "yaml").stdout
    t.contains(shown, "backend-secret", "fingerprint")
    t.check("key_pem" not in shown, "a key in an answer")
