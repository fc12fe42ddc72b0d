"""A client that leaves ends its request at the backend at once; the access log says 499 (SEMANTICS D5, G17)."""


def run(t):
    ended = []

    def wait_for_end(connection):
        connection.request()
        ended.append(connection.wait_closed())

    def flood(connection):
        connection.request()
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while True:
                connection.send(b"x" * 65536)
        finally:
            ended.append(b"")

    c = t.cluster()
    quiet, loud = t.backend("quiet", wait_for_end), t.backend("loud", flood)
    c.route("quiet.test", quiet).route("loud.test", loud).start()
    for host, backend in {"quiet.test": quiet, "loud.test": loud}.items():
        for leave in ("close", "reset"):
            client = c.client()
            client.request(host=host)
            backend.wait(lambda b: b.n_open, "asked")
            if backend is loud:
                client.head()
            getattr(client, leave)()
            backend.wait(lambda b: not b.n_open, f"{host}: the connection is closed after the client's {leave}")
    c.wait_access('"GET / HTTP/1.1" 499')
