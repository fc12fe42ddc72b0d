"""A proxy that starts first waits for a controller: not ready until it serves, then at once (issue: the channel)."""
from harness import wait, wire


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend())
    listen = f"tcp://127.0.0.1:{wait.free_port()}"
    admin = wait.free_port()
    proxy = c.proxy(controllers=[listen], options=["--admin", f"127.0.0.1:{admin}"], wait_ready=False)

    def ask(path):
        with wire.Client(("127.0.0.1", admin)) as client:
            return client.get(path).status

    wait.until(lambda: ask("/healthz") == 200, "alive")
    t.equal(ask("/readyz"), 503)
    t.check("ready " not in proxy.out(), "no ready line yet")
    c.controller(listen=listen)
    proxy.wait_ready()
    t.equal(ask("/readyz"), 200)
    t.equal(c.get("a.test").status, 200)
