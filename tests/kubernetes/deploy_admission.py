"""The chart's webhook: the API server finds the controller by the Service, with the certificate that the chart made, and kubectl hears
of a mistake (N10). Upgrades keep the certificates."""
import base64
import json
import os

from harness import chart, manifests, process, wait

SECONDS = 300
VALUES = os.path.join(chart.CHART, "ci", "admission-values.yaml")


def run(t):
    # what leads to a Service elsewhere: here its address is ours, and the ports are those of the pod
    done = process.run(["ip", "address", "add", "10.96.0.0/16", "dev", "lo"])
    t.equal(done.returncode, 0, done.stderr)
    c = t.kube_cluster(rules=[], write_rules=[], own_rules=[])
    api = c.api
    install = ("--values", VALUES, "--kubeconfig", api._file("admin.kubeconfig"))
    for namespace in ("weirlock", "shop"):
        api.namespace(namespace)
    chart.helm("install", chart.RELEASE, chart.CHART, "--namespace", chart.NAMESPACE, *install)
    words = chart.arguments(dict(chart.pods([api.get("Deployment", "weirlock-controller", "weirlock")]))["weirlock-controller"])
    secret = api.get("Secret", "weirlock-admission", "weirlock")
    folder = volume(t, secret)
    elsewhere = {"/etc/weirlock/admission": folder, "/etc/weirlock/identity": t.identity("controller"), "/var/lib/weirlock": t.directory}
    c.kubeconfig, _ = api.kubeconfig("weirlock-controller", "weirlock")
    for path, there in elsewhere.items():
        words = [word.replace("=" + path, "=" + there) for word in words]
    listen, = [word.partition("=")[2] for word in words if word.startswith("--listen=")]
    c.controller("chart", listen=listen, options=[word for word in words if not word.startswith("--listen=")])

    good, bad = ingress("good"), ingress("bad", annotations={"load-balance": "best please"})
    said = api.kubectl("create", "-f", "-", stdin=bad, status=1)
    t.contains(said, 'admission webhook "validate.weirlock.io" denied the request: Ingress default/bad: ')
    t.contains(api.kubectl("create", "-f", "-", stdin=good), "ingress.networking.k8s.io/good created")
    t.contains(api.kubectl("create", "-n", "harness", "-f", "-", stdin=other_namespace(api)), "created")  # not served, not asked about

    bundle = webhook(api)["clientConfig"]["caBundle"]
    default = api.get("Secret", "weirlock-default-certificate", "weirlock")["data"]
    chart.helm("upgrade", chart.RELEASE, chart.CHART, "--namespace", chart.NAMESPACE, *install, "--set", "controller.replicas=3")
    t.equal(webhook(api)["clientConfig"]["caBundle"], bundle, "an upgrade keeps the webhook's certificate")
    t.equal(api.get("Secret", "weirlock-admission", "weirlock")["data"], secret["data"])
    t.equal(api.get("Secret", "weirlock-default-certificate", "weirlock")["data"], default, "and the default one")

    chart.helm("uninstall", chart.RELEASE, "--namespace", chart.NAMESPACE, "--kubeconfig", api._file("admin.kubeconfig"))
    t.check(api.get("IngressClass", "weirlock"), "the class outlives the release")
    wait.until(lambda: is_created(api, ingress("late", annotations={"load-balance": "best please"})), "nobody is asked any more")


def volume(t, secret):
    """As the kubelet mounts it."""
    folder = os.path.join(t.directory, "admission")
    os.mkdir(folder)
    for name, value in secret["data"].items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(base64.b64decode(value))
    return folder


def webhook(api):
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/weirlock.weirlock"
    return api.request("GET", path)["webhooks"][0]


def ingress(name, namespace="default", **rest):
    o = manifests.ingress(name, name + ".test", "/", "a", namespace=namespace, class_name="weirlock", **rest)
    for key in ("uid", "creationTimestamp"):
        del o["metadata"][key]
    return json.dumps(o)


def other_namespace(api):
    api.namespace("harness")
    return ingress("bad", "harness", annotations={"load-balance": "best please"})


def is_created(api, text):
    try:
        return api.kubectl("create", "-f", "-", stdin=text)
    except AssertionError:
        return None
