"""--rollout canary with two controllers: both try a change on the same proxy of the pool, whichever of them it watches. It is well: all get it. It dies of
it: neither gives it to the others."""
import re

from harness import wait

OPTIONS = ["--rollout", "canary", "--rollout-hold", "2"]
N = 4


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend("a"))
    both = [c.controller(options=OPTIONS) for _ in range(2)]
    for p in [c.proxy(wait_ready=False) for _ in range(N)]:
        p.wait_ready()
    c.until_serves("a.test")
    for controller in both:
        wait.until(lambda: sum(r["state"] in ("synced", "standby") for r in c.inspect("status", of=controller, status=None)
                               if r["role"] == "proxy") == N, "both know all")

    def tried():
        return [re.findall(r"canary id=(\S+) pool=default proxy=(\S+)", k.err()) for k in both]

    # well
    seen = [len(x) for x in tried()]
    c.route("good.test", t.backend("good"))
    c.until_serves("good.test", seconds=30)
    t.say(f"canaries: {[x[n:] for x, n in zip(tried(), seen)]}")
    names = {name for x, n in zip(tried(), seen) for _, name in x[n:]}
    t.equal(len(names), 1, "both tried it on the same proxy")
    for controller in both:  # each comes to its verdict by itself
        controller.wait_log("canary is well, all get it")

    # it dies of it
    seen = [len(x) for x in tried()]
    c.route("deadly.test", t.backend("deadly"))
    chosen = wait.until(lambda: all(x[n:] for x, n in zip(tried(), seen)) and {x[n][1] for x, n in zip(tried(), seen)}, "both choose a canary")
    t.equal(len(chosen), 1, "the same one again")
    name = chosen.pop()
    first = next(i for i, p in enumerate(c.proxies) if p.name == name)
    wait.until(lambda: c.get("deadly.test", proxy=first).status == 200, "the canary serves it")
    dead = c.proxies[first]
    dead.kill()
    c.proxies.remove(dead)
    c.proxies.insert(first, c.proxy(dead.name))
    c.proxies.pop()
    for controller in both:
        controller.wait_log("canary is not well, it is taken back")
    # the one that was started again may have been given it once more, before it was known to be a new one
    wait.until(lambda: [c.get("deadly.test", proxy=i).status for i in range(N)] == [404] * N, "taken back everywhere")
    c.settle()
    t.equal([c.get("deadly.test", proxy=i).status for i in range(N)], [404] * N)
    t.equal([c.get("good.test", proxy=i).status for i in range(N)], [200] * N)
