"""SIGTERM: GOAWAY at once, a request already on its way and what is in flight finish, then the connection closes and the exit
status is 0 (DESIGN: the proxy)."""
import signal
import threading

from harness import backend, http2, wait


def run(t):
    gate = threading.Event()
    c = t.cluster()
    b = t.backend(handler=backend.holding(gate))
    c.config(worker_shutdown_timeout="20s").route("a.test", b).start(workers=1)
    proxy = c.proxies[0]
    idle, busy = t.own(http2.Client(c.http())), t.own(http2.Client(c.http()))
    t.equal(idle.ask().status, 200)
    slow_one = busy.open(target="/slow")
    b.wait(lambda b: any(r.target == "/slow" for r in b.requests), "in flight")
    proxy.signal(signal.SIGTERM)
    busy.until(lambda: busy.goaway, "GOAWAY")
    t.equal(busy.goaway, (0x7FFFFFFF, http2.NO_ERROR))
    t.equal(busy.ask(target="/late").status, 200, "a request that was on its way")
    t.equal(idle.drain(), (1, http2.NO_ERROR))
    busy.until(lambda: busy.goaway[0] == 3, "the last stream is named")
    t.check(proxy.is_running, "it waits for what is in flight")
    gate.set()
    t.equal(busy.answer(slow_one).status, 200)
    t.equal(busy.drain(), (3, http2.NO_ERROR))
    t.equal(proxy.wait_end(), 0, "exit status")
    wait.until(lambda: "GET /slow HTTP/2.0" in proxy.out(), "the last access record is written")
