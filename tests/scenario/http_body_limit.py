"""proxy-body-size: a larger body is 413 before the backend hears of it, declared or chunked (SEMANTICS 0.5, D6)."""


def run(t):
    c = t.cluster()
    b = t.backend()
    c.route("a.test", b, annotations={"proxy-body-size": "10k"}).start()
    t.equal(c.get("a.test", method="POST", body=b"x" * 10240).status, 200)
    with c.client() as client:
        client.request(method="POST", headers=["Content-Length: 10241"])
        t.equal(client.response().status, 413)
    t.equal(len(b.requests), 1)
    with c.client() as client:
        try:
            client.request(method="POST", body=[b"y" * 4096] * 5)
            r = client.response()
            t.check(r.status in (413, 502, 400), f"chunked: {r}")
        except OSError:
            pass
    c.route("a.test", b, annotations={"proxy-body-size": "0"}).settle()
    t.equal(c.get("a.test", method="POST", body=b"x" * 3_000_000).status, 200)
