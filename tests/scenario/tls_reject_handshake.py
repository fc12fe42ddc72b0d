"""ssl-reject-handshake: a name without a certificate of its own, or none, gets the alert unrecognized_name, and no certificate; live (SEMANTICS F3)."""
import ssl

from harness import wait, wire
from harness.manifests import secret


def refusal(c, name):
    """What the handshake said, or None where there was an answer."""
    try:
        with wire.Client(c.https(), tls=name) as client:
            client.get("/", "a.test")
            return None
    except (ssl.SSLError, ConnectionResetError) as e:
        return str(e).lower()


def run(t):
    c = t.cluster()
    a, b = t.backend("a"), t.backend("b")
    c.apply(secret("a", t.authority("ca").issue("a.test"))).route("a.test", a, tls={"a": ["a.test"]}).route("b.test", b).start()
    names = ("a.test", "A.test", "b.test", "nobody.test", "x.a.test", "")
    t.equal([refusal(c, name) for name in names], [None] * len(names), "off, as by default: the default certificate")
    c.config(ssl_reject_handshake="true").settle()
    for name in names:
        said = refusal(c, name)
        if name.lower() == "a.test":
            t.equal(said, None, name)
        else:
            t.contains(said or "", "unrecognized")
    t.equal(b.requests, [], "nobody came through")
    t.equal(c.get("b.test").status, 200, "plain HTTP is not touched")
    c.config().settle()
    wait.until(lambda: refusal(c, "nobody.test") is None, "off again")
