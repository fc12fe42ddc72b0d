"""The rights that deploy/ gives are enough for the controller, with the options that it gives, and each verb of each rule is needed:
without it the controller says which one."""
import itertools
import json
import os
import re

from harness import chart, kubernetes, manifests, wait

SECONDS = 600
IDENTITY = os.environ.get("WEIRLOCK_TEST_IDENTITY")
timeouts = itertools.count(60)
LEASE = "weirlock-leader"
SERVICE, NODE = "192.0.2.1", "192.0.2.2"  # addresses of the proxies
WEB = {"kind": "Ingress", "metadata": {"name": "web", "namespace": "shop"}}
ACCOUNT = ("weirlock-controller", "weirlock")
# what a controller needs of a release before it starts, in this order
GIVEN = ("Namespace", "ServiceAccount", "ConfigMap", "Service", "IngressClass", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


def run(t):
    os.environ.update(POD_NAME="weirlock-controller-0", POD_NAMESPACE="weirlock")
    c = t.kube_cluster(rules=[], write_rules=[], own_rules=[])
    api = c.api
    for namespace in ("weirlock", "shop", "blog", "certs", "certificates"):
        api.namespace(namespace)
    c.apply(manifests.secret("weirlock-default-certificate", t.certificate("weirlock.invalid"), namespace="weirlock"))
    c.apply(manifests.secret("wildcard", t.certificate("*.test"), namespace="certificates"))
    certificate = t.certificate("shop.test")
    c.apply(manifests.secret("shop-tls", certificate, namespace="shop"))
    c.expose("web", c.backend("web"), namespace="shop")
    c.apply(manifests.ingress_class("weirlock"))
    c.apply(web(next(timeouts)))
    make_pods(api)
    texts = dict(chart.variants(api))
    for name, status in (("helm cluster", SERVICE), ("helm namespaces", SERVICE), ("helm daemonset", NODE), ("helm beside-ingress-nginx", None),
                         ("kustomize cluster", SERVICE), ("kustomize namespaces", SERVICE), ("kustomize daemonset", NODE),
                         ("kustomize beside-ingress-nginx", None), ("helm leader", SERVICE), ("kustomize channel-leader", SERVICE)):
        release = Release(t, c, chart.objects(api, texts[name]))
        is_whole(t, c, release, certificate, name, status)
        if name.startswith("helm"):
            each_is_needed(t, c, release, name, status)
        release.take_back()


def set_status(api, o, status):
    api.request("PATCH", api.path_of(o) + "/status", {"status": status}, "application/merge-patch+json")


def forget(api):
    """As if no controller had ever written."""
    set_status(api, WEB, None)
    try:
        api.delete({"kind": "Lease", "metadata": {"name": LEASE, "namespace": "weirlock"}})
    except kubernetes.Refused as refused:
        if refused.status != 404:
            raise


def forget_channel(api):
    """As if no leader had ever made an identity."""
    for o in api.list("Secret", "weirlock"):
        if o["metadata"]["name"].startswith("weirlock-channel-"):
            api.delete({"kind": "Secret", "metadata": o["metadata"]})


def spoil(api):
    """An identity that must be made again."""
    o = api.get("Secret", "weirlock-channel-operator", "weirlock")
    api.request("PATCH", api.path_of(o), {"data": {"tls.crt": "eA=="}}, "application/merge-patch+json")


def has_leader(api):
    try:
        return bool(api.get("Lease", LEASE, "weirlock")["spec"].get("holderIdentity"))
    except kubernetes.Refused:
        return False


def published(api):
    """The addresses in the status of the Ingress."""
    at = api.get("Ingress", "web", "shop").get("status", {}).get("loadBalancer", {}).get("ingress", [])
    return [one.get("ip") or one.get("hostname") for one in at]


def make_pods(api):
    """The controller's own, and a proxy that is ready on a Node."""
    api.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}})
    set_status(api, {"kind": "Node", "metadata": {"name": "n1"}}, {"addresses": [{"type": "ExternalIP", "address": NODE}]})
    for name, component in (("weirlock-controller-0", "controller"), ("weirlock-proxy-0", "proxy")):
        labels = {"app.kubernetes.io/name": "weirlock", "app.kubernetes.io/instance": "weirlock", "app.kubernetes.io/component": component}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "weirlock", "labels": labels},
               "spec": {"nodeName": "n1", "containers": [{"name": component, "image": component}]}}
        api.apply(pod)
        set_status(api, pod, {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})


