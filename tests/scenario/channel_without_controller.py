"""A proxy keeps serving without its controller, says that it is stale, and catches up when there is one (DESIGN: channel)."""
from harness import wait


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend()).start()
    controller = c.controllers[0]
    controller.kill()
    with c.client() as client:
        for _ in range(20):
            t.equal(client.get().status, 200)
    t.equal(c.admin("/readyz").status, 200, "still ready")
    t.equal(c.admin("/healthz").status, 200, "still healthy")
    c.route("later.test", t.backend())
    c.controllers.clear()
    c.controller("controller-2", controller.listen)
    c.until_serves("later.test")
    status = c.inspect("status")
    wait.until(lambda: "synced" in str(c.inspect("status")).lower(), f"in step again: {status}")
