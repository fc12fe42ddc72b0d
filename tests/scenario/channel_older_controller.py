"""A controller with older files is first in line when the newer one is gone: the proxies are not taken back, all places say so, and once it
has caught up they follow (CHANNEL: 4.4, acceptance 3), and what is on a proxy's disk knows it too. A rollback, old on purpose, does reach them."""
import os
import shutil

from harness import wait
from harness.candidates import name_for
from harness.manifests import ingress


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend())
    newer = c.controller("newer")
    older = os.path.join(c.directory, "older")
    shutil.copytree(c.manifests, older)
    c.source_options = lambda: ["--manifests", older]
    behind = c.controller("behind")
    p = c.proxy(name_for("p", newer.listen, behind.listen))
    c.until_serves("a.test")
    c.apply(ingress("a", "a.test", ["/new", "/"], "a"))
    c.route("b.test", t.backend())
    c.until_serves("b.test")

    before = c.inspect("status", of=p, status=None)[0]["snapshot_id"]
    c.controllers.remove(newer)
    newer.kill()
    row = wait.until(lambda: next((r for r in c.inspect("status", of=behind, status=None)
                                   if r["role"] == "proxy" and "manifests up to" in r.get("why", "")), None), "it says that it is behind")
    t.equal(row["snapshot_id"], before)
    t.contains(str(c.problems()), "a proxy never goes back to an older state", "touch one")
    t.equal(c.get("b.test").status, 200)
    t.contains(c.admin("/metrics", behind).text, "weirlock_controller_held_proxies 1\n")

    # what is on its disk knows as much: started again while nobody answers, it is not taken back either
    behind.kill()
    p.stop()
    for gone, among in ((behind, c.controllers), (p, c.proxies)):
        among.remove(gone)
    c.proxy(p.name, controllers=[behind.listen]).wait_log("starting from the last good snapshot on disk")
    behind = c.controller("behind-again", behind.listen)
    row = wait.until(lambda: next((r for r in c.inspect("status", of=behind, status=None)
                                   if r["role"] == "proxy" and "manifests up to" in r.get("why", "")), None), "it says so again")
    t.equal((row["snapshot_id"], c.get("b.test").status), (before, 200))

    c.apply(ingress("c", "c.test", "/", "a"))
    shutil.copytree(c.manifests, older, dirs_exist_ok=True)
    c.until_serves("c.test")
    t.contains(c.admin("/metrics", behind).text, "weirlock_controller_held_proxies 0\n")

    first = c.inspect("snapshot", "list", of=behind)[-1]["id"]
    c.weirctl("snapshot", "rollback", first, of=behind)
    c.until_serves("b.test", want=404)
    c.weirctl("snapshot", "unpin", of=behind)
    c.until_serves("b.test")