def web(timeout):
    """An Ingress that changes with that number."""
    return manifests.ingress("web", "shop.test", "/", "web", namespace="shop", class_name="weirlock", tls={"shop-tls": ["shop.test"]},
                             annotations={"proxy-read-timeout": timeout})


class Release:
    def __init__(self, t, c, found):
        self.t, self.c, self.api = t, c, c.api
        self.objects = [strip(o) for kind in GIVEN for o in found if o["kind"] == kind]
        for o in self.objects:
            self.api.apply(o)
            if o["kind"] == "Service" and o["spec"]["type"] == "LoadBalancer":
                set_status(self.api, o, {"loadBalancer": {"ingress": [{"ip": SERVICE}]}})
        self.roles = [o for o in self.objects if o["kind"] in ("ClusterRole", "Role")]
        pods = dict(chart.pods(found))
        self.controller_words = chart.arguments(pods["weirlock-controller"])
        self.proxy_words = chart.arguments(pods["weirlock-proxy"])
        self.kubeconfig, _ = self.api.kubeconfig(*ACCOUNT)
        self.makes_channel = any(w.startswith("--channel-secrets=") for w in self.controller_words)
        self.take_identities(found)
        self.settle()

    def take_identities(self, found):
        """Those that the chart made, by which its programs then know each other; else the test's own."""
        folder = os.path.join(self.t.directory, f"channel-{len(self.c.controllers)}")
        os.environ["WEIRLOCK_TEST_IDENTITY"] = IDENTITY
        for who in ("controller", "proxy", "operator"):
            made = chart.find(found, "Secret", "weirlock-channel-" + who)
            if made:
                chart.volume(made, os.path.join(folder, who))
                os.environ["WEIRLOCK_TEST_IDENTITY"] = folder

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
        words = {"--identity": self.own_identity(), "--state-dir": os.path.join(self.t.directory, "controller.state"),
                 "--admin": "0.0.0.0:0"}
        self.c.kubeconfig = self.kubeconfig
        p = self.c.controller(f"chart-{len(self.c.controllers)}", listen=f"tcp://0.0.0.0:{port}", wait_ready=wait_ready,
                              options=replaced([w for w in self.controller_words if not w.startswith("--listen=")], words))
        p.listen = f"tcp://127.0.0.1:{port}"
        return p

    def own_identity(self):
        """The directory; one that is empty, where the leader makes what comes into it."""
        if not self.makes_channel:
            return self.t.identity("controller")
        folder = os.path.join(self.t.directory, f"own-identity-{len(self.c.controllers)}")
        os.makedirs(folder)
        return folder

    def mount_made(self):
        """What the leader made, as the proxies' pods and the operator have it."""
        if not self.makes_channel:
            return
        folder = os.path.join(self.t.directory, f"made-{len(self.c.controllers)}")
        for who in ("controller", "proxy", "operator"):
            chart.volume(self.api.get("Secret", "weirlock-channel-" + who, "weirlock"), os.path.join(folder, who))
        os.environ["WEIRLOCK_TEST_IDENTITY"] = folder

    def take_back(self):
        if self.makes_channel:
            forget_channel(self.api)
        for o in self.roles + [o for o in self.objects if o["kind"].endswith(("Binding", "ConfigMap"))]:
            self.api.delete(o)


def strip(o):
    """As one would apply it again."""
    o = json.loads(json.dumps(o))
    for key in ("uid", "creationTimestamp", "resourceVersion", "managedFields", "generation"):
        o["metadata"].pop(key, None)
    o.pop("status", None)
    if o["kind"] == "Service":  # what it was given for the dry run alone
        for key in ("clusterIP", "clusterIPs", "healthCheckNodePort"):
            if o["spec"].get(key) not in ("None", ["None"]):  # a headless one says so itself
                o["spec"].pop(key, None)
        for port in o["spec"]["ports"]:
            port.pop("nodePort", None)
    return o


def replaced(words, by):
    return [f"{name}={by[name]}" if name in by else word for word in words for name in [word.partition("=")[0]]]


