"""A WebSocket without a byte for proxy-read-timeout is closed without a close frame; bytes in one direction keep it
(SEMANTICS G11)."""
import time

from harness import wait, websocket
from harness.websocket import WebSocket


def run(t):
    c = t.cluster()
    b = t.backend(handler=websocket.serve_silence)
    c.route("a.test", b, annotations={"proxy-read-timeout": "1"}).start()
    with WebSocket(c.http(), "a.test") as ws:
        started = time.monotonic()
        for _ in range(6):  # client to backend only: 2.4 s
            ws.send("still here")
            wait.pause(0.4)
            t.check(ws.client.is_open(), "bytes in one direction keep it")
        last = time.monotonic()
        t.equal(ws.client.wait_closed(), b"", "no close frame")
        t.check(0.4 <= time.monotonic() - last <= 4 and last - started > 2, f"closed {time.monotonic() - last:.1f} s after the last byte")
    b.wait(lambda b: not b.n_open, "the backend's side is closed too")
    c.wait_access(" 101 ")
