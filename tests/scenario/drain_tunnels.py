"""SIGTERM gives WebSockets worker-shutdown-timeout and then ends them; exit 0 (DESIGN: the proxy; SEMANTICS G12)."""
import signal
import time

from harness.websocket import WebSocket


def run(t):
    c = t.cluster()
    c.config(worker_shutdown_timeout="2s").route("a.test", t.backend()).start()
    ws = WebSocket(c.http(), "a.test")
    ws.echo("before")
    c.proxies[0].signal(signal.SIGTERM)
    started = time.monotonic()
    ws.echo("while it drains")
    ws.client.wait_closed()
    t.check(time.monotonic() - started > 1.0, f"ended after {time.monotonic() - started:.1f} s already")
    t.equal(c.proxies[0].wait_end(), 0, "exit status")
