"""keep-alive-requests ends with Connection: close, an idle connection is closed after keep-alive, 0 closes at once
(SEMANTICS G5)."""
import time


def run(t):
    c = t.cluster()
    c.config(keep_alive_requests=3, keep_alive=2).route("a.test", t.backend()).start()
    with c.client() as client:
        t.equal([client.get("/").get("connection") for _ in range(3)], [None, None, "close"])
        t.equal(client.wait_closed(), b"")
    with c.client() as client:
        client.get("/")
        started = time.monotonic()
        t.equal(client.wait_closed(), b"")
        t.check(1.8 <= time.monotonic() - started <= 5, f"closed after {time.monotonic() - started:.1f} s")
    c.config(keep_alive_requests=3, keep_alive=60).settle()
    with c.client() as client:  # a change counts for connections that are open
        t.equal(client.get("/").get("connection"), None)
        c.config(keep_alive_requests=2, keep_alive=60).settle()
        t.equal(client.get("/").get("connection"), "close")
        t.equal(client.wait_closed(), b"")
    c.config(keep_alive=0).settle()
    with c.client() as client:
        t.equal(client.get("/").get("connection"), "close")
        client.wait_closed()
