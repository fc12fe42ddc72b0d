"""Rollback and pin: proxies get an older snapshot with the endpoints of now, a restart of the controller changes nothing, and all
says so until it is let go (USERS 2.2: snapshot time travel)."""
import json
import os
import shutil

from harness import wait
from harness.manifests import ingress


def _controller(c):
    return next(row for row in c.inspect("status", status=None) if row["role"] == "controller")


def run(t):
    c = t.cluster()
    a, b, other = t.backend("a"), t.backend("b"), t.backend("other")
    c.route("a.test", a, annotations={"proxy-read-timeout": "77"}).expose("other", other).start(proxies=2)
    good = c.inspect("snapshot", "list")[0]["id"]
    c.apply(ingress("a", "a.test", "/", "other")).route("b.test", b).settle()  # the mistake
    c.until_serves("a.test", want=lambda r: r.get("x-backend") == "other")
    bad = c.inspect("snapshot", "list")[0]["id"]
    c.weirctl("snapshot", "verify", good)
    t.contains(c.weirctl("snapshot", "verify").stdout, "good: the id")

    c.weirctl("snapshot", "rollback", good[:12], "--reason", "checkout answers 502")
    c.until_serves("a.test", want=lambda r: r.get("x-backend") == "a")
    c.until_serves("b.test", want=404)
    _is_told(t, c, good, bad)

    # endpoints are those of the cluster: a pod that is gone gets no requests, a new one does
    c.endpoints("a", t.backend("a2"))
    c.until_serves("a.test", want=lambda r: r.get("x-backend") == "a2")
    # other changes wait; who waits for one is told why
    c.route("c.test", b)
    wait.until(lambda: "pinned" in c.weirctl("wait", "--acked", "ingress/default/c", "--timeout", "1s", status=1).stderr, "told")
    c.until_serves("c.test", want=404)

    # the same after a restart, from the first snapshot that proxies get
    again = c.restart(c.controllers[0])
    _is_told(t, c, good, None)
    t.check(any(row["key"].endswith("proxy-read-timeout") and row["object"] == "Ingress default/a"
                for row in c.inspect("snapshot", "blame", "a.test")), "where its values came from outlives the controller, too")
    late = c.proxy("late")
    t.equal((c.get("a.test", proxy=2).get("x-backend"), c.get("c.test", proxy=2).status), ("a2", 404))
    wait.until(lambda: all(r["state"] == "synced" for r in c.proxy_rows()) and len(c.proxy_rows()) == 3, "all in step")
    late.stop()
    ids = [row["id"] for row in c.inspect("snapshot", "list")]
    t.check(good in ids and bad in ids, "the history outlives the controller")
    t.equal(c.weirctl("snapshot", "diff", good, bad, status=1).returncode, 1)

    c.weirctl("snapshot", "unpin")
    c.until_serves("a.test", want=lambda r: r.get("x-backend") == "other")
    c.until_serves("c.test")
    t.equal(_controller(c)["state"], "ready")
    t.equal(c.problems(), [])
    c.weirctl("wait", "--acked", "ingress/default/c")
    c.weirctl("snapshot", "unpin", status=5)
    c.weirctl("snapshot", "rollback", "00000000", status=5)
    _kept_privately(t, c, again)
    _needs_the_role(t, c)


def _is_told(t, c, good, bad):
    row = _controller(c)
    t.equal((row["state"], row["pin"]["id"], row["pin"]["is_rollback"], row["pin"]["not_kept"]), ("pinned", good, True, ""))
    if bad:
        t.equal(row["pin"]["newest_id"], bad)
    t.contains(row["why"], "rolled back to", "spiffe://weirlock/operator", "checkout answers 502", "unpin")
    problem = next(p for p in c.problems() if p["field"] == "pin")
    t.contains(json.dumps(problem), good[:12], "checkout answers 502", "unpin")
    t.equal([s["id"] for s in c.inspect("snapshot", "list") if s.get("pinned")], [good])
    t.contains(c.admin("/metrics", c.controllers[0]).text, 'weirlock_controller_pinned{pool="default"} 1')


def _kept_privately(t, c, controller):
    """What is on disk is sealed; damaged, it is refused, and the controller works without."""
    directory = os.path.join(t.directory, "controller.state")
    path = os.path.join(directory, "history.sealed")
    t.check(not os.path.exists(os.path.join(directory, "pinned.sealed")), "what is let go is not kept")
    with open(path, "rb") as f:
        sealed = f.read()
    t.check(b"a.test" not in sealed and b"PRIVATE" not in sealed, "sealed")
    t.equal(os.stat(path).st_mode & 0o077, 0, "for the owner alone")
    controller.stop()
    c.controllers.remove(controller)
    shutil.copyfile(path, path + ".good")
    with open(path, "r+b") as f:
        f.seek(len(sealed) // 2)
        f.write(bytes([sealed[len(sealed) // 2] ^ 1]))
    with open(os.path.join(directory, "pinned.sealed"), "wb") as f:
        f.write(b"nonsense")
    controller = c.controller("damaged", controller.listen)
    t.contains(controller.err(), "history.sealed", "pinned.sealed", "not used")
    t.equal(len(c.inspect("snapshot", "list")), 1, "it begins anew")
    c.until_serves("c.test")


def _needs_the_role(t, c):
    """A proxy's certificate may not choose what proxies serve, and a proxy cannot be asked."""
    c.weirctl("--identity", t.identity("proxy"), "snapshot", "pin", status=None)
    t.check(_controller(c)["state"] == "ready", "not pinned")
    c.weirctl("snapshot", "pin", of=c.proxies[0], status=2)
