"""Rights that are missing at the start are named and waited for; taken away later, what is known keeps serving; given back, all
that happened meanwhile is caught up."""
from harness import manifests, wait
from harness.kubernetes import READS

SECONDS = 300


def run(t):
    without = [r for r in READS if "endpointslices" not in r["resources"]]
    c = t.kube_cluster(rules=without)
    a, b = c.backend("a"), c.backend("b")
    c.route("a.test", a)
    controller = c.controller(wait_ready=False, options=["--admin", f"127.0.0.1:{wait.free_port()}"])
    controller.wait_log(r"endpointslices\.discovery\.k8s\.io: .*forbidden \(403\).*a ClusterRole with apiGroups \[\"discovery\.k8s\.io\"\], "
                        r"resources \[\"endpointslices\"\]")
    port = next(o for o in reversed(controller.argv) if o.startswith("127.0.0.1:"))
    controller.ready = {"admin": port}
    answer = c.admin("/readyz", controller)
    t.equal(answer.status, 503)
    t.contains(answer.text, "waiting for the API server: endpointslices.discovery.k8s.io, it is forbidden (403)")
    t.equal(c.admin("/healthz", controller).status, 200)
    c.grant(READS)
    controller.wait_ready(60)
    c.proxy()
    c.until_serves("a.test")

    # a watch that stands outlives the right to it; a restart of the API server ends it
    c.grant(without)
    c.api.restart()
    controller.wait_log(r"problem: Kubernetes API: endpointslices\.discovery\.k8s\.io: .*what is known keeps serving", seconds=60)
    c.endpoints("a", b)
    c.apply(manifests.ingress("new", "new.test", "/", "a"))
    c.until_serves("new.test", seconds=60)
    t.equal(c.get("a.test").get("x-backend"), "a")
    c.grant(READS)
    c.until_serves("a.test", want=lambda r: r.get("x-backend") == "b", seconds=90)
    controller.wait_log(r"problem gone: Kubernetes API: endpointslices")
    # an API server that has just started may forbid for a moment what it allows: those watches are tried again too
    wait.until(lambda: c.problems() == [], "no problem is left", 60)
