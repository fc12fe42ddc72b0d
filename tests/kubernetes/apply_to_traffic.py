"""An Ingress applied with kubectl is served by two proxies; changed, it changes; deleted, it is gone. Classes decide whose it is."""
import json

from harness import manifests

SECONDS = 240


def run(t):
    c = t.kube_cluster()
    a, b = c.backend("a"), c.backend("b")
    c.expose("a", a).expose("b", b).start(proxies=2)
    web = manifests.ingress("web", "a.test", "/", "a")
    del web["metadata"]["uid"], web["metadata"]["creationTimestamp"]
    c.api.kubectl("apply", "-f", "-", stdin=json.dumps(web))
    t.equal(c.until_serves("a.test").get("x-backend"), "a")
    t.equal(c.controllers[0].ready.get("control"), c.controllers[0].listen)

    c.apply(manifests.ingress("web", "a.test", "/", "b"))
    c.until_serves("a.test", want=lambda r: r.get("x-backend") == "b")
    c.endpoints("b", a)
    c.until_serves("a.test", want=lambda r: r.get("x-backend") == "a")
    c.endpoints("b", b)

    # the class: by name, by annotation, none, another's
    c.apply(manifests.ingress_class("other", "example.com/other"))
    for name, class_name, annotation, served in (("named", "nginx", None, True), ("others", "other", None, False),
                                                  ("noted", None, "nginx", True), ("unclassed", None, None, False)):
        made = manifests.ingress(name, f"{name}.test", "/", "a", class_name=class_name)
        if annotation:
            made["metadata"]["annotations"] = {"kubernetes.io/ingress.class": annotation}
        c.apply(made)
        c.settle()
        c.until_serves(f"{name}.test", want=200 if served else 404)

    # a class that comes after its Ingress
    c.apply(manifests.ingress("early", "early.test", "/", "a", class_name="late"))
    c.settle()
    t.equal(c.get("early.test").status, 404)
    c.apply(manifests.ingress_class("late"))
    c.until_serves("early.test")

    c.api.kubectl("delete", "ingress", "web")
    c.until_serves("a.test", want=404)
    problems = c.api.kubectl("get", "ingress", "-A", "-o", "name").split()
    t.check("ingress.networking.k8s.io/early" in problems, problems)
