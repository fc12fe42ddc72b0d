"""`weirctl explain request --draw N`: endpoints, scores and the choice, by the proxy's own code: sessions and hashes as a proxy has
them, weights of canaries by the throw, and with --proxy what its workers know (SEMANTICS I1 to I22)."""
from collections import Counter

from harness import wait
from harness.manifests import ingress

OWN = "weirlock.io/"


def slow(connection):
    while request := connection.request():
        wait.pause(0.25)
        connection.echo(request)


def run(t):
    c = t.cluster()
    backends = [t.backend(f"b{i}") for i in range(4)]
    names = {f"127.0.0.1:{b.address[1]}": b.name for b in backends}
    c.route("hash.test", *backends, annotations={"upstream-hash-by": "$arg_k-$http_x_user"})
    c.route("stick.test", *backends, annotations={"affinity": "cookie", "affinity-mode": "persistent"})
    c.route("two.test", *backends, annotations={OWN + "load-balance": "random_two"})
    c.route("turn.test", *backends)
    snail = t.backend("snail", slow)
    c.route("ewma.test", snail, backends[0], annotations={"load-balance": "ewma"})
    c.expose("other", backends[3])
    c.apply(ingress("canary", "turn.test", "/", "other", annotations={"canary": "true", "canary-weight": "30"}))
    c.start(workers=1)
    proxy = c.proxies[0]

    def explain(url, *words, of=None):
        return c.inspect("explain", "request", url, *words, of=of)

    for k in range(12):
        said = explain(f"http://hash.test/?k={k}", "-H", "X-User: ann")["choice"]
        t.equal((said["algorithm"], said["key"]), ("chash", f"{k}-ann"))
        t.equal(names[said["chosen"]], c.get("hash.test", f"/?k={k}", headers=["X-User: ann"]).get("x-backend"), f"key {k}")
    r = c.get("stick.test")
    said = explain("http://stick.test/", "-H", "Cookie: " + r.get("set-cookie").split(";")[0])["choice"]
    t.equal((said["algorithm"], names[said["chosen"]]), ("session", r.get("x-backend")))

    # the same throw, the same answer; many throws are spread
    t.equal(explain("http://two.test/", "--draw", 5)["choice"], explain("http://two.test/", "--draw", 5)["choice"])
    thrown = [explain("http://two.test/", "--draw", n)["choice"] for n in range(24)]
    t.equal(len({x["chosen"] for x in thrown}), 4)
    for x in thrown:
        drawn = [e["address"] for e in x["endpoints"] if e["drawn"]]
        t.check(len(drawn) == 2 and x["chosen"] in drawn, f"one of two that were drawn: {x}")
    took = Counter(explain("http://turn.test/", "--draw", n)["backend"]["name"] for n in range(60))
    t.equal(set(took), {"default/turn:80", "default/other:80"})
    t.check(6 <= took["default/other:80"] <= 32, f"30 of 100: {took}")
    t.equal(explain("http://turn.test/")["backend"]["name"], "default/turn:80", "without a throw weights count for nothing")

    # what the proxy's workers know
    for _ in range(8):
        c.get("ewma.test")
    snail_at = f"127.0.0.1:{snail.address[1]}"

    def scores():
        return {e["address"]: e["score"] for e in explain("http://ewma.test/", "--draw", 1, of=proxy)["choice"]["endpoints"]}
    wait.until(lambda: scores()[snail_at] > 2 * min(scores().values()), "the slow one has the higher score")
    for n in range(8):
        t.check(explain("http://ewma.test/", "--draw", n, of=proxy)["choice"]["chosen"] != snail_at, "and is not chosen")
    text = c.weirctl("explain", "request", "http://ewma.test/", "--draw", 1, of=proxy).stdout
    t.contains(text, "Endpoints, as the algorithm sees them", "drawn, not chosen", "the lower score of two drawn")
    c.weirctl("explain", "request", "http://ewma.test/", "--draw", "x", status=2)

    # settings by the names that people write
    c.apply(ingress("ewma", "ewma.test", "/", "ewma", annotations={
        "load-balance": "ewma", OWN + "eject-after-failures": 3, OWN + "eject-time": "2s", OWN + "slow-start": "1s",
        OWN + "retry-budget": 20, OWN + "max-connections": 9, OWN + "health-check-path": "/h", "affinity": "cookie"}))
    c.settle()
    text = c.weirctl("explain", "request", "http://ewma.test/", "-o", "wide").stdout
    t.contains(text, "weirlock.io/eject-after-failures", "weirlock.io/eject-time", "weirlock.io/slow-start", "weirlock.io/retry-budget",
               "weirlock.io/max-connections", "weirlock.io/health-check-path")
    for name in ("sets-session-cookie", "hash-subset-size", "eject-ms", "\neject "):
        t.check(name not in text, f"an internal name: {name}")
