"""A hundred thousand frames that no proxy would send, from strangers and from one with a good certificate, while proxies watch: none of
them loses its session, and each change gets to all (CHANNEL 5: robustness; the benchmark sends ten times as many and measures)."""
from harness import crowd

N, SESSIONS = 100000, 40


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend()).start()
    controller = c.controllers[0]
    proxies = t.own(crowd.Crowd(t.programs, t.identity("proxy"), [controller.listen], t.directory))
    proxies.open(SESSIONS)
    said = crowd.garbage(t.programs, t.identity("proxy"), controller.listen, N)
    t.check(said["sent"] >= N and said["inside"] > N // 50, f"most were read: {said}")
    t.check(c.inspect("status"), "weirctl gets its answer")
    proxies.status()  # what happened before is passed over
    c.route("b.test", t.backend())
    c.until_serves("b.test")
    t.equal(proxies.next("applied")["n"], SESSIONS)
    after = proxies.status()
    t.equal((after["lost"], after["failed"]), (0, 0))
    t.check(controller.is_running, "the controller lives")
