"""The leader writes the status of its Ingresses (N5): from a Service, from a list, from the Nodes of the proxies, by pool; patched only where it
differs, cleared on shutdown as N5 says, never with --update-status=false; without the right, the rule is named and all is served."""
import re

from harness import manifests, wait
from harness.kubernetes import NODES, WRITES

SECONDS = 500
FIRST = "first.example.com"


def status_of(c, name="web"):
    said = c.api.kubectl("get", "ingress", name, "-n", "default", "-o", "jsonpath={range .status.loadBalancer.ingress[*]}{.ip}{.hostname} {end}")
    return said.split()


def until_status(c, want, what, name="web", seconds=60):
    wait.until(lambda: status_of(c, name) == want, f"{what}: {want}", seconds, 0.2)


def patch_status(c, kind, name, namespace, status):
    c.api.request("PATCH", c.api.path(kind, namespace, name) + "/status", {"status": status}, "application/merge-patch+json")


def pod(name, labels, node=None):
    spec = {"containers": [{"name": "c", "image": "none"}], "terminationGracePeriodSeconds": 0}
    if node:
        spec["nodeName"] = node
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "weirlock", "labels": labels}, "spec": spec}


def metric(c, controller, name):
    return int(re.search(rf"^weirlock_controller_{name} (\d+)", c.admin("/metrics", controller).text, re.M).group(1))


def service(c):
    """--publish-service: written, changed, taken back; what is right is not written again; others' Ingresses are not touched."""
    c.api.namespace("lb")
    balancer = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "proxies", "namespace": "lb"},
                "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], "externalIPs": ["203.0.113.7"]}}
    controller = c.controller("one", options=["--publish-service", "lb/proxies"])
    controller.wait_log(r"problem: --publish-service: 'lb/proxies' is not the NAMESPACE/NAME of a Service that is there")
    c.api.apply(balancer)
    until_status(c, ["203.0.113.7"], "its externalIPs")
    controller.wait_log(r"problem gone: --publish-service")
    patch_status(c, "Service", "proxies", "lb", {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}, {"hostname": "lb.example.com"}]}})
    until_status(c, ["lb.example.com", "203.0.113.7", "203.0.113.9"], "its balancer's too")
    c.apply(manifests.ingress("new", "new.test", "/", "web"))
    until_status(c, ["lb.example.com", "203.0.113.7", "203.0.113.9"], "an Ingress that is new", "new")
    n = metric(c, controller, "status_writes_total")
    patch_status(c, "Ingress", "web", "default", {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}]}})
    until_status(c, ["lb.example.com", "203.0.113.7", "203.0.113.9"], "what somebody else has written")
    if metric(c, controller, "status_writes_total") != n + 1:
        raise AssertionError("it was written more than once")
    if status_of(c, "theirs"):
        raise AssertionError("an Ingress of another class was written to")
    c.api.delete(balancer)
    controller.wait_log(r"problem: --publish-service: .*the status of Ingresses is left as it is")
    controller.stop()
    if len(status_of(c)) != 3:
        raise AssertionError("three addresses are cleared")


def pools(t, c):
    """Each Ingress says the addresses of its pools; what is not there is told, and holds up its own Ingresses alone."""
    c.apply(manifests.ingress_class("public"), manifests.ingress("edge", "edge.test", "/", "web", class_name="public"))
    p = c.controller("pools", options=["--pool", "edge=class:public", "--pool", "default=class:nginx", "--publish-status-address", FIRST,
                                       "--publish-service", "edge=lb/edge"])
    until_status(c, [FIRST], "the first pool")
    p.wait_log(r"problem: --publish-service: 'lb/edge' is not the NAMESPACE/NAME of a Service that is there")
    t.equal(status_of(c, "edge"), [], "nothing is known of its pool")
    c.api.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "edge", "namespace": "lb"},
                 "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], "externalIPs": ["203.0.113.8"]}})
    until_status(c, ["203.0.113.8"], "the other pool", "edge")
    t.equal(status_of(c), [FIRST])
    p.stop()
    t.equal((status_of(c), status_of(c, "edge")), ([], []), "cleared at the end")


