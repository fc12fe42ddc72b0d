"""Served are the namespaces that are named, with rights in them alone; or those with a label, which come and go (N9)."""
from harness import manifests, wait
from harness.kubernetes import READS

SECONDS = 300
CLASS = "kubernetes.io/ingress.class"


def ingress(name, namespace, **rest):
    """Without rights to classes, the annotation says whose it is (N8)."""
    made = manifests.ingress(name, f"{name}.test", "/", "web", namespace=namespace, class_name=None, **rest)
    made["metadata"].setdefault("annotations", {})[CLASS] = "nginx"
    return made


def run(t):
    c = t.kube_cluster(rules=[])
    in_namespace = [dict(r, resources=[x for x in r["resources"] if x != "ingressclasses"]) for r in READS]
    for namespace in ("one", "two", "three"):
        c.api.namespace(namespace)
        c.expose("web", c.backend(namespace), namespace=namespace)
        c.apply(ingress(namespace, namespace))
        if namespace != "three":
            c.grant(in_namespace, namespace)
    c.api.namespace("ingress")
    c.grant([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list", "watch"]}], "ingress")
    first = c.controller(options=["--watch-namespace", "one", "--watch-namespace", "two"])
    first.wait_log(r"ingressclasses\.networking\.k8s\.io: .*403.*the controller goes on without")
    c.proxy()
    t.equal(c.until_serves("one.test").get("x-backend"), "one")
    t.equal(c.until_serves("two.test").get("x-backend"), "two")
    t.equal(c.get("three.test").status, 404)

    # one namespace that is forbidden does not hold up the others
    first.stop()
    c.controllers.remove(first)
    second = c.controller(listen=first.listen, options=["--watch-namespace", "one", "--watch-namespace", "three"])
    second.wait_log(r"ingresses\.networking\.k8s\.io in namespace three: .*a Role in namespace three")
    c.until_serves("two.test", want=404)
    t.equal(c.get("one.test").status, 200)
    c.grant(in_namespace, "three")
    c.until_serves("three.test", seconds=90)
    second.stop()
    c.controllers.remove(second)

    # by a label
    c.grant([{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list", "watch"]}])
    c.api.namespace("two", served="yes")
    c.controller(listen=first.listen, options=["--watch-namespace-selector", "served=yes"])
    c.until_serves("one.test", want=404)
    c.until_serves("two.test")
    c.api.namespace("one", served="yes")
    c.until_serves("one.test")
    c.api.namespace("two")
    c.until_serves("two.test", want=404)
    t.equal(c.get("one.test").status, 200)
