"""Wrong certificates on the control port: another CA, another role, none. Refused with a reason, nothing else harmed
(DESIGN: the control channel)."""
import os

from harness import scenario, wait


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend()).start()
    foreign = os.path.join(t.directory, "foreign")
    scenario.make_identity(foreign)
    strangers = {"foreign": os.path.join(foreign, "proxy"), "operator": t.identity("operator")}
    for name, identity in strangers.items():
        p = c.proxy("stranger-" + name, identity=identity, wait_ready=False)
        c.proxies.remove(p)
        wait.until(lambda: any(word in p.err().lower() for word in ("certificate", "identity", "refused", "denied", "permission")),
                   f"{name}: the stranger says why\n{p.err()}")
        t.check("ready " not in p.out(), f"{name} must not be served")
        p.stop()
    wait.until(lambda: any(w in c.controllers[0].err().lower() for w in ("certificate", "identity", "refused", "denied")),
               "the controller logs it")
    # weirctl with a foreign identity cannot look in, nor without TLS
    c.weirctl("status", "--identity", os.path.join(foreign, "operator"), status=4)
    c.weirctl("status", "--insecure", status=None)
    c.route("b.test", t.backend())
    c.until_serves("b.test")
    t.equal([row["name"] for row in c.proxy_rows()], ["proxy-1"])
