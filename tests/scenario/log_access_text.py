"""One access record per request in ingress-nginx's own format; what comes from outside is escaped (SEMANTICS N1)."""
import re

FORMAT = re.compile(r'^(\S+) - - \[[^\]]+\] "([^"]*)" (\d{3}) (\d+) "([^"]*)" "([^"]*)" (\d+) ([\d.]+) \[([^\]]*)\] \[([^\]]*)\] '
                    r'(\S+) (\S+) (\S+) (\S+) (\S+)$')


def run(t):
    c = t.cluster()
    b = t.backend()
    c.route("a.test", b).start()
    with c.client() as client:
        client.get("/x?y=1", headers=["Referer: http://r.test/", "User-Agent: me/1", "X-Request-ID: id-1"])
        client.get("/y", headers=['User-Agent: "quoted" \\ \xe9', "X-Request-ID: id-2", "Cookie: s=secret-cookie",
                                  "Authorization: Basic c2VjcmV0"])
        client.get("/z", host="nobody.test", headers=["X-Request-ID: id-3"])
    with c.client() as client:
        client.send("rubbish\r\n\r\n")
        client.wait_closed()
    m = FORMAT.match(c.wait_access("id-1"))
    t.check(m, c.wait_access("id-1"))
    t.equal((m[1], m[2], m[3], m[5], m[6]), ("127.0.0.1", "GET /x?y=1 HTTP/1.1", "200", "http://r.test/", "me/1"))
    t.equal((m[9], m[11], m[14], m[15]), ("default-a-80", f"127.0.0.1:{b.address[1]}", "200", "id-1"))
    line = c.wait_access("id-2")
    t.contains(line, "\\x22quoted\\x22")
    t.contains(line, "\\x5C \\xE9")
    c.wait_access(" 400 ")
    t.check("secret" not in "".join(c.access_log()), "cookies and credentials are not logged")
    # one record each, also for requests that no backend saw
    t.equal(sum("id-1" in line for line in c.access_log()), 1)