def run(t):
    c = t.kube_cluster()
    c.route("web.test", c.backend())
    c.apply(manifests.ingress_class("other", "example.com/other"))
    c.apply(manifests.ingress("theirs", "theirs.test", "/", "web", class_name="other"))
    service(c)
    pools(t, c)

    # a list; at the end one address is cleared, two are not
    a = c.controller("a", options=["--publish-status-address", FIRST])
    until_status(c, [FIRST], "a list")
    t.equal(a.stop(), 0)
    t.equal(status_of(c), [], "cleared at the end")
    a = c.controller("b", options=["--publish-status-address", FIRST, "--update-status-on-shutdown=false"])
    until_status(c, [FIRST], "a list")
    a.stop()
    t.equal(status_of(c), [FIRST], "not cleared")

    # nor while another controller's pod runs
    for name in ("c-1", "c-2"):
        c.api.apply(pod(name, {"app": "controller", "pod-template-hash": name}))
    one = c.controller("c", options=["--publish-status-address", FIRST], env={"POD_NAME": "c-1"})
    one.wait_log("this controller leads ")
    t.equal(one.stop(), 0)
    t.equal(status_of(c), [FIRST], "another one runs")
    c.api.delete(pod("c-1", {}))
    two = c.controller("d", options=["--publish-status-address", FIRST], env={"POD_NAME": "c-2"})
    two.wait_log("this controller leads ")
    t.equal(two.stop(), 0)
    t.equal(status_of(c), [], "the last one")

    # the Nodes of proxies that are ready
    for node, addresses in (("n1", [("InternalIP", "10.0.0.1"), ("ExternalIP", "203.0.113.1")]), ("n2", [("InternalIP", "10.0.0.2")]),
                            ("n3", [("InternalIP", "10.0.0.3")])):
        c.api.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}})
        patch_status(c, "Node", node, None, {"addresses": [{"type": kind, "address": ip} for kind, ip in addresses]})
        c.api.apply(pod("p-" + node, {"app.kubernetes.io/name": "weirlock", "app.kubernetes.io/component": "proxy"}, node))
        if node != "n3":
            patch_status(c, "Pod", "p-" + node, "weirlock", {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})
    nodes = c.controller("e")
    until_status(c, ["10.0.0.2", "203.0.113.1"], "the Nodes")
    nodes.stop()

    # never: somebody else's stays
    patch_status(c, "Ingress", "web", "default", {"loadBalancer": {"ingress": [{"ip": "198.51.100.1"}]}})
    never = c.controller("f", options=["--publish-status-address", FIRST, "--update-status=false"])
    never.wait_log("this controller leads ")
    c.apply(manifests.ingress("later", "later.test", "/", "web"))
    proxy = c.proxy(controllers=[never.listen])
    c.until_serves("later.test")
    t.equal((status_of(c), status_of(c, "later")), (["198.51.100.1"], []))
    t.check("weirlock_controller_status_" not in c.admin("/metrics", never).text, "nothing is counted")
    never.stop()

    # without the right: said, served, and written when it is granted
    c.grant([r for r in WRITES if "ingresses/status" not in r["resources"]] + NODES, name="weirlock-writes")
    c.controllers.clear()
    last = c.controller("g", listen=never.listen, options=["--publish-status-address", FIRST])
    last.wait_log(r"problem: Kubernetes API: ingresses/status\.networking\.k8s\.io: .*forbidden \(403\).*it needs a ClusterRole with apiGroups "
                  r"\[\"networking\.k8s\.io\"\], resources \[\"ingresses/status\"\], verbs \[\"patch\"\]")
    c.apply(manifests.ingress("more", "more.test", "/", "web"))
    c.until_serves("more.test")
    t.check(proxy.is_running, "the proxy runs")
    c.grant(WRITES, name="weirlock-writes")
    until_status(c, [FIRST], "granted", "more", seconds=90)
    until_status(c, [FIRST], "granted")
    last.wait_log("problem gone: Kubernetes API: ingresses/status", seconds=60)
    t.equal(c.problems(), [])
