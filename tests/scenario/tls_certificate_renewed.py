"""A renewed Secret is served to new connections at once, open ones stay; a deleted one gives the default (SEMANTICS F6)."""
from harness import wait, wire
from harness.manifests import secret


def presented(c):
    with wire.Client(c.https(), tls="a.test") as client:
        return client.sock.getpeercert(binary_form=True)


def run(t):
    c = t.cluster()
    old, new = t.certificate("a.test"), t.certificate("a.test", "also.a.test")
    c.apply(secret("a", old)).route("a.test", t.backend(), tls={"a": ["a.test"]})
    c.start()
    kept = c.client(tls="a.test")
    t.equal(kept.get(host="a.test").status, 200)
    t.equal(presented(c), old.der)
    c.apply(secret("a", new))
    wait.until(lambda: presented(c) == new.der, "the new certificate is served")
    t.equal(kept.get(host="a.test").status, 200, "the connection with the old one")
    c.delete(secret("a", new))
    wait.until(lambda: presented(c) not in (old.der, new.der), "the default certificate is served")
    t.equal(kept.get(host="a.test").status, 200, "the connection with the old one")
