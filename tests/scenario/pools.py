"""Pools: a proxy gets the hosts, certificates and secrets of the pool that its certificate names, by class or by labels of the namespace,
and nothing of others; one of no pool gets nothing and is a problem (CHANNEL 3.4)."""
from harness import wait
from harness.manifests import ingress, ingress_class, namespace, secret

POOLS = ("--pool", "default=class:nginx", "--pool", "edge=class:public", "--pool", "web=namespaces:team in (web)")


def run(t):
    c = t.cluster()
    inner, edge = t.certificate("inner.test"), t.certificate("edge.test")
    c.apply(ingress_class("public"), namespace("default", team="none"))
    c.apply(secret("inner", inner), secret("edge", edge))
    c.route("inner.test", t.backend(), tls={"inner": ["inner.test"]})
    c.route("edge.test", t.backend(), tls={"edge": ["edge.test"]}, class_name="public")
    c.apply(ingress("shared-a", "shared.test", "/inner", "inner"),
            ingress("shared-b", "shared.test", "/edge", "edge", class_name="public"))
    c.controller(options=POOLS)
    c.proxy("inner-1", wait_ready=False)
    c.proxy("edge-1", identity=t.identity("proxy-edge"), wait_ready=False)
    for p in c.proxies:
        p.wait_ready()
    _apart(t, c)
    _wait(t, c)
    _past(t, c)
    _stranger(t, c)
    _labels(t, c)


def _status(c, proxy, host, target="/"):
    return c.get(host, target, proxy).status


def _rows(c, pool, *words):
    return c.inspect(*words, "--pool", pool)


def _apart(t, c):
    """What each serves, and what each holds."""
    t.equal([(_status(c, 0, "shared.test", path), _status(c, 1, "shared.test", path)) for path in ("/inner", "/edge")],
            [(200, 404), (404, 200)], "a host of two pools has the paths of each in each")
    for number, (has, lacks) in enumerate((("inner", "edge"), ("edge", "inner"))):
        of = c.proxies[number]
        shown = str(c.inspect("routes", of=of)) + str(c.inspect("backends", of=of)) + str(c.inspect("snapshot", "show", of=of))
        t.contains(shown, f"{has}.test", f"default/{has}:80")
        t.check(f"{lacks}.test" not in shown and f"default/{lacks}" not in shown, f"{of.name} holds something of {lacks}")
        names = [row["name"] for row in c.inspect("certs", of=of)]
        t.check(f"default/{has}" in names and f"default/{lacks}" not in names, f"certificates of {of.name}: {names}")
    rows = {row["name"]: row for row in c.inspect("status")}
    t.equal((rows["edge"]["role"], rows["edge"]["state"], rows["edge"]["proxies"], rows["edge"]["in_step"], rows["edge"]["what"]),
            ("pool", "ready", 1, 1, "class:public"))
    t.check(rows["edge"]["snapshot_id"] == rows["edge-1"]["snapshot_id"] != rows["inner-1"]["snapshot_id"], "an id a pool")
    t.equal([row["name"] for row in _rows(c, "edge", "status") if row["role"] == "proxy"], ["edge-1"])
    t.contains(c.weirctl("routes", "--pool", "edge").stdout, "edge.test")


def _wait(t, c):
    """A change of one pool is waited for at its proxies alone, and does not reach others."""
    edge = c.proxies[1]
    before = c.inspect("snapshot", "list", "--pool", "edge")
    c.apply(ingress("inner-new", "new.test", "/", "inner"))
    wait.until(lambda: c.weirctl("wait", "--acked", "ingress/default/inner-new", status=None).returncode == 0, "it is acknowledged")
    done = c.inspect("wait", "--acked", "ingress/default/inner-new")[0]
    t.equal((done["serving"], done["connected"]), (1, 1), "the proxies of its pool alone are counted")
    t.equal(c.inspect("snapshot", "list", "--pool", "edge"), before, "nothing has changed in the other pool")
    t.equal(_status(c, 1, "new.test"), 404)
    t.equal(c.inspect("wait", "--acked", "secret/default/edge")[0]["connected"], 1)
    t.equal(c.inspect("wait", "--acked", "service/default/inner")[0]["connected"], 1)
    t.check(edge.is_running, "it goes on")


def _past(t, c):
    """Pin and rollback, of a pool."""
    old = c.inspect("snapshot", "list", "--pool", "default")[1]["id"]
    c.weirctl("snapshot", "rollback", old, "--pool", "edge", status=5)
    shown = c.inspect("snapshot", "rollback", old, "--reason", "test")
    t.equal([row["pool"] for row in shown], ["default"], "the pool that has it, alone")
    wait.until(lambda: _status(c, 0, "new.test") == 404, "the older one is served")
    states = {row["name"]: row["state"] for row in c.inspect("status", status=None) if row["role"] == "pool"}
    t.equal((states["default"], states["edge"]), ("pinned", "ready"))
    t.contains(c.admin("/metrics", c.controllers[0]).text, 'weirlock_controller_pinned{pool="default"} 1',
               'weirlock_controller_pinned{pool="edge"} 0')
    t.check(any("in pool default" in p["effect"] for p in c.problems()), "it is told which pool stands still")
    c.weirctl("snapshot", "unpin", "--pool", "edge", status=5)
    c.weirctl("snapshot", "unpin")
    wait.until(lambda: _status(c, 0, "new.test") == 200, "the newest is served")
    t.contains(c.weirctl("snapshot", "diff", old, status=1).stdout, "new.test")


def _stranger(t, c):
    p = c.proxy("lost", identity=t.identity("proxy-moon"), wait_ready=False)
    wait.until(lambda: any(problem["object"] == "Proxy lost" and problem["value"] == "moon" for problem in c.problems()), "a problem")
    wait.until(lambda: "serves no pool 'moon'" in p.err(), "its log says why")
    t.check(not p.ready, "it serves nothing")
    p.kill()
    c.proxies.remove(p)


def _labels(t, c):
    """By the labels of namespaces, as they change."""
    def hosts():
        return {row["host"] for row in _rows(c, "web", "routes")} - {"_"}

    t.equal(hosts(), set())
    c.apply(namespace("default", team="web"))
    wait.until(lambda: {"inner.test", "edge.test", "shared.test"} <= hosts(), "the namespace's Ingresses, of all classes")
    c.apply(namespace("default", team="none"))
    wait.until(lambda: hosts() == set(), "and none, without the label")
