"""Hop-by-hop fields end at the proxy, nominated ones too, but never those that the proxy sets (SEMANTICS G8, A25; SECURITY)."""


def answer(connection):
    while request := connection.request():
        connection.reply(200, "x", ["Connection: X-Secret", "X-Secret: 1", "Keep-Alive: timeout=5", "X-Accel-Redirect: /etc/passwd",
                                    "X-Fine: 1", "Server: backend", "Date: Thu, 01 Jan 1970 00:00:00 GMT"])


def run(t):
    c = t.cluster()
    b = t.backend(handler=answer)
    c.route("a.test", b).start()
    r = c.client().get("/", headers=[
        "Connection: X-Drop, X-Real-IP, X-Forwarded-For, Host, close-not", "X-Drop: 1", "Keep-Alive: 5", "TE: trailers", "X-Keep: 1",
        "Upgrade: ", "Proxy: http://evil", "Bad_Name: 1"])
    t.equal(r.status, 200)
    got = {n.lower() for n, _ in b.last.headers}
    for name in ("x-drop", "keep-alive", "te", "upgrade", "proxy", "bad_name", "connection"):
        t.check(name not in got, f"the backend saw {name}")
    for name in ("host", "x-real-ip", "x-forwarded-for", "x-keep"):
        t.check(name in got, f"the backend did not see {name}")
    for name in ("x-secret", "keep-alive", "x-accel-redirect", "server"):
        t.equal(r.get(name), None, name)
    t.equal(r.get("x-fine"), "1")
    t.check("1970" not in r.get("date"), "Date is ours (D7)")
