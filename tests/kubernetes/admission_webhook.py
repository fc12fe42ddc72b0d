"""The API server asks our webhook before it stores an Ingress: kubectl hears the problem, and a dry run leaves no trace (N10)."""
import json
import re

from harness import manifests, wait
from harness.kubernetes import Refused

SECONDS = 300


def webhook(made, port, policy="Fail"):
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "weirlock"},
            "webhooks": [{"name": "validate.weirlock.io", "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": policy,
                          "timeoutSeconds": 30, "matchPolicy": "Equivalent",
                          "clientConfig": {"url": f"https://localhost:{port}/validate", "caBundle": manifests._base64(made.cert)},
                          "rules": [{"apiGroups": ["networking.k8s.io"], "apiVersions": ["v1"], "resources": ["ingresses"],
                                     "operations": ["CREATE", "UPDATE"]}]}]}


def text(o):
    for key in ("uid", "creationTimestamp"):
        o["metadata"].pop(key, None)
    return json.dumps(o)


def bad(name="bad"):
    return manifests.ingress(name, "bad.test", "/", "a", annotations={"load-balance": "best please"})


def is_refused(c, o):
    """Not stored either way: the webhook may not be known to the API server yet."""
    try:
        c.api.request("POST", c.api.path("Ingress", "default") + "?dryRun=All", json.loads(text(o)))
    except Refused as refused:
        return str(refused)
    return None


def reviews(c, answer):
    return int(re.search(r'^weirlock_controller_admission_reviews_total\{answer="' + answer + r'"\} (\d+)',
                         c.admin("/metrics", c.controllers[0]).text, re.M).group(1))


def asks_as_itself(t, c, made, client):
    """The API server with a certificate of its own for webhooks."""
    def write(name, content):
        with open(c.api._file(name), "w") as f:
            json.dump(content, f)
        return c.api._file(name)

    api = "apiserver.config.k8s.io/v1"
    who = write("webhooks.kubeconfig", {"apiVersion": "v1", "kind": "Config", "users": [
        {"name": "*", "user": {"client-certificate": client.cert_path, "client-key": client.key_path}}]})
    return write("admission.json", {"apiVersion": api, "kind": "AdmissionConfiguration", "plugins": [
        {"name": "ValidatingAdmissionWebhook", "configuration": {"apiVersion": api, "kind": "WebhookAdmissionConfiguration",
                                                                 "kubeConfigFile": who}}]})


def run(t):
    c = t.kube_cluster()
    made, client = t.certificate("localhost"), t.certificate("kube-apiserver")
    port = wait.free_port()
    options = ["--admission", f"127.0.0.1:{port}", "--validating-webhook-certificate", made.cert_path, "--validating-webhook-key", made.key_path]
    c.expose("a", c.backend("a"))
    c.controller(options=options)
    c.proxy()
    c.proxy()
    c.api.apply(webhook(made, port))
    wait.until(lambda: is_refused(c, bad()), "the API server asks", 60)

    # no, with the text of the problem
    said = c.api.kubectl("create", "-f", "-", stdin=text(bad()), status=1)
    t.contains(said, 'admission webhook "validate.weirlock.io" denied the request: Ingress default/bad: '
               "nginx.ingress.kubernetes.io/load-balance: 'best please' is not round_robin, ", "; write one of these words")
    # yes
    t.contains(c.api.kubectl("create", "-f", "-", stdin=text(manifests.ingress("web", "a.test", "/", "a"))), "created")
    t.equal(c.until_serves("a.test").get("x-backend"), "a")
    # of two that exclude each other the second, also by an update
    t.contains(c.api.kubectl("create", "-f", "-", stdin=text(manifests.ingress("late", "a.test", "/", "a")), status=1),
               "host a.test has path / from Ingress default/web already (C9)")
    c.api.kubectl("create", "-f", "-", stdin=text(manifests.ingress("late", "late.test", "/", "a")))
    t.contains(c.api.kubectl("patch", "ingress", "late", "--type=json", "-p",
                             '[{"op": "replace", "path": "/spec/rules/0/host", "value": "a.test"}]', status=1), "(C9)")
    t.contains(c.api.kubectl("annotate", "ingress", "web", "nginx.ingress.kubernetes.io/load-balance=x", status=1), "'x' is not")
    t.contains(c.api.kubectl("annotate", "ingress", "web", "example.com/note=x"), "annotated")
    # a canary is no conflict, and what is only reported is said
    canary = manifests.ingress("canary", "a.test", "/", "a", annotations={"canary": "true", "canary-weight": "1", "canary-wieght": "1"})
    said = c.api.kubectl("create", "-f", "-", stdin=text(canary), status=None)
    t.contains(said, "ingress.networking.k8s.io/canary created", "Warning: Ingress default/canary: ", "did you mean canary-weight?")
    # a name that the API server makes
    named = manifests.ingress("x", "named.test", "/", "a")
    del named["metadata"]["name"]
    named["metadata"]["generateName"] = "named-"
    t.contains(c.api.kubectl("create", "-f", "-", stdin=text(named)), "ingress.networking.k8s.io/named-")
    # none of ours
    t.contains(c.api.kubectl("create", "-f", "-", stdin=text(manifests.ingress("other", "a.test", "/", "a", class_name="other",
                                                                               annotations={"load-balance": "x"}))), "created")
    # a dry run is asked about, and leaves nothing
    denied, allowed, builds = reviews(c, "denied"), reviews(c, "allowed"), c.problems()
    t.contains(c.api.kubectl("create", "--dry-run=server", "-f", "-", stdin=text(manifests.ingress("dry", "dry.test", "/", "a"))), "dry run")
    t.contains(c.api.kubectl("create", "--dry-run=server", "-f", "-", stdin=text(bad()), status=1), "best please")
    t.equal((reviews(c, "denied"), reviews(c, "allowed")), (denied + 1, allowed + 1))
    c.settle()
    t.equal(c.get("dry.test").status, 404)
    t.equal(c.problems(), builds)
    c.api.kubectl("delete", "ingress", "late")
    c.until_serves("late.test", want=404)

    # the controller goes: what is served is served, and the API server does as its configuration says
    listen = c.controllers[0].listen
    c.controllers.pop(0).kill()
    t.contains(c.api.kubectl("create", "-f", "-", stdin=text(manifests.ingress("more", "more.test", "/", "a")), status=1), "failed calling webhook")
    t.equal(c.get("a.test").status, 200)
    c.api.apply(webhook(made, port, "Ignore"))
    wait.until(lambda: "created" in c.api.kubectl("create", "-f", "-", stdin=text(manifests.ingress("more", "more.test", "/", "a")), status=None),
               "it is stored unasked", 60)

    # only the API server is heard, by the certificate that it was given for webhooks
    c.api.apply(webhook(made, port))
    c.controller("controller-again", listen, [*options, "--admission-client-ca", client.cert_path])
    c.until_serves("more.test")
    wait.until(lambda: "failed calling webhook" in (is_refused(c, manifests.ingress("good", "good.test", "/", "a")) or ""),
               "without a certificate it is not heard", 60)
    c.api.restart("--admission-control-config-file", asks_as_itself(t, c, made, client))
    wait.until(lambda: "best please" in (is_refused(c, bad()) or ""), "with it, it is", 60)
    t.equal(is_refused(c, manifests.ingress("good", "good.test", "/", "a")), None)
    t.equal(c.get("a.test").status, 200)
