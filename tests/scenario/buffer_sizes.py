"""client-body-buffer-size, proxy-buffer-size and proxy-buffers-number: how much of a body lies in memory before a file is used, and
how long the head of a response may be (SEMANTICS D3, G1, G6, G7)."""
from harness import wait

SENT = 100_000
BODY = b"y" * 12_000_000  # more than the kernel holds for a client
DONE = []


def answer(connection):
    while request := connection.request():
        if request.target == "/head":
            connection.reply(200, "fine", headers=["X-Long: " + "x" * 6000])
        elif request.target == "/body":
            connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
            DONE.append(request.get("host"))
        else:
            connection.reply(200, str(len(request.body)))


def run(t):
    c = t.cluster()
    b = t.backend(handler=answer)
    large = {"client-body-buffer-size": "64k", "proxy-buffer-size": "1m", "proxy-buffers-number": "32"}
    c.route("small.test", b, annotations={"proxy-buffering": "on"}).route("large.test", b, annotations={"proxy-buffering": "on", **large})
    c.start(workers=1)

    def in_file():
        return c.metric("weirlock_body_file_bytes")

    # of a request that is not whole yet: 8k, or what was said, are in memory, and all the rest is in the file
    for host, memory in (("small.test", 8192), ("large.test", 65536)):
        with c.client() as client:
            client.request("/", host=host, method="POST", headers=[f"Content-Length: {SENT + 1}"])
            for _ in range(SENT // 1000):
                client.send(b"x" * 1000)
            wait.until(lambda memory=memory: in_file() >= SENT - memory, f"{host}: it came, and not more than {memory} are in memory")
            t.check(host == "small.test" or in_file() < SENT - 8192, f"{host}: {in_file()} in the file")
            client.send(b"x")
            t.equal(client.response().text, str(SENT + 1))
        wait.until(lambda: in_file() == 0, "the file is gone")

    # of a response that its client does not read: 4 × 4k, or 32 × 1m
    for host in ("small.test", "large.test"):
        with c.client(receive_buffer=16384) as client:
            client.request("/body", host=host)
            wait.until(lambda host=host: host in DONE and c.metric('weirlock_upstream_connections{state="open"}') ==
                       c.metric('weirlock_upstream_connections{state="idle"}'), f"{host}: the endpoint is free")
            t.check((in_file() > 0) == (host == "small.test"), f"{host}: {in_file()} in a file")
            t.equal(client.response().body, BODY)
        wait.until(lambda: in_file() == 0, "the file is gone")

    # and the head of one
    t.equal([c.get(host, "/head").status for host in ("small.test", "large.test")], [502, 200])
    c.wait_access("GET /head HTTP/1.1\" 502")
