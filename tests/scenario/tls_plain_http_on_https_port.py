"""Plain HTTP on the TLS port gets a 400 page, rubbish is closed, and neither harms others (SEMANTICS F8)."""
from harness import wire


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend()).start()
    with wire.Client(c.https()) as plain:
        t.equal(plain.get(host="a.test").status, 400)
        plain.wait_closed()
    with wire.Client(c.https()) as rubbish:
        rubbish.send(b"\x16\x03\x01\x00\x05rubbish that is no ClientHello" * 10)
        rubbish.wait_closed()
    with wire.Client(c.https()) as silent:
        t.equal(c.get("a.test", tls="a.test").status, 200)
        t.check(silent.is_open(), "a client that says nothing yet is waited for")
