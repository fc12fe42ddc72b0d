"""X-Request-ID: the client's own, or 32 hex digits that never repeat and stand in the access log too (SEMANTICS A25)."""
import re


def run(t):
    c = t.cluster()
    b = t.backend()
    c.route("a.test", b).start()
    c.get("a.test", headers=["X-Request-ID: mine-1"])
    t.equal(b.last.all("x-request-id"), ["mine-1"])
    with c.client() as client:
        for _ in range(600):
            client.get()
    ids = [r.get("x-request-id") for r in b.requests[1:]]
    t.check(all(re.fullmatch("[0-9a-f]{32}", i or "") for i in ids), "32 lower-case hex digits")
    t.equal(len(set(ids)), 600)
    c.wait_access(ids[-1])
    c.config(generate_request_id="false").settle()
    c.get("a.test")
    t.equal(b.last.get("x-request-id"), None)
