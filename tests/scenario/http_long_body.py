"""Long bodies go from socket to socket: whole at every size, one after another on the same connections, cut when their backend dies,
and a client that leaves in the middle costs no descriptor."""
import hashlib

from harness import wait, wire

SIZES = [256 * 1024 - 1, 256 * 1024, 300 * 1024, 1024 * 1024 + 1, 5 * 1024 * 1024]
BYTES = bytes(i * 31 % 251 for i in range(251)) * (SIZES[-1] // 251 + 1)
LEAVERS = 40


def run(t):
    n_connections = []

    def answer(connection):
        n_connections.append(1)
        while request := connection.request():
            name = request.target.strip("/")
            size = SIZES[-1] if name in ("dies", "leaves") else int(name)
            body = BYTES[:size // 2 if name == "dies" else size]
            connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode() + body)
            if name == "dies":
                connection.sock.close()
                return

    c = t.cluster()
    c.route("a.test", t.backend(handler=answer)).start()
    with c.client(seconds=60) as client:
        for size in SIZES + SIZES:
            r = client.get(f"/{size}")
            t.equal((r.status, len(r.body), hashlib.sha256(r.body).digest()),
                    (200, size, hashlib.sha256(BYTES[:size]).digest()), f"{size} bytes")
    t.equal(len(n_connections), 1, "connections to the backend")
    c.wait_access(f"/{SIZES[-1]} ")
    t.check(any(f" 200 {SIZES[-1]} " in line for line in c.access_log()), "the log has the bytes of the longest body")

    with c.client(seconds=60) as client:
        try:
            t.check(False, f"half a body was taken for whole: {client.get('/dies')}")
        except (wire.Closed, OSError):
            pass

    before = c.proxies[0].n_fds()
    for _ in range(LEAVERS):
        client = c.client(receive_buffer=65536)
        client.request("/leaves")
        client.reader.exactly(100000)
        client.close()
    wait.until(lambda: c.proxies[0].n_fds() <= before + 24, "connections and pipes of those who left are closed")
    with c.client(seconds=60) as client:
        t.equal(len(client.get(f"/{SIZES[2]}").body), SIZES[2])
