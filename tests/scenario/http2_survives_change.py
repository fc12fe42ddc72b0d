"""Requests in progress keep the configuration they began with, later ones of the same HTTP/2 connection get the new one; the
connection outlives changes, and a switch to use-http2: false does not cut it (DESIGN: no reload)."""
import threading

from harness import backend, http2


def run(t):
    gate = threading.Event()
    c = t.cluster()
    old, new = t.backend("old", backend.holding(gate)), t.backend("new")
    c.route("a.test", old).start(workers=1)
    with http2.Client(c.http()) as client:
        s = client.open(target="/slow")
        old.wait(lambda b: b.requests, "in flight")
        upload = client.open(end=False, method="POST", target="/upload")
        client.data(upload, b"first ")
        c.endpoints("a", new).settle()
        c.until_serves("a.test", want=lambda r: '"new"' in r.text)
        t.equal(client.ask().get("x-backend"), "new")
        for n in range(20):
            c.config(proxy_read_timeout=30 + n, use_http2="false").settle()
        client.data(upload, b"second", end=True)
        t.equal(client.answer(upload).get("x-backend"), "old")
        gate.set()
        t.equal(client.answer(s).get("x-backend"), "old")
        t.equal(client.ask().status, 200)
        t.equal(client.goaway, None)
