"""A controller that restarts is found again within 2 s, nothing is sent twice, and traffic never notices (DESIGN: channel)."""
import threading
import time

from harness.websocket import WebSocket


def run(t):
    c = t.cluster()
    c.config(keep_alive_requests=1_000_000).route("a.test", t.backend()).start(proxies=2)
    ws = WebSocket(c.http(), "a.test")
    stop, failed, n = threading.Event(), [], [0]

    def load():
        with c.client() as client:
            while not stop.is_set():
                n[0] += 1
                if client.get().status != 200:
                    failed.append(n[0])

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    for kill in (False, True):
        again = c.restart(c.controllers[0], kill=kill)
        ready = time.monotonic()
        c.route("new.test" if kill else "newer.test", t.backend("new"))
        c.until_serves("new.test" if kill else "newer.test", seconds=10)
        took = time.monotonic() - ready
        t.say(f"{'killed' if kill else 'stopped'}: both proxies followed {took:.2f} s after the new one was ready")
        t.check(took < 3.0, f"found again after {took:.1f} s")
        t.check(again.is_running, "the new controller")
    stop.set()
    thread.join(20)
    t.equal(failed, [])
    t.check(n[0] > 50, f"{n[0]} requests")
    ws.echo("still there")
