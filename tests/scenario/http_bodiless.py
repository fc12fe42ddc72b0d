"""HEAD, 204 and 304 have no body whatever the backend says of its length; the connection goes on (RFC 9112 6.3)."""


def answer(connection):
    while request := connection.request():
        status = int(request.target[1:])
        length = ["Content-Length: 1000", "ETag: \"x\""] if status != 204 else []
        connection.reply(status, b"", length or ["X-None: 1"], "Fine", head_only=True) if length else connection.send(
            "HTTP/1.1 204 No Content\r\n\r\n")


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend(handler=answer)).start()
    with c.client() as client:
        for method, target, length in (("HEAD", "/200", "1000"), ("GET", "/304", "1000"), ("GET", "/204", None), ("HEAD", "/404", "1000"),
                                       ("HEAD", "/200", "1000")):
            r = client.request(target, method=method).response(method)
            t.equal((r.status, r.body, r.get("content-length")), (int(target[1:]), b"", length), method + target)
            t.equal(r.get("transfer-encoding"), None)
        t.check(client.is_open(), "kept")
