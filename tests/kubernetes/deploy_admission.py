"""The chart's webhook: the API server finds the controller by the Service, with the certificate that the chart made, and kubectl hears
of a mistake (N10). Upgrades keep the certificates."""
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
    folder = chart.volume(secret, os.path.join(t.directory, "admission"))
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
    kept = [f"weirlock-{name}" for name in ("admission", "default-certificate", "channel-controller", "channel-proxy", "channel-operator")]
    before = secrets(api, kept)
    chart.helm("upgrade", chart.RELEASE, chart.CHART, "--namespace", chart.NAMESPACE, *install, "--set", "controller.replicas=3")
    t.equal(webhook(api)["clientConfig"]["caBundle"], bundle, "an upgrade keeps the webhook's certificate")
    t.equal(secrets(api, kept), before, "and all others")
    own_identities(t, api)

    chart.helm("uninstall", chart.RELEASE, "--namespace", chart.NAMESPACE, "--kubeconfig", api._file("admin.kubeconfig"))
    t.check(api.get("IngressClass", "weirlock"), "the class outlives the release")
    wait.until(lambda: is_created(api, ingress("late", annotations={"load-balance": "best please"})), "nobody is asked any more")


def secrets(api, names, namespace="weirlock"):
    return {name: api.get("Secret", name, namespace)["data"] for name in names}


def own_identities(t, api):
    """Identities that are there before are taken as they are; some of them alone are not enough."""
    install = ("other", chart.CHART, "--namespace", "other", "--kubeconfig", api._file("admin.kubeconfig"),
               "--set", "ingressClasses.weirlock.create=false")
    made = process.run([os.path.join(chart.DEPLOY, "identity"), "--secrets", "other-weirlock", os.environ["WEIRLOCK_TEST_IDENTITY"]])
    t.equal(made.returncode, 0, made.stderr)
    api.namespace("other")
    api.kubectl("apply", "-n", "other", "-f", "-", stdin=made.stdout)
    names = [f"other-weirlock-channel-{who}" for who in ("controller", "proxy", "operator")]
    before = secrets(api, names, "other")
    chart.helm("install", *install)
    chart.helm("upgrade", *install)
    t.equal(secrets(api, names, "other"), before, "those that were there")
    api.kubectl("delete", "secret", "-n", "other", names[1])
    t.contains(chart.helm("upgrade", *install, status=1), "some of the channel's Secrets are there and some are not")
    chart.helm("uninstall", "other", "--namespace", "other", "--kubeconfig", api._file("admin.kubeconfig"))
    t.equal(len(secrets(api, names[:1], "other")), 1, "what helm did not make it does not take away")


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
