"""504: an endpoint that does not answer or cannot be reached in time; sending anything in time is enough (SEMANTICS D3, G2, G3)."""
import threading
import time


def run(t):
    done = threading.Event()

    def silent(connection):
        connection.request()
        done.wait(30)

    def slow(connection):
        while connection.request():
            for piece in ("HTTP/1.1 200 OK\r\n", "Content-Length: 3\r\n\r\n", "a", "b", "c"):
                done.wait(0.6)
                connection.send(piece)

    short = {"proxy-read-timeout": "1", "proxy-connect-timeout": "1", "proxy-next-upstream-tries": "1"}
    c = t.cluster()
    c.route("silent.test", t.backend(handler=silent), annotations=short)
    c.route("dead.test", t.silent(), annotations=short)
    c.route("slow.test", t.backend(handler=slow), annotations=short)
    c.start()
    for host in ("silent.test", "dead.test"):
        started = time.monotonic()
        r = c.get(host)
        t.equal(r.status, 504, host)
        t.contains(r.text, "504 Gateway Time-out" if "Time-out" in r.text else "504 Gateway Timeout")
        t.check(0.8 <= time.monotonic() - started <= 4, f"{host}: after {time.monotonic() - started:.1f} s")
    r = c.get("slow.test")
    t.equal((r.status, r.body), (200, b"abc"))
    done.set()
