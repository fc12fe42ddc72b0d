"""A host has ciphers of its own, and its own order, beside those of the ConfigMap; both change live (SEMANTICS F1)."""
import ssl

from harness import wire
from harness.manifests import ingress, secret

AES256, AES128, CHACHA = ("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305")


def run(t):
    c = t.cluster()
    b = t.backend()
    c.apply(secret("tls", t.certificate("own.test", "alias.test", "usual.test", "order.test", "bad.test")))
    says = {"own.test": {"ssl-ciphers": AES256, "server-alias": "alias.test"}, "usual.test": {},
            "order.test": {"ssl-prefer-server-ciphers": "false"}, "bad.test": {"ssl-ciphers": "NONSENSE"}}
    for host, annotations in says.items():
        c.route(host, b, tls={"tls": [host]}, annotations=annotations)
    c.start(workers=1)

    def cipher(host, *offers):
        context = wire.any_certificate()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(":".join(offers))
        with wire.Client(c.https(), tls=host, context=context) as client:
            t.equal(client.get("/", host).status, 200)
            return client.sock.cipher()[0]

    every = (CHACHA, AES256, AES128)
    t.equal([cipher(h, *every) for h in ("own.test", "alias.test", "usual.test", "order.test", "bad.test")],
            [AES256, AES256, AES128, CHACHA, AES128])
    try:
        cipher("own.test", AES128)
        raise AssertionError("a cipher that the host does not have")
    except ssl.SSLError:
        pass
    t.contains(c.weirctl("problems", status=None).stdout, "NONSENSE")
    c.apply(ingress("own", "own.test", "/", "own", tls={"tls": ["own.test"]}, annotations={"ssl-ciphers": CHACHA})).settle()
    t.equal(cipher("own.test", *every), CHACHA)
    c.config(ssl_ciphers=CHACHA, ssl_protocols="TLSv1.2").settle()
    t.equal(cipher("usual.test", *every), CHACHA)
