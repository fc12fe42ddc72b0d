"""SIGTERM: not ready, no new connections, what is in flight finishes, idle ones close, exit 0 (DESIGN: the proxy)."""
import signal
import threading

from harness import backend, wait


def run(t):
    gate = threading.Event()
    c = t.cluster()
    b = t.backend(handler=backend.holding(gate))
    c.config(worker_shutdown_timeout="20s").route("a.test", b).start()
    proxy = c.proxies[0]
    idle, busy = c.client(), c.client()
    t.equal(idle.get("/").status, 200)
    busy.request("/slow")
    b.wait(lambda b: any(r.target == "/slow" for r in b.requests), "the request is in flight")
    proxy.signal(signal.SIGTERM)
    t.equal(idle.wait_closed(), b"", "the idle connection is closed")

    def refused():
        try:
            with c.client() as client:
                client.get("/")
            return False
        except OSError:
            return True
        except EOFError:
            return True

    wait.until(refused, "new connections are refused")
    t.check(proxy.is_running, "it waits for what is in flight")
    gate.set()
    r = busy.response()
    t.equal((r.status, r.get("connection")), (200, "close"))
    t.equal(proxy.wait_end(), 0, "exit status")
    wait.until(lambda: "GET /slow" in proxy.out(), "the last access record is written")
