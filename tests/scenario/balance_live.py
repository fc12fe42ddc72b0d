"""What a proxy knows of its endpoints: active checks, ejection and the trial after it, full ones, slow start, terminating; each in
`weirctl backends` with its reason, and in the metrics (SEMANTICS H8, I30)."""
from collections import Counter

from harness import wait
from harness.manifests import slice_of

OWN = "weirlock.io/"


class Moody:
    """Answers /healthz and everything else as it is told; hangs up when it is down."""

    def __init__(self):
        self.health, self.is_down = 200, False

    def __call__(self, connection):
        while request := connection.request():
            if request.target == "/healthz":
                connection.reply(self.health, "x")
            elif self.is_down:
                return connection.sock.close()
            else:
                connection.echo(request)


def run(t):
    c = t.cluster()
    moods = [Moody() for _ in range(3)]
    checked = [t.backend(f"c{i}", m) for i, m in enumerate(moods)]
    notes = {OWN + "health-check-path": "/healthz", OWN + "health-check-interval": "100ms", OWN + "health-check-failures": 2,
             OWN + "health-check-successes": 2, OWN + "health-check-timeout": "5s"}
    c.route("checked.test", *checked, annotations=notes)
    c.route("bad.test", checked[0], annotations={OWN + "health-check-path": "/x", "backend-protocol": "GRPC"})
    down = Moody()
    c.route("eject.test", t.backend("down", down), t.backend("up"),
            annotations={OWN + "eject-after-failures": 2, OWN + "eject-time": "1s"})
    held = t.backend("held", lambda connection: (connection.request(), connection.wait_closed(60)))
    c.route("full.test", held, annotations={OWN + "max-connections": 1})
    old, new = t.backend("old"), t.backend("new")
    c.route("slow.test", old, annotations={OWN + "slow-start": "10m"})
    c.route("going.test", old)
    c.config(keep_alive_requests=100000).start(workers=1)
    proxy = c.proxies[0]

    def live(name):
        row = next(r for r in c.inspect("backends", of=proxy) if r["name"] == f"default/{name}:80")
        return {e["address"]: e for e in row["live"]}, row

    def state(name, backend):
        endpoints, _ = live(name)
        e = endpoints.get(f"127.0.0.1:{backend.address[1]}")
        return e["state"] if e else "none"

    def until_state(name, backend, part):
        wait.until(lambda: part in state(name, backend), f"{name} {backend.name}: {part}")

    def metric(text):
        wait.until(lambda: text in c.admin("/metrics").text, f"a metric {text}")

    def took(host, n=30):
        return Counter(c.get(host).get("x-backend") for _ in range(n))

    def at(backend):
        return f"127.0.0.1:{backend.address[1]}"

    # active checks
    checked[0].wait(lambda b: any(r.target == "/healthz" for r in b.requests), "it is asked")
    t.equal(checked[0].requests[0].get("user-agent"), "weirlock-health-check")
    t.equal(set(took("checked.test")), {"c0", "c1", "c2"})
    moods[1].health = 503
    until_state("checked", checked[1], "fails its health check: answers 503")
    t.equal(set(took("checked.test")), {"c0", "c2"}, "one that fails gets nothing while others are there")
    metric(f'weirlock_endpoint_state{{backend="default/checked:80",endpoint="{at(checked[1])}",state="failing_check"}} 1')
    t.contains(proxy.err(), "endpoint fails its health check", at(checked[1]), "answers 503")
    t.contains(c.weirctl("backends", of=proxy).stdout, "fails its health check: answers 503")
    moods[0].health = moods[2].health = 500
    for b in (checked[0], checked[2]):
        until_state("checked", b, "answers 500")
    t.equal(set(took("checked.test")), {"c0", "c1", "c2"}, "never all")
    for m in moods:
        m.health = 200
    for b in checked:
        until_state("checked", b, "well")
    t.contains(str(c.problems()), "health-check-path", "backend-protocol HTTP")

    # ejection, the trial after it, and well again
    down_at = c.inspect("backends", of=proxy)
    down_backend = next(b for b in t._owned if getattr(b, "name", "") == "down")
    down.is_down = True
    t.equal(set(took("eject.test")), {"up"}, "retried elsewhere")
    until_state("eject", down_backend, "ejected for")
    metric(f'weirlock_endpoint_state{{backend="default/eject:80",endpoint="{at(down_backend)}",state="ejected"}} 1')
    t.contains(state("eject", down_backend), "by 1 of 1 workers", "failures in a row")
    down.is_down = False
    until_state("eject", down_backend, "on trial")
    wait.until(lambda: took("eject.test")["down"] > 0, "it is asked again")
    until_state("eject", down_backend, "well")
    t.check(down_at, "rows before anybody was ejected")

    # full
    with c.client() as client:
        client.request("/", "full.test")
        held.wait(lambda b: len(b.requests) == 1, "a request is held")
        until_state("full", held, "full at 1 of 1 workers (max-connections 1)")
        t.equal(live("full")[1]["in_flight"], 1)
        t.equal(c.get("full.test").status, 503)
    until_state("full", held, "well")

    # slow start, and terminating
    c.get("slow.test")
    c.get("going.test")
    c.endpoints("slow", old, new)
    until_state("slow", new, "slow start for")
    t.equal(state("slow", old), "well")
    c.apply(slice_of("going", old.address, conditions={"ready": False, "serving": True, "terminating": True}))
    until_state("going", old, "terminating")

    # without checks an endpoint is well again, whatever was known
    moods[1].health = 503
    until_state("checked", checked[1], "answers 503")
    c.route("checked.test", *checked)
    until_state("checked", checked[1], "well")
    t.equal(set(took("checked.test")), {"c0", "c1", "c2"})
    t.equal(c.weirctl("backends", status=None).returncode, 0, "of a controller: without what proxies know")
