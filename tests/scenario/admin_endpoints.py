"""/healthz, /readyz and /metrics of both programs; metrics are well-formed and count what happened (SEMANTICS N2, N3)."""
import re

LINE = re.compile(r'^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="(\\.|[^"\\])*",?)*\})? -?[0-9.e+-]+(Inf|NaN)?$')


def value(text, name):
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.startswith(name) and not line.startswith("#"))


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend()).start()
    for p in (c.controllers[0], c.proxies[0]):
        for path in ("/healthz", "/readyz"):
            t.equal(c.admin(path, p).status, 200, f"{p.name} {path}")
        t.equal(c.admin("/nothing", p).status, 404)
        r = c.admin("/metrics", p)
        t.equal(r.status, 200, p.name)
        bad = [line for line in r.text.splitlines() if line and not line.startswith("#") and not LINE.match(line)]
        t.equal(bad, [], p.name)
        names = [line.split()[2] for line in r.text.splitlines() if line.startswith("# TYPE")]
        t.equal(len(names), len(set(names)), "each TYPE once")
    with c.client() as client:
        before = c.admin("/metrics").text
        for _ in range(10):
            client.get("/")
        after = c.admin("/metrics").text
    requests = "nginx_ingress_controller_nginx_process_requests_total"
    t.equal(value(after, requests) - value(before, requests), 10.0)
    t.contains(after, 'state="active"', "weirlock_bytes_total", "resident_memory_bytes")
