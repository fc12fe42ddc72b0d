"""The API server is killed and comes back, etcd too, its history is gone: traffic never notices, what was deleted meanwhile is
deleted, and no snapshot is published in between that lacks anything."""
import re
import signal

from harness import manifests, wait

SECONDS = 300


def metric(c, name):
    return int(re.search(rf"^weirlock_controller_{name} (\d+)", c.admin("/metrics", c.controllers[0]).text, re.M).group(1))


def run(t):
    c = t.kube_cluster()
    c.expose("web", c.backend("a"))
    for n in range(5):
        c.apply(manifests.ingress(f"i{n}", f"i{n}.test", "/", "web"))
    c.start()
    c.until_serves("i0.test")

    # killed: streams are cut in the middle, nobody answers for a while
    c.api.server.kill()
    c.controllers[0].wait_log(r"Kubernetes API: ingresses.*there is no whole answer", seconds=60)
    t.equal(c.get("i1.test").status, 200)
    t.equal(c.admin("/readyz", c.controllers[0]).status, 200)
    c.api.start()
    c.apply(manifests.ingress("after", "after.test", "/", "web"))
    c.until_serves("after.test", seconds=60)
    wait.until(lambda: c.problems() == [], "the problems are gone", 30)

    # the version that the controller would go on from is forgotten: 410, a list, and the deletes that nobody told
    lists = metric(c, "api_lists_total")
    c.controllers[0].signal(signal.SIGSTOP)
    c.api.restart()
    c.delete(manifests.ingress("i0", "i0.test", "/", "web"))
    c.delete(manifests.ingress("i1", "i1.test", "/", "web"))
    c.apply(manifests.ingress("new", "new.test", "/", "web"))
    c.api.compact()
    c.api.restart()
    c.controllers[0].signal(signal.SIGCONT)
    c.until_serves("new.test", seconds=60)
    c.until_serves("i0.test", want=404)
    c.until_serves("i1.test", want=404)
    t.equal(c.get("i2.test").status, 200)
    wait.until(lambda: metric(c, "api_lists_total") > lists, "it was found by a list")

    # etcd goes and comes
    c.api.etcd.kill()
    c.api.start_etcd()
    wait.until(lambda: c.api._is_ready(), "etcd is back", 60, 0.2)
    c.apply(manifests.ingress("i0", "i0.test", "/", "web"))
    c.until_serves("i0.test", seconds=90)

    # i2 was there all the time: no snapshot lacked it
    t.equal(c.get("i2.test").status, 200)
    removed = re.findall(r"publish: snapshot .*", c.controllers[0].err())
    t.check(removed, "snapshots are logged")
