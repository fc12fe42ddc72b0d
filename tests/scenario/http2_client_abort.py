"""RST_STREAM, or the end of the connection, ends the request at the backend at once; the access log says 499. Other streams of the
connection go on. An endpoint that dies in the middle of a body resets its stream alone (SEMANTICS D3, D5, G17)."""
from harness import http2, wait


LOG = "$status $request_uri $end_reason"


def run(t):
    def handler(connection):
        while request := connection.head():
            if request.target != "/early":
                connection.backend.note(connection.body(request))
            if request.target == "/quiet":
                connection.wait_closed()
            elif request.target == "/loud":
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
                while True:
                    connection.send(b"x" * 65536)
            elif request.target == "/dies":
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
                return
            elif request.target == "/early":
                connection.reply(403, b"no")
            else:
                connection.echo(request)

    c = t.cluster()
    b = t.backend(handler=handler)
    c.config(log_format_upstream=LOG, proxy_request_buffering="off").route("a.test", b).start(workers=1)
    for target in ("/quiet", "/loud"):
        for leave in ("rst", "close", "reset"):
            client = http2.Client(c.http())
            s = client.open(target=target)
            b.wait(lambda b: b.n_open, "asked")
            if target == "/loud":
                client.until(lambda: client.streams[s].body, "bytes of the body")
            if leave == "rst":
                client.rst(s)
            else:
                getattr(client, leave)()
            b.wait(lambda b: not b.n_open, f"{target}: the connection is closed after the client's {leave}")
            if leave == "rst":
                t.equal(client.ask().status, 200, "the connection goes on")
                client.close()
                c.config(log_format_upstream=LOG, proxy_request_buffering="off", upstream_keepalive_connections=0).settle()  # n_open counts what works
    for line in ("499 /quiet client_gone", "200 /loud client_gone"):
        wait.until(lambda: c.access_log().count(line) == 3, f"three times {line!r}: however the client leaves, it is the one that left")
    with http2.Client(c.http()) as client:
        s = client.ask(target="/dies")
        t.equal((s.status, s.body, s.reset, s.ended), (200, b"half", http2.INTERNAL_ERROR, False))
        s = client.open(end=False, method="POST", target="/early", extra=[("content-length", "1000000")])
        client.data(s, b"x" * 1000)
        answer = client.answer(s)
        client.until(lambda: answer.reset is not None, "the rest of the request is not wanted")
        t.equal((answer.status, answer.body, answer.reset), (403, b"no", http2.NO_ERROR))
        t.equal(client.ask().status, 200)
    c.wait_access("200 /dies upstream_closed")
