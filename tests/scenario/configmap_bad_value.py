"""A bad value in the ConfigMap keeps that key's last good value, other keys apply, unknown keys are told (SEMANTICS M22)."""


def run(t):
    c = t.cluster()
    c.config(keep_alive_requests=2).route("a.test", t.backend()).start()

    def requests_per_connection():
        with c.client() as client:
            n = 1
            while client.get().get("connection") != "close":
                n += 1
            return n

    t.equal(requests_per_connection(), 2)
    c.config(keep_alive_requests="many", http_redirect_code="307", no_such_key="1", use_gzip="perhaps").settle()
    t.equal(requests_per_connection(), 2, "the last good value")
    problems = str(c.problems())
    t.contains(problems, "keep-alive-requests", "many", "no-such-key", "ingress/controller")
    c.route("force.test", t.backend(), annotations={"force-ssl-redirect": "true"})
    c.until_serves("force.test", want=307)
    c.config(keep_alive_requests=3).settle()
    t.equal(requests_per_connection(), 3)
    t.equal(c.inspect("problems"), [])
