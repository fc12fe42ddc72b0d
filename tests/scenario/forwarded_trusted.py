"""X-Forwarded-For and its like count when a named network sent them, and nobody's until then (A2, A5, A20-A22), live."""
FIELDS = ["X-Forwarded-For: 6.6.6.6, 9.9.9.9, 127.0.0.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: front.test",
          "X-Forwarded-Port: 8443"]


def run(t):
    c = t.cluster()
    b = t.backend()
    c.config(use_forwarded_headers="true")
    c.route("a.test", b, annotations={"ssl-redirect": "false"}).start()
    client = c.client()

    def heard(name):
        t.equal(client.get("/", host="a.test", headers=FIELDS).status, 200)
        return b.last.get(name)

    t.equal(heard("x-real-ip"), "127.0.0.1", "nobody is believed before a network is named")
    t.equal(b.last.get("x-forwarded-proto"), "http")
    t.equal(b.last.get("x-forwarded-host"), "a.test")
    t.contains(str(c.problems()), "proxy-real-ip-cidr")

    c.config(use_forwarded_headers="true", proxy_real_ip_cidr="127.0.0.0/8").settle()
    t.equal(heard("x-real-ip"), "9.9.9.9", "the right-most address that is not ours")
    t.equal(b.last.all("x-forwarded-for"), ["9.9.9.9"])
    t.equal(b.last.get("x-forwarded-proto"), "https")
    t.equal(b.last.get("x-forwarded-host"), "front.test")
    t.equal(b.last.get("x-forwarded-port"), "8443")
    client.close()
