"""The certificate follows SNI: exact, wildcard, any case, else the generated default (SEMANTICS F3, F4, F6)."""
import ssl

from harness import process, wire
from harness.manifests import secret


def presented(c, name):
    with wire.Client(c.https(), tls=name) as client:
        return client.sock.getpeercert(binary_form=True)


def run(t):
    c = t.cluster()
    a, star, wrong = t.certificate("a.test"), t.certificate("*.b.test"), t.certificate("elsewhere.test")
    c.apply(secret("a", a), secret("star", star), secret("wrong", wrong))
    c.route("a.test", t.backend(), tls={"a": ["a.test"]})
    c.route("x.b.test", t.backend(), name="xb", tls={"star": ["x.b.test"]})
    c.route("c.test", t.backend(), tls={"wrong": ["c.test"]})
    c.route("d.test", t.backend(), tls={"missing": ["d.test"]})
    c.start()
    t.equal(presented(c, "a.test"), a.der, "exact")
    t.equal(presented(c, "A.Test"), a.der, "case")
    t.equal(presented(c, "x.b.test"), star.der, "a wildcard certificate")
    default = presented(c, "")
    for name in ("nobody.test", "c.test", "d.test"):
        t.equal(presented(c, name), default, name)
    pem = ssl.DER_cert_to_PEM_cert(default)
    done = process.run(["openssl", "x509", "-noout", "-subject", "-ext", "subjectAltName"], stdin=pem)
    t.contains(done.stdout, "Kubernetes Ingress Controller Fake Certificate", "Acme Co", "ingress.local")
    # a verifying client is content
    context = ssl.create_default_context(cadata=a.cert)
    with wire.Client(c.https(), tls="a.test", context=context) as client:
        t.equal(client.get(host="a.test").status, 200)
    problems = str(c.problems())
    t.contains(problems, "missing", "wrong")
