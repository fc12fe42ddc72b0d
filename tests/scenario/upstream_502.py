"""502: nobody takes the connection, or what comes back is no response (SEMANTICS D3)."""


def answering(data):
    def answer(connection):
        connection.request()
        connection.send(data)
        connection.sock.close()
    return answer


def resetting(connection):
    connection.request()
    connection.reset()


ROWS = {
    "rubbish": answering(b"SSH-2.0-OpenSSH\r\n\r\n"),
    "closed": answering(b""),
    "half a head": answering(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "bad length": answering(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
    "two lengths": answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    "length and chunked": answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "large head": answering(b"HTTP/1.1 200 OK\r\nX-Large: " + b"x" * 70000 + b"\r\n\r\n"),
    "NUL": answering(b"HTTP/1.1 200 OK\r\nX-A: \0\r\n\r\n"),
    "101 unasked": answering(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nGET /"),
    "reset": resetting,
}


def run(t):
    c = t.cluster()
    c.route("refusing.test", t.refusing(), name="refusing")
    for number, handler in enumerate(ROWS.values()):
        c.route(f"row{number}.test", t.backend(handler=handler))
    c.start()
    for what, host in {**{what: f"row{n}.test" for n, what in enumerate(ROWS)}, "refused": "refusing.test"}.items():
        with c.client() as client:
            r = client.get(host=host)
            t.equal((r.status, r.get("content-type")), (502, "text/html"), what)
            t.contains(r.text, "502 Bad Gateway")
            t.equal(client.get("/healthz", host="nobody.test").status, 200, what + ": the client's connection goes on")
