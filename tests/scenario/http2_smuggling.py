"""What HTTP/1.1 behind would read differently is refused in HTTP/2 (SECURITY.md 4.2, RFC 9113 8.2 and 8.3): every byte below
0x21 where it may split something, connection fields, lengths that are not true, Host beside :authority. None reaches a backend."""
from harness import http2
from harness.http2 import request_fields


def rows():
    """Name, fields."""
    good = request_fields()
    for byte in [*range(0x00, 0x21), 0x7F]:
        c = chr(byte)
        if c not in " \t":
            yield f"value with 0x{byte:02x}", [*good, ("x-a", f"1{c}2")]
        yield f"value beginning with 0x{byte:02x}", [*good, ("x-a", c + "1")]
        yield f"value ending with 0x{byte:02x}", [*good, ("x-a", "1" + c)]
        yield f"name with 0x{byte:02x}", [*good, (f"x{c}a", "1")]
        yield f"path with 0x{byte:02x}", request_fields(target=f"/a{c}b")
        yield f"path ending with 0x{byte:02x}", request_fields(target="/a" + c)
        yield f"authority with 0x{byte:02x}", request_fields(host=f"a{c}.test")
        yield f"method with 0x{byte:02x}", request_fields(method=f"G{c}T")
    yield "a whole request in a value", [*good, ("x-a", "1\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n")]
    yield "a request line in the path", request_fields(target="/ HTTP/1.1\r\nHost: b.test\r\n\r\nGET /smuggled")
    yield "a request line in the method", request_fields(method="GET /smuggled HTTP/1.1\r\nX:")
    yield "transfer-encoding", [*good, ("transfer-encoding", "chunked")]
    yield "connection", [*good, ("connection", "close")]
    yield "connection that nominates", [*good, ("connection", "x-real-ip")]
    yield "keep-alive", [*good, ("keep-alive", "1")]
    yield "proxy-connection", [*good, ("proxy-connection", "close")]
    yield "upgrade", [*good, ("upgrade", "websocket")]
    yield "te other than trailers", [*good, ("te", "gzip")]
    yield "te with more than trailers", [*good, ("te", "trailers, chunked")]
    yield "empty name", [*good, ("", "1")]
    yield "a colon in a name", [*good, ("x:a", "1")]
    yield "upper case", [*good, ("X-A", "1")]
    yield "content-length without body", [*good, ("content-length", "5")]
    yield "two content-lengths", [*good, ("content-length", "0"), ("content-length", "0")]
    yield "empty content-length", [*good, ("content-length", "")]
    yield "content-length with a sign", [*good, ("content-length", "+0")]
    yield "content-length as a list", [*good, ("content-length", "0, 0")]
    yield "host that differs", [*good, ("host", "b.test")]
    yield "two hosts", [*good, ("host", "a.test"), ("host", "a.test")]
    yield "empty authority", request_fields(host="")
    yield "authority with user", request_fields(host="u@a.test")
    yield "authority with a path", request_fields(host="a.test/x")
    yield "no path", [f for f in good if f[0] != ":path"]
    yield "empty path", request_fields(target="")
    yield "absolute path", request_fields(target="http://b.test/")
    yield "path without slash", request_fields(target="a")
    yield "asterisk without OPTIONS", request_fields(target="*")
    yield "fragment", request_fields(target="/a#b")
    yield "no method", good[1:]
    yield "empty method", request_fields(method="")
    yield "no scheme", [f for f in good if f[0] != ":scheme"]
    yield "odd scheme", request_fields(scheme="http://b.test/x?")
    yield "no authority and no host", [f for f in good if f[0] != ":authority"]
    yield "path twice", [*good, (":path", "/b")]
    yield "unknown pseudo-field", [*good, (":status", "200")]
    yield "pseudo-field after a field", [*good[:3], ("x-a", "1"), good[3]]
    yield "protocol without CONNECT", [*good, (":protocol", "websocket")]
    yield "CONNECT with path", request_fields(method="CONNECT")


def run(t):
    c = t.cluster()
    b = t.backend()
    c.config(keep_alive_requests="100000").route("a.test", b).route("b.test", b).start(workers=1)
    n = 0
    with http2.Client(c.http()) as client:
        for name, fields in rows():
            r = client.ask(fields)
            t.equal(r.status, 400, name)
            n += 1
        # CONNECT, an expectation and a protocol that nobody knows have codes of their own
        t.equal(client.ask([(":method", "CONNECT"), (":authority", "a.test:443")]).status, 405)
        t.equal(client.ask(request_fields(extra=[("expect", "1")])).status, 417)
        t.equal(client.ask(request_fields(method="CONNECT", extra=[(":protocol", "h3")])).status, 501)
        t.equal(client.ask(request_fields(method="TRACE")).status, 405)
        # bodies that are not what was announced: no backend takes them for whole
        for announced, sent in ((5, b"1234"), (5, b""), (3, b"1234"), (1, b"x" * 20000)):
            s = client.open(end=False, method="POST", extra=[("content-length", str(announced))], target="/length")
            client.data(s, sent, end=True)
            t.equal(client.answer(s).status, 400, f"{announced} announced, {len(sent)} sent")
        # trailers with pseudo-fields, framing or bytes that split
        for trailer in ((":path", "/b"), ("content-length", "1"), ("transfer-encoding", "chunked"), ("host", "b.test"),
                        ("x-a", "1\r\nb: 2"), ("X-A", "1"), ("", "1")):
            s = client.open(end=False, method="POST", target="/trailer")
            client.data(s, b"body")
            client.send(http2.frame(http2.HEADERS, http2.END_HEADERS | http2.END_STREAM, s, http2.block([trailer])))
            t.equal(client.answer(s).status, 400, f"trailer {trailer}")
        t.equal([r.line for r in b.requests], [], "nothing of it reached the backend")
        # and what is right still goes, on the same connection
        for fields in (request_fields(extra=[("x-a", "1 2\t3"), ("te", "trailers"), ("cookie", "a=1"), ("cookie", "b=2")]),
                       [(":method", "GET"), (":scheme", "https"), (":path", "/ok"), ("host", "a.test")],
                       request_fields(extra=[("host", "A.test")])):
            t.equal(client.ask(fields).status, 200, fields)
        t.equal(b.requests[0].get("cookie"), "a=1; b=2", "crumbs are joined")
        t.equal((b.requests[0].get("x-a"), b.requests[0].get("te")), ("1 2\t3", None))
        s = client.open(end=False, method="POST", target="/trailer", extra=[("content-length", "4")])
        client.data(s, b"body")
        client.send(http2.frame(http2.HEADERS, http2.END_HEADERS | http2.END_STREAM, s, http2.block([("x-t", "1")])))
        t.equal(client.answer(s).status, 200)
        t.equal((b.last.body, b.last.trailers), (b"body", []), "trailers are dropped")
    t.contains(c.wait_access(" 417 "), "GET / HTTP/2.0")
    t.say(f"{n} heads")
