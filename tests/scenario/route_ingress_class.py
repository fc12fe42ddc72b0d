"""Only Ingresses of our class count: by ingressClassName and its controller, or by the old annotation (SEMANTICS N8)."""
from harness.manifests import ingress, ingress_class


def run(t):
    c = t.cluster()
    c.apply(ingress_class("other", "example.com/other"), ingress_class("ours", "k8s.io/ingress-nginx")).expose("web", t.backend())
    cases = {"nginx": ("nginx", None), "ours": ("ours", None), "other": ("other", None), "missing": ("missing", None),
             "none": (None, None), "legacy": (None, "nginx"), "empty": (None, ""), "foreign": (None, "traefik"),
             "both": ("other", "nginx")}
    for name, (class_name, annotation) in cases.items():
        o = ingress(name, name + ".test", "/", "web", class_name=class_name)
        if annotation is not None:
            o["metadata"]["annotations"] = {"kubernetes.io/ingress.class": annotation}
        c.apply(o)
    c.start()
    served = sorted(name for name in cases if c.get(name + ".test").status == 200)
    t.equal(served, ["legacy", "nginx", "ours"])
