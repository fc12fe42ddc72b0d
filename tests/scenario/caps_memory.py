"""max-memory: above it waiting connections end, new ones are closed and requests get 503 with Connection: close, while what runs
goes on; below it all is as before. And what one HTTP/1 client makes us keep is bounded and shown."""
import threading

from harness import backend, http2, wait, wire

FORMAT = "$request_uri $status $end_reason $end_limit"
AHEAD_MAX = 256 * 1024
HALF = b"GET /half HTTP/1.1\r\nHost: a.te"


def run(t):
    gate = threading.Event()
    c = t.cluster()
    b = t.backend(handler=backend.holding(gate))
    c.config(log_format_upstream=FORMAT).route("a.test", b).start(workers=2)
    running, waiting, half = (t.own(c.client()) for _ in range(3))
    running.send(wire.request("/slow"))
    b.wait(lambda b: any(r.target == "/slow" for r in b.requests), "it runs")
    t.equal(waiting.get("/").status, 200)
    half.send(HALF)
    two = t.own(http2.Client(c.http()))
    t.equal(two.ask(target="/").status, 200)
    wait.until(lambda: c.metric('weirlock_client_ahead_bytes') == len(HALF), "half a head is there")

    c.config(max_memory="1m", log_format_upstream=FORMAT)
    wait.until(lambda: "\nweirlock_memory_max_bytes 1048576\n" in c.admin("/metrics").body.decode(), "the bound is known")
    t.equal(waiting.wait_closed(), b"")
    t.equal(two.drain()[1], http2.NO_ERROR)
    wait.until(lambda: wire.is_refused(c.http()), "new ones are closed")
    half.send(b"st\r\n\r\n")
    answer = half.response()
    t.equal((answer.status, answer.get("connection")), (503, "close"))
    t.equal(half.wait_closed(), b"")
    t.contains(c.wait_access("/half"), " 503 ", "memory_full max-memory")
    t.equal([r for r in b.requests if r.target == "/half"], [], "it reached nobody")
    gate.set()
    answer = running.response()
    t.equal((answer.status, answer.get("connection")), (200, "close"), "what runs goes on, and its connection ends")
    t.equal(c.proxies[0].err().count("limit=max-memory bound=1048576"), 1, "once a minute")

    c.config(max_memory="16384m", log_format_upstream=FORMAT)
    c.until_serves("a.test")
    for _ in range(5):
        t.equal(c.get("a.test").status, 200)

    # requests behind one that runs: one read of them is kept, and the rest waits in the client
    gate.clear()
    greedy = t.own(c.client())
    seen = len([r for r in b.requests if r.target == "/slow"])
    pipelined = wire.request("/slow") + wire.request("/next", headers=[("x-a", "v" * 4000)]) * 400
    sender = threading.Thread(target=send_all, args=(greedy, pipelined), daemon=True)
    sender.start()
    b.wait(lambda b: len([r for r in b.requests if r.target == "/slow"]) == seen + 1, "it runs")
    wait.until(lambda: 4000 < c.metric("weirlock_client_ahead_bytes") <= AHEAD_MAX, "some of it is here")
    c.until_serves("a.test")
    gate.set()
    for _ in range(401):
        t.equal(greedy.response().status, 200)
    sender.join()
    greedy.close()
    wait.until(lambda: c.metric("weirlock_client_ahead_bytes") == 0, "nothing is left of it")


def send_all(client, data):
    client.sock.settimeout(None)
    client.sock.sendall(data)
