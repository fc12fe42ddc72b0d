"""The rights that deploy/ gives are enough for the controller, with the options that it gives, and each verb of each rule is needed:
without it the controller says which one."""
import json
import os

from harness import chart, kubernetes, manifests, wait

SECONDS = 600
LEASE = "weirlock-leader"
ACCOUNT = ("weirlock-controller", "weirlock")
# what a controller needs of a release before it starts, in this order
GIVEN = ("Namespace", "ServiceAccount", "ConfigMap", "Secret", "IngressClass", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


def run(t):
    c = t.kube_cluster(rules=[])
    api = c.api
    for namespace in ("weirlock", "shop", "blog", "certs", "certificates"):
        api.namespace(namespace)
    c.apply(manifests.secret("weirlock-default-certificate", t.certificate("weirlock.invalid"), namespace="weirlock"))
    c.apply(manifests.secret("wildcard", t.certificate("*.test"), namespace="certificates"))
    certificate = t.certificate("shop.test")
    c.apply(manifests.secret("shop-tls", certificate, namespace="shop"))
    c.expose("web", c.backend("web"), namespace="shop")
    c.apply(manifests.ingress_class("weirlock"))
    c.apply(manifests.ingress("web", "shop.test", "/", "web", namespace="shop", class_name="weirlock", tls={"shop-tls": ["shop.test"]}))
    texts = dict(chart.variants(api))
    for name in ("helm cluster", "helm namespaces", "kustomize cluster", "kustomize namespaces"):
        release = Release(t, c, chart.objects(api, texts[name]))
        is_whole(t, c, release, certificate, name)
        if name.startswith("helm"):
            each_is_needed(t, c, release, name)
        release.take_back()


class Release:
    def __init__(self, t, c, found):
        self.t, self.c, self.api = t, c, c.api
        self.objects = [strip(o) for kind in GIVEN for o in found if o["kind"] == kind]
        for o in self.objects:
            if o["kind"] != "Secret":
                self.api.apply(o)
        self.roles = [o for o in self.objects if o["kind"] in ("ClusterRole", "Role")]
        pods = dict(chart.pods(found))
        self.controller_words = chart.arguments(pods["weirlock-controller"])
        self.proxy_words = chart.arguments(pods["weirlock-proxy"])
        self.kubeconfig, _ = self.api.kubeconfig(*ACCOUNT)
        self.settle()

    def settle(self):
        """The API server learns of roles a moment after it took them."""
        for role in self.roles:
            for rule in role["rules"]:
                for verb in rule["verbs"]:
                    self.wait_for(role, rule, verb, True)

    def wait_for(self, role, rule, verb, is_allowed):
        asked = {"verb": verb, "group": rule["apiGroups"][0], "resource": rule["resources"][0]}
        if role["kind"] == "Role":
            asked["namespace"] = role["metadata"]["namespace"]
        if rule.get("resourceNames"):
            asked["name"] = rule["resourceNames"][0]
        user = "system:serviceaccount:{1}:{0}".format(*ACCOUNT)
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
            "user": user, "groups": ["system:serviceaccounts", "system:serviceaccounts:" + ACCOUNT[1]], "resourceAttributes": asked}}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        wait.until(lambda: self.api.request("POST", path, review)["status"]["allowed"] == is_allowed,
                   f"{verb} {asked} is {'allowed' if is_allowed else 'forbidden'}")

    def start(self, wait_ready=True):
        """The controller as its pod would start it; what is of the pod's own is elsewhere here."""
        port = wait.free_port()
        words = {"--identity": self.t.identity("controller"), "--state-dir": os.path.join(self.t.directory, "controller.state"),
                 "--admin": "0.0.0.0:0"}
        self.c.kubeconfig = self.kubeconfig
        p = self.c.controller(f"chart-{len(self.c.controllers)}", listen=f"tcp://0.0.0.0:{port}", wait_ready=wait_ready,
                              options=replaced([w for w in self.controller_words if not w.startswith("--listen=")], words))
        p.listen = f"tcp://127.0.0.1:{port}"
        return p

    def take_back(self):
        for o in self.roles + [o for o in self.objects if o["kind"].endswith("Binding")]:
            self.api.delete(o)


def strip(o):
    """As one would apply it again."""
    o = json.loads(json.dumps(o))
    for key in ("uid", "creationTimestamp", "resourceVersion", "managedFields", "generation"):
        o["metadata"].pop(key, None)
    o.pop("status", None)
    return o


def replaced(words, by):
    return [f"{name}={by[name]}" if name in by else word for word in words for name in [word.partition("=")[0]]]


def is_whole(t, c, release, certificate, name):
    controller = release.start()
    proxy = c.proxy(controllers=[controller.listen])
    c.proxies[:] = [proxy]

    def shows():
        with c.client(tls="shop.test") as client:
            return client.sock.getpeercert(binary_form=True) == certificate.der

    wait.until(shows, f"{name}: its certificate is served", 60)
    t.equal(c.get("shop.test", tls="shop.test").get("x-backend"), "web")
    wait.until(lambda: c.api.get("Lease", LEASE, "weirlock")["spec"].get("holderIdentity"), f"{name}: it leads", 60)
    t.check("(403)" not in controller.err(), f"{name}: nothing is forbidden\n" + controller.err())
    t.equal([p for p in c.inspect("problems", of=controller, status=None)], [], name)
    proxy.stop()
    controller.stop()


def each_is_needed(t, c, release, name):
    """Without one verb of one rule the controller names it."""
    n = 0
    for role in release.roles:
        for at, rule in enumerate(role["rules"]):
            for verb in rule["verbs"]:
                if is_idle(role, rule):
                    continue
                less = json.loads(json.dumps(role))
                less["rules"][at]["verbs"].remove(verb)
                if not less["rules"][at]["verbs"]:
                    del less["rules"][at]
                c.api.apply(less)
                release.wait_for(role, rule, verb, False)
                if rule["verbs"] == ["create"]:
                    c.api.delete({"kind": "Lease", "metadata": {"name": LEASE, "namespace": "weirlock"}})
                controller = release.start(wait_ready=False)
                group = json.dumps(rule["apiGroups"]).replace("[", r"\[").replace("]", r"\]")
                resources = json.dumps(rule["resources"]).replace("[", r"\[").replace("]", r"\]")
                controller.wait_log(rf"\(403\).*apiGroups {group}, resources {resources}", f"{name}: without {verb} of {rule} it says so", 60)
                controller.stop()
                c.api.apply(role)
                release.wait_for(role, rule, verb, True)
                n += 1
    t.say(f"{name}: {n} verbs taken away one by one, each is missed")
    t.check(n > 8, "there were some")


def is_idle(role, rule):
    """Rights on Secrets that no object refers to here: of the namespaces without an Ingress."""
    return rule["resources"] == ["secrets"] and role["metadata"].get("namespace") in ("blog", "certs")