def is_whole(t, c, release, certificate, name, status):
    forget(c.api)
    controller = release.start()
    release.mount_made()
    here = {"--identity": t.identity("proxy"), "--state-dir": os.path.join(t.directory, "proxy.state"), "--admin": "0.0.0.0:0",
            "--body-dir": t.directory, "--shutdown-grace-period": "1"}
    own = ("--controller", "--http", "--https")
    proxy = c.proxy(controllers=[controller.listen], options=replaced([w for w in release.proxy_words if not w.startswith(own)], here))
    c.proxies[:] = [proxy]

    def shows():
        with c.client(tls="shop.test") as client:
            return client.sock.getpeercert(binary_form=True) == certificate.der

    wait.until(shows, f"{name}: its certificate is served", 60)
    t.equal(c.get("shop.test", tls="shop.test").get("x-backend"), "web")
    t.equal(c.inspect("problems", of=controller, status=None), [], name)
    wait.until(lambda: has_leader(c.api), f"{name}: it leads", 60)
    if status:
        wait.until(lambda: published(c.api) == [status], f"{name}: the status of the Ingress says {status}", 60)
    controller.stop()
    t.equal(published(c.api), [], f"{name}: the status, cleared by the last controller, or never written")
    t.check("(403)" not in controller.err(), f"{name}: nothing is forbidden\n" + controller.err())
    proxy.stop()


def each_is_needed(t, c, release, name, status):
    """Without one verb of one rule the controller names it."""
    n = 0
    for role in release.roles:
        for at, rule in enumerate(role["rules"]):
            for verb in rule["verbs"]:
                if is_idle(role, rule, verb, name) or (release.makes_channel and not is_of_channel(rule)):
                    continue
                if verb == "update" and rule["resources"] == ["secrets"]:
                    forget(c.api)
                    release.start(wait_ready=False).wait_ready(60).stop()  # makes all
                    spoil(c.api)
                less = json.loads(json.dumps(role))
                less["rules"][at]["verbs"].remove(verb)
                if not less["rules"][at]["verbs"]:
                    del less["rules"][at]
                c.api.apply(less)
                release.wait_for(role, rule, verb, False)
                forget(c.api)
                if verb == "create" and rule["resources"] == ["secrets"]:
                    forget_channel(c.api)
                controller = release.start(wait_ready=False)
                if rule["resources"] == ["pods"] and (verb, status) != ("list", NODE):  # asked for at the end alone
                    controller.wait_ready()
                    wait.until(lambda: published(c.api) == [status], f"{name}: it leads and writes", 60)
                    controller.stop()
                group = json.dumps(rule["apiGroups"]).replace("[", r"\[").replace("]", r"\]")
                resources = json.dumps(rule["resources"]).replace("[", r"\[").replace("]", r"\]")
                pattern = rf"\(403\).*apiGroups {group}, resources {resources}"
                if rule["resources"] == ["events"]:
                    controller.wait_ready()
                    wait.until(lambda: has_leader(c.api), f"{name}: it leads", 60)
                    # what is told again is counted after half a minute
                    wait.until(lambda: make_news(c, role) or re.search(pattern, controller.err()), f"{name}: without {verb} of {rule}", 120, 2)
                controller.wait_log(pattern, f"{name}: without {verb} of {rule} it says so", 60)
                controller.stop()
                c.api.apply(role)
                release.wait_for(role, rule, verb, True)
                n += 1
    t.say(f"{name}: {n} verbs taken away one by one, each is missed")
    t.check(n == 3 if release.makes_channel else n > 8, "there were some")


def make_news(c, role):
    """Something that is told by an Event of that namespace."""
    if role["metadata"].get("namespace") == "weirlock":
        for value in ("75", "x"):
            c.api.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "weirlock", "namespace": "weirlock"},
                         "data": {"keep-alive": value}})
    else:
        c.apply(web(next(timeouts)))


def is_of_channel(rule):
    """What a leader that makes identities has beside the rest, which the other variants try."""
    return rule["resources"] == ["secrets"] and not {"list", "watch"} & set(rule["verbs"])


def is_idle(role, rule, verb, name):
    """Rights that nothing asks for here: of the namespaces without an Ingress; a patch of Events takes half a minute, and is looked at
    once."""
    if rule["resources"] == ["events"] and verb == "patch" and name != "helm cluster":
        return True
    return rule["resources"] in (["secrets"], ["ingresses/status"], ["events"]) and role["metadata"].get("namespace") in ("blog", "certs")
