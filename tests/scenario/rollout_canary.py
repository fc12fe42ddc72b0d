"""--rollout canary: a change goes to one proxy first. It dies: nobody else gets it, and it is quarantined and said so, until an operator
lets it go or the object changes. It answers 5xx with it: the same. It is well: all get it. Endpoints go to all at once."""
import re

from harness import wait
from harness.manifests import ingress

OPTIONS = ["--rollout", "canary", "--rollout-hold", "2"]


def _broken(connection):
    while connection.request():
        connection.reply(500)


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend("a"))
    controller = c.controller(options=OPTIONS)
    for p in [c.proxy(wait_ready=False) for _ in range(3)]:
        p.wait_ready()
    c.until_serves("a.test")
    wait.until(lambda: [r["state"] for r in c.proxy_rows()] == ["synced"] * 3, "all in step")

    def canaries():
        return re.findall(r"canary id=(\S+) pool=default proxy=(\S+)", controller.err())

    def next_canary(seen):
        name = wait.until(lambda: canaries()[seen:], "a canary is chosen")[0][1]
        return next(i for i, p in enumerate(c.proxies) if p.name == name)

    def statuses(host):
        return [c.get(host, proxy=i).status for i in range(3)]

    # well
    seen = len(canaries())
    c.route("good.test", t.backend("good"))
    first = next_canary(seen)
    wait.until(lambda: c.get("good.test", proxy=first).status == 200, "the canary serves it")
    c.weirctl("wait", "--acked", "ingress/default/good", "--proxies", "all", "--timeout", "30s", seconds=40)
    t.equal(statuses("good.test"), [200] * 3)
    t.contains(controller.err(), "canary is well, all get it")
    c.weirctl("problems")

    # endpoints wait for nobody
    c.expose("good", t.backend("other"))
    c.until_serves("good.test", want=lambda r: "other" in r.text)
    t.equal(len(canaries()), seen + 1)

    # it dies of it
    seen = len(canaries())
    c.route("deadly.test", t.backend("deadly"))
    first = next_canary(seen)
    dead = c.proxies[first]
    wait.until(lambda: c.get("deadly.test", proxy=first).status == 200, "the canary serves it")
    t.check("canary of" in str(c.proxy_rows()), "status shows it")
    dead.kill()
    c.proxies.remove(dead)
    c.proxies.insert(first, c.proxy(dead.name))
    c.proxies.pop()
    controller.wait_log("canary is not well, it is taken back.*was restarted with it")
    c.settle()  # another change goes on
    t.equal(statuses("deadly.test"), [404] * 3)
    said = c.weirctl("problems", status=1).stdout
    t.contains(said, "Ingress default/deadly", "was restarted with it", "weirctl rollout release 'Ingress default/deadly'")
    t.contains(c.weirctl("wait", "--acked", "ingress/default/deadly", status=1).stderr, "was restarted with it")
    t.contains(c.admin("/metrics", controller).text, 'weirlock_controller_rollouts_total{result="taken_back",pool="default"} 1\n')

    # a controller that starts again keeps it from all, and says so
    controller = c.restart(controller, OPTIONS)
    controller.wait_log("what was quarantined before this controller started still is")
    c.settle()
    t.equal(statuses("deadly.test") + statuses("good.test"), [404] * 3 + [200] * 3)
    t.contains(c.weirctl("problems", status=1).stdout, "Ingress default/deadly", "was restarted with it")

    # let go: tried again, and this time nobody dies
    c.weirctl("rollout", "release", "ingress/default/deadly")
    c.until_serves("deadly.test", seconds=30)
    c.weirctl("problems")
    c.weirctl("rollout", "release", status=5)

    # it answers 5xx
    seen = len(canaries())
    c.route("broken.test", t.backend("broken", _broken))
    first = next_canary(seen)
    wait.until(lambda: c.get("broken.test", proxy=first).status == 500, "the canary serves it")
    t.equal([c.get("broken.test", proxy=first).status for _ in range(20)], [500] * 20)
    controller.wait_log("canary is not well, it is taken back.*answered 5xx to")
    wait.until(lambda: statuses("broken.test") == [404] * 3, "taken back everywhere")
    t.contains(c.weirctl("problems", status=1).stdout, "Ingress default/broken")
    c.apply(ingress("broken", "broken.test", "/", "good"))  # changed: tried again by itself
    c.until_serves("broken.test", seconds=30)
    c.weirctl("problems")
