"""Canaries: session, header, cookie, weight, in that order; several of them; live; in log and metrics (SEMANTICS I20 to I25)."""
import re
from collections import Counter

from harness import wait
from harness.manifests import ingress

ON = {"canary": "true"}


def run(t):
    c = t.cluster()
    backends = {name: t.backend(name) for name in ("main", "value", "regex", "word", "cookie", "heavy", "light", "sticky")}
    c.route("value.test", backends["main"], name="main", annotations={"x-forwarded-prefix": "/main"})
    for name, backend in backends.items():
        if name != "main":
            c.expose(name, backend)

    def main(host, name="main", **rest):
        c.apply(ingress("main-" + host.split(".")[0], host, "/", name, **rest))

    def canary(host, name, **notes):
        notes = {key.replace("_", "-"): value for key, value in notes.items()}
        c.apply(ingress(f"canary-{name}-{host.split('.')[0]}", host, "/", name, annotations={**ON, **notes}))

    for host in ("regex.test", "word.test", "weight.test", "all.test", "gone.test", "none.test"):
        main(host)
    canary("value.test", "value", canary_by_header="X-Canary", canary_by_header_value="v1", canary_by_header_pattern="never")
    canary("regex.test", "regex", canary_by_header="X-Canary", canary_by_header_pattern="^(b|c)[0-9]")
    canary("word.test", "word", canary_by_header="X-Canary", canary_by_cookie="pick", canary_weight=0)
    canary("weight.test", "heavy", canary_weight=300, canary_weight_total=1000)
    canary("all.test", "heavy", canary_weight=100)
    canary("gone.test", "nobody", canary_weight=100)
    canary("none.test", "heavy", canary_weight=0)
    main("several.test")
    canary("several.test", "word", canary_by_header="X-Canary", canary_weight=20)
    canary("several.test", "cookie", canary_by_cookie="pick", canary_weight=20)
    c.config(keep_alive_requests=100000).start(proxies=1)
    client = c.client()

    def took(host, *headers):
        return client.get("/", host, headers=list(headers)).get("x-backend")

    for host, headers, want in (
            ("value.test", [], "main"), ("value.test", ["X-Canary: v1"], "value"), ("value.test", ["x-canary: v2"], "main"),
            ("value.test", ["X-Canary: V1"], "main"), ("value.test", ["X-Canary: always"], "main"),
            ("value.test", ["X-Canary: v1", "X-Canary: v1"], "main"),
            ("regex.test", ["X-Canary: c7x"], "regex"), ("regex.test", ["X-Canary: C7"], "main"), ("regex.test", ["X-Canary: xb7"], "main"),
            ("word.test", ["X-Canary: always"], "word"), ("word.test", ["X-Canary: never", "Cookie: pick=always"], "main"),
            ("word.test", ["X-Canary: what", "Cookie: pick=always"], "word"), ("word.test", ["Cookie: pick=never"], "main"),
            ("word.test", ["Cookie: a=b; PICK=always"], "word"), ("word.test", [], "main"),
            ("all.test", [], "heavy"), ("gone.test", [], "main"), ("none.test", [], "main"),
            ("several.test", ["X-Canary: always"], "word"), ("several.test", ["Cookie: pick=always"], "cookie"),
            ("several.test", ["X-Canary: never", "Cookie: pick=always"], "cookie")):
        t.equal(took(host, *headers), want, f"{host} {headers}")

    weights = Counter(took("weight.test") for _ in range(600))
    t.check(120 <= weights["heavy"] <= 240, f"300 of 1000, of 600: {weights}")
    several = Counter(took("several.test") for _ in range(600))
    t.check(all(60 <= several[name] <= 190 for name in ("word", "cookie")) and several["main"] >= 280, f"20 % each: {several}")
    left = Counter(took("several.test", "X-Canary: never") for _ in range(300))
    t.equal(left["word"], 0, "who refuses one canary")
    t.check(left["cookie"] and left["main"] > left["cookie"], "gives its share to the main one")

    taken = c.metric("weirlock_canary_requests_total")
    client.get("/logged", "all.test")
    t.equal(c.metric("weirlock_canary_requests_total"), taken + 1)
    # which of them: as workers last told, at most a second ago
    def by_canary():
        found = re.findall(r'weirlock_backend_canary_requests_total\{backend="default/(\w+):80"\} (\d+)', c.admin("/metrics").text)
        return {name: int(n) for name, n in found}
    wait.until(lambda: sum(by_canary().values()) == taken + 1, "the counts of all canaries are all of it")
    t.equal(by_canary()["value"], 1)
    t.contains(c.wait_access("/logged"), "[default-main-80] [default-heavy-80]")

    # I24: sessions of the main Ingress hold at the canary; with legacy a canary has none
    for host, notes in (("held.test", {}), ("loose.test", {"affinity_canary_behavior": "legacy"})):
        service = host.split(".")[0]
        c.expose(f"{service}-canary", backends["sticky"])
        c.expose(f"{service}-main", backends["main"])
        main(host, f"{service}-main", annotations={"affinity": "cookie", "affinity-mode": "persistent"})
        canary(host, f"{service}-canary", canary_weight=50, canary_by_header="X-Canary", **notes)
    c.settle()

    def begin(host, *headers):
        r = client.get("/", host, headers=list(headers))
        return r.get("x-backend"), (r.get("set-cookie") or "").split(";")[0]

    begun = [begin("held.test") for _ in range(40)]
    t.equal({name for name, _ in begun}, {"main", "sticky"}, "the weight decides who has no session")
    for name, cookie in begun:
        t.equal({took("held.test", "Cookie: " + cookie) for _ in range(4)}, {name}, "and then the session does")
        t.equal(begin("held.test", "Cookie: " + cookie)[1], "", "no new cookie")
    name, cookie = begin("held.test", "X-Canary: always")
    t.equal((name, took("held.test", "Cookie: " + cookie)), ("sticky", "sticky"), "also once the header is gone")
    t.equal(took("held.test", "Cookie: " + next(x for n, x in begun if n == "main"), "X-Canary: always"), "main", "I22.2")
    begun = [begin("loose.test") for _ in range(40)]
    t.equal({bool(cookie) for name, cookie in begun if name == "sticky"}, {False}, "legacy: no session begins at the canary")
    t.equal({bool(cookie) for name, cookie in begun if name == "main"}, {True})

    # live: a weight, an end, endpoints that go
    canary("all.test", "heavy", canary_weight=0)
    c.settle()
    t.equal(took("all.test"), "main")
    canary("all.test", "heavy", canary_weight=100)
    c.settle()
    t.equal(took("all.test"), "heavy")
    c.endpoints("heavy")
    c.settle()
    t.equal(took("all.test"), "main", "a canary without endpoints takes nothing")
    c.endpoints("heavy", backends["heavy"]).endpoints("main")
    c.settle()
    t.equal(client.get("/", "all.test").status, 503, "I22.1: without the main one there is no canary")
    c.endpoints("main", backends["main"])
    c.delete(ingress("canary-heavy-all", "all.test", "/", "heavy"))
    c.settle()
    t.equal(took("all.test"), "main")
    t.contains(str(c.problems()), "nobody")
