"""kill -9 of controller and proxy: the proxy alone starts from its sealed last good snapshot, is ready, says stale, catches up."""
import json
import os
import time

from harness import wait
from harness.manifests import secret


def run(t):
    c = t.cluster()
    certificate = t.certificate("a.test")
    c.apply(secret("a", certificate))
    c.route("a.test", t.backend(), tls={"a": ["a.test"]}, annotations={"ssl-redirect": "false"}).start()
    proxy, controller = c.proxies[0], c.controllers[0]
    sealed = os.path.join(proxy.state, "last-good.sealed")
    served = c.inspect("status")[0]["snapshot_id"]
    wait.until(lambda: b"weirlock_last_good_writes_total 1" in c.admin("/metrics").body, "the last good snapshot is written")
    t.equal(os.stat(sealed).st_mode & 0o777, 0o600)
    t.equal(os.listdir(proxy.state), ["last-good.sealed"], "no temporary file")
    with open(sealed, "rb") as f:
        file = f.read()
    t.check(b"a.test" not in file and b"PRIVATE KEY" not in file, "nothing of it can be read")
    controller.kill()
    proxy.kill()

    started = time.monotonic()
    again = c.proxy("proxy-1", controllers=[controller.listen])
    t.say(f"ready from disk {time.monotonic() - started:.2f} s after its start, with sanitizers")
    c.proxies.remove(proxy)
    t.equal(c.get("a.test").status, 200)
    t.equal(c.get("a.test", tls="a.test").status, 200, "with its certificate")
    ready = c.admin("/readyz")
    t.equal(ready.status, 200)
    t.contains(ready.body.decode(), "stale", "from disk", "ago")
    metrics = c.admin("/metrics").body.decode()
    t.contains(metrics, "weirlock_snapshot_stale 1\n", "weirlock_snapshot_from_disk 1\n", "weirlock_last_good_age_seconds ")
    row = json.loads(c.weirctl("status", "-o", "json", of=again, status=1).stdout)[0]
    t.equal((row["state"], row["snapshot_id"], row["is_from_disk"]), ("stale", served, True))
    t.check(row["confirmed_age_ms"] > 0, f"its age: {row}")
    t.contains(c.weirctl("status", of=again, status=1).stdout, "stale")
    again.wait_log("starting from the last good snapshot on disk")

    # the controller comes back with a change: caught up, and the disk follows
    c.route("later.test", t.backend())
    c.controllers.clear()
    c.controller("controller-2", controller.listen)
    c.until_serves("later.test")
    t.equal(c.admin("/readyz").body, b"ok\n")
    t.contains(c.admin("/metrics").body.decode(), "weirlock_snapshot_stale 0\n", "weirlock_snapshot_from_disk 0\n")
    t.equal(c.inspect("status", of=again)[0]["state"], "synced")
    again.wait_log("in step again")
    wait.until(lambda: b"weirlock_last_good_writes_total 1" in c.admin("/metrics").body, "the new one is written")
    c.controllers[0].kill()
    again.kill()
    c.proxy("proxy-1", controllers=[controller.listen])
    c.proxies.remove(again)
    t.equal(c.get("later.test").status, 200, "the newer one is what is on disk")
