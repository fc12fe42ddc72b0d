"""JSON access records: a line each that a JSON parser takes whatever the client sent, with the end reason."""
import json
import re


def run(t):
    c = t.cluster()
    refusing = t.refusing()
    c.config(log_format_escape_json="true",
             log_format_upstream='{"id":"$req_id","request":"$request","agent":"$http_user_agent","status":$status,"end":"$end_reason",'
                                 '"upstream":"$upstream_addr"}')
    c.route("a.test", t.backend()).route("down.test", refusing).start()
    agent = 'a"b\\c\td'
    c.get("a.test", "/x", headers=[f"User-Agent: {agent}", "X-Request-ID: j1"])
    c.get("down.test", "/x", headers=["X-Request-ID: j2"])
    c.get("nobody.test", "/x", headers=["X-Request-ID: j3"])
    ends = {}
    for name in ("j1", "j2", "j3"):
        record = json.loads(c.wait_access(f'"{name}"'))
        ends[name] = (record["status"], record["end"])
        if name == "j1":
            t.equal(record["agent"], agent)
    t.equal(ends, {"j1": (200, "done"), "j2": (502, "upstream_connect_failed"), "j3": (404, "no_route")})
    # the program's own log as JSON
    p = c.proxy("json", options=["--log-format", "json"])
    lines = [line for line in p.err().splitlines() if not line.startswith("$ ")]
    t.check(lines, "it logs something")
    for line in lines:
        t.check(isinstance(json.loads(line), dict), line)
    t.check(re.search('"level"', p.err()), "with its level")
