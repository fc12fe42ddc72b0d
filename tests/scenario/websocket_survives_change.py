"""A WebSocket outlives changes of its endpoints, timeouts, certificate and host rules (DESIGN: generations; USERS 1)."""
from harness.manifests import ingress, path, secret
from harness.websocket import WebSocket


def run(t):
    c = t.cluster()
    first, second = t.backend("first"), t.backend("second")
    c.apply(secret("a", t.certificate("a.test")))
    c.route("a.test", first, tls={"a": ["a.test"]}, annotations={"ssl-redirect": "false"}).start()
    sockets = [WebSocket(c.http(), "a.test", "/chat"), WebSocket(c.https(), "a.test", "/chat", tls="a.test")]
    changes = {
        "an endpoint is added": lambda: c.endpoints("a", first, second),
        "a timeout is changed": lambda: c.apply(ingress("a", "a.test", "/", "a", {"proxy-read-timeout": "30", "ssl-redirect": "false"},
                                                        {"a": ["a.test"]})),
        "its endpoint is removed": lambda: c.endpoints("a", second),
        "the certificate is renewed": lambda: c.apply(secret("a", t.certificate("a.test", "more.a.test"))),
        "a path is added": lambda: c.apply(ingress("a", "a.test", [path("/", "a"), path("/more", "a")],
                                                   annotations={"ssl-redirect": "false"}, tls={"a": ["a.test"]})),
        "another host appears": lambda: c.route("b.test", second),
        "the ConfigMap changes": lambda: c.config(keep_alive=10),
    }
    for what, change in changes.items():
        change()
        c.settle()
        for number, ws in enumerate(sockets):
            t.equal(ws.echo(what), what, f"socket {number}")
    t.equal(c.get("a.test").get("x-backend"), "second", "new requests follow")
    t.equal(first.n_open, 2)
