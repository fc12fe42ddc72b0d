"""The backend hears who the client was: our own words, spoofed ones replaced (SEMANTICS A25-A28)."""
from harness.manifests import secret

SPOOFED = ["X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 7.7.7.7", "X-Real-IP: 6.6.6.6", "X-Forwarded-Host: evil.test",
           "X-Forwarded-Proto: https", "X-Forwarded-Port: 1", "X-Forwarded-Scheme: https", "X-Scheme: https",
           "x-forwarded-HOST: evil2.test", "ssl-client-verify: SUCCESS", "ssl-client-subject-dn: CN=admin", "Forwarded: for=6.6.6.6",
           "True-Client-IP: 6.6.6.6"]


def run(t):
    c = t.cluster()
    b = t.backend()
    c.apply(secret("a", t.certificate("a.test")))
    c.route("a.test", b, annotations={"ssl-redirect": "false"}, tls={"a": ["a.test"]}).start()
    for tls, scheme, port in ((None, "http", str(c.http()[1])), ("a.test", "https", "443")):
        with c.client(tls=tls) as client:
            t.equal(client.get("/x", host="a.test:8080", headers=SPOOFED).status, 200)
        for name, value in {"Host": "a.test:8080", "X-Real-IP": "127.0.0.1", "X-Forwarded-For": "127.0.0.1",
                            "X-Forwarded-Host": "a.test:8080", "X-Forwarded-Port": port, "X-Forwarded-Proto": scheme,
                            "X-Forwarded-Scheme": scheme, "X-Scheme": scheme}.items():
            t.equal(b.last.all(name), [value], f"{scheme}: {name}")
        t.check(b.last.get("x-original-forwarded-for", "").startswith("6.6.6.6"), "X-Original-Forwarded-For")
        t.check((b.last.get("x-original-forwarded-host") or "").startswith("evil.test"), "X-Original-Forwarded-Host")
        for name in ("ssl-client-verify", "ssl-client-subject-dn"):
            t.equal(b.last.get(name), None, name + " (A28)")
        t.equal(b.last.get("true-client-ip"), "6.6.6.6", "passed unchanged (A28)")
