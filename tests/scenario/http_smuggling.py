"""Requests with two readings are refused and their connection closed: no byte of them reaches a backend (SECURITY.md)."""

POST = "POST / HTTP/1.1\r\nHost: a.test\r\n"
ROWS = {
    "CL and TE": (POST + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "TE and CL": (POST + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
    "two CL": (POST + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400),
    "CL list": (POST + "Content-Length: 5, 6\r\n\r\nhello!", 400),
    "CL plus": (POST + "Content-Length: +5\r\n\r\nhello", 400),
    "CL minus": (POST + "Content-Length: -5\r\n\r\nhello", 400),
    "CL empty": (POST + "Content-Length:\r\n\r\nhello", 400),
    "CL hex": (POST + "Content-Length: 0x5\r\n\r\nhello", 400),
    "CL huge": (POST + "Content-Length: 99999999999999999999999\r\n\r\nhello", 400),
    "TE unknown": (POST + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    "TE list": (POST + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "TE twice": (POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "TE and blank": (POST + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    "obs-fold": (POST + "X-A: 1\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "empty name": (POST + ": x\r\n\r\n", 400),
    "no colon": (POST + "Rubbish\r\n\r\n", 400),
    "bare LF": ("GET / HTTP/1.1\nHost: a.test\n\n", 400),
    "bare CR": ("GET / HTTP/1.1\r\nHost: a.test\r\nX: a\rb\r\n\r\n", 400),
    "NUL": ("GET / HTTP/1.1\r\nHost: a.test\r\nX: a\0b\r\n\r\n", 400),
    "two Hosts": ("GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n", 400),
    "no Host": ("GET / HTTP/1.1\r\n\r\n", 400),
    "HTTP/2.0": ("GET / HTTP/2.0\r\nHost: a.test\r\n\r\n", 505),
    "HTTP/1.10": ("GET / HTTP/1.10\r\nHost: a.test\r\n\r\n", 400),
    "two blanks": ("GET  / HTTP/1.1\r\nHost: a.test\r\n\r\n", 400),
    "no version": ("GET /\r\nHost: a.test\r\n\r\n", 400),
    "method": ("G(T / HTTP/1.1\r\nHost: a.test\r\n\r\n", 400),
}
REFUSED = ("TRACE / HTTP/1.1\r\nHost: a.test\r\n\r\n", "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n")


def run(t):
    c = t.cluster()
    b = t.backend()
    c.route("a.test", b).start()
    wrong = []
    for name, (head, status) in ROWS.items():
        with c.client() as client:
            # what follows must never be taken for a request of its own
            client.send(head + "GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n")
            got = client.wait_closed()
        answers = got.count(b"HTTP/1.1 ")
        if not got.startswith(b"HTTP/1.1 %d " % status) or answers != 1:
            wrong.append(f"{name}: expected one {status}, got {answers} answers: {got[:90]!r}")
    t.check(not wrong, "\n".join(wrong))
    for head in REFUSED:
        with c.client() as client:
            t.equal(client.send(head).response().status, 405, head)
    t.equal([r.line for r in b.requests], [], "what reached the backend")
    t.equal(c.get("a.test").status, 200)
