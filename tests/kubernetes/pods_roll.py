"""Under a kubelet: what the chart installs runs as it is, two controllers and two proxies serve pods of a Deployment, and each of the
three is replaced under load by a rolling update without a failed request."""
import json
import os
import re
import signal
import threading
import time

from harness import chart, kubernetes, machine, manifests, pods, process, wait

BUILD = "release"
SECONDS = 600
CONTROLLER, PROXY, WEB = "deployment/weirlock-controller", "deployment/weirlock-proxy", "deployment/web"
LOAD = (("visits", 20, 0.05), ("calls", 20, 0.1))  # what, how many, how often


def run(t):
    c = pods.PodCluster(t)
    c.load_programs()
    c.load_backend()
    c.api.namespace(chart.NAMESPACE, **{"pod-security.kubernetes.io/enforce": "restricted"})
    install(t, c)
    c.api.namespace("shop")
    for o in c.backend("web", "shop", 3):
        c.api.apply(o)
    c.api.apply(pods.stripped(manifests.ingress("web", "shop.test", "/", "web", namespace="shop", class_name="weirlock")))
    for what, namespace in ((CONTROLLER, chart.NAMESPACE), (PROXY, chart.NAMESPACE), (WEB, "shop")):
        c.rolled(what, namespace)
    told = t.own(Ends(c, chart.NAMESPACE))
    serves(t, c)
    as_it_should_be(t, c)
    admission(t, c)
    weirctl(t, c)
    roll(t, c, WEB, "shop", told, (*LOAD, ("posts", 10, 0.1)))
    applies = Applies(c)
    roll(t, c, CONTROLLER, chart.NAMESPACE, told, (*LOAD, ("posts", 10, 0.1)), applies)
    roll(t, c, PROXY, chart.NAMESPACE, told, LOAD)
    figures(t, c)
    evictions(t, c)
    crash(t, c)


def install(t, c):
    chart.helm("install", chart.RELEASE, chart.CHART, "--namespace", chart.NAMESPACE, "--kubeconfig",
               c.api._file("admin.kubeconfig"), "--set", f"image.registry={pods.REGISTRY},admission.enabled=true,admission.failurePolicy=Fail")
    c.balance("weirlock-proxy", chart.NAMESPACE)


def components(c, component):
    return c.pods(chart.NAMESPACE, component=component)


class Ends(process.Process):
    """How the containers of pods end, as kubectl sees it."""

    def __init__(self, c, namespace):
        super().__init__("watch", [
            c.api.program, "kubectl", "--kubeconfig", c.api._file("admin.kubeconfig"), "get", "pods", "-n", namespace, "-w", "--no-headers", "-o",
            "custom-columns=:.metadata.name,:.status.containerStatuses[*].state.terminated.exitCode"], c.t.directory, {"HOME": c.api.directory})
        self.expected_status = None

    def of(self, name):
        """The exit status of the pod's container, when it has ended."""
        found = re.search(rf"^{name} +(\d+)\s*$", self.out(), re.M)
        return found and int(found.group(1))


def serves(t, c):
    """Both proxies do, and the world is told where."""
    for pod in components(c, "proxy"):
        address = (pod["status"]["podIP"], 80)
        wait.until(lambda: c.get(address, "shop.test").status == 200, f"{pod['metadata']['name']} serves", 60)
        t.check(c.get(address, "shop.test").text.startswith("web-"), "a pod answers")
    status = wait.until(lambda: c.api.get("Ingress", "web", "shop")["status"]["loadBalancer"].get("ingress"), "the Ingress has an address", 60)
    t.equal(status, [{"ip": pods.BALANCER_IP}])
    events = c.api.kubectl("get", "events", "-n", "shop", "--field-selector", "involvedObject.kind=Ingress", "-o", "name")
    t.equal([line for line in events.splitlines() if "web." not in line], [])
    clients = c.clients("shop.test", "calls", 4, 0.01)
    wait.until(lambda: clients.done > 40, "clients come in from outside", 60)
    t.equal(clients.stop().failures, [])
    for pod in components(c, "proxy"):
        # externalTrafficPolicy Local keeps the client's address
        wait.until(lambda: f"{pods.CLIENT_IP} " in c.log_of(pod), f"{pod['metadata']['name']} says who came: {c.log_of(pod)[-2000:]}", 30, 0.5)


def as_it_should_be(t, c):
    """No container was started twice; each runs as said, and can write where it has to and nowhere else."""
    names = set()
    for component in ("controller", "proxy"):
        found = components(c, component)
        t.equal(len(found), 2, component)
        for pod in found:
            status, = pod["status"]["containerStatuses"]
            t.equal(status["restartCount"], 0, f"{pod['metadata']['name']}: {status}")
            names.add(pod["metadata"]["name"])
            program = c.process_of(pod)
            with open(f"/proc/{program}/status") as f:
                lines = dict(line.split(":", 1) for line in f)
            t.equal([lines[key].split() for key in ("Uid", "Gid", "Groups")], [["65532"] * 4, ["65532"] * 4, ["65532"]])
            t.equal([lines[key].strip() for key in ("CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp")], ["0" * 16] * 3 + ["1", "2"])
            with open(f"/proc/{program}/mountinfo") as f:
                mounts = {line.split()[4]: line.split()[5].split(",") for line in f}
            t.check("ro" in mounts["/"] and "ro" in mounts["/etc/weirlock/identity"] and "rw" in mounts["/var/lib/weirlock"], mounts)
            t.equal("/var/run/secrets/kubernetes.io/serviceaccount" in mounts or "/run/secrets/kubernetes.io/serviceaccount" in mounts,
                    component == "controller", f"{component}: a token")
            with open(f"/proc/{program}/cmdline") as f:
                words = f.read().split("\0")
            t.check(component == "controller" or f"--zone={machine.ZONE}" in words, f"a proxy knows its zone: {words}")
    for pod in components(c, "controller"):
        log = c.log_of(pod)
        t.check("(403)" not in log and "problem: Kubernetes API" not in log, log)
    holder = c.api.get("Lease", "weirlock-leader", chart.NAMESPACE)["spec"]["holderIdentity"]
    t.check(holder.rpartition("_")[0] in names, f"{holder} leads, of {names}")


def admission(t, c):
    """kubectl hears of a mistake from a controller's pod, by its Service."""
    said = c.api.kubectl("apply", "-f", "-", stdin=json.dumps(pods.stripped(manifests.ingress(
        "bad", "bad.test", "/", "web", {"proxy-read-timeout": "60s"}, namespace="shop", class_name="weirlock"))), status=1)
    t.contains(said, "denied the request", "proxy-read-timeout: '60s' is not a whole number of seconds")


def weirctl(t, c):
    """As docs/install.md has it: forwarded to this machine; and in a pod of an operator."""
    folder = os.path.join(t.directory, "operator")
    chart.volume(c.api.get("Secret", "weirlock-channel-operator", chart.NAMESPACE), folder)
    port = wait.free_port()
    forward = t.own(process.Process("port-forward", [
        c.api.program, "kubectl", "--kubeconfig", c.api._file("admin.kubeconfig"), "-n", chart.NAMESPACE, "port-forward", "service/weirlock-controller",
        f"{port}:7443"], t.directory, {"HOME": c.api.directory}))
    forward.expected_status = None
    forward.wait_log("Forwarding from 127.0.0.1")

    def status(url):
        done = t.keep(process.run([t.program("weirctl"), "--controller", url, "--identity", folder, "status", "-o", "json"], 60))
        t.equal(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    status(f"tcp://127.0.0.1:{port}")
    forward.stop()
    # each controller knows both proxies, which watch it or hold a session ready; all of them hold the same
    names = sorted(p["metadata"]["name"] for p in components(c, "proxy"))
    rows = []
    for pod in components(c, "controller"):
        said = status(f"tcp://{pod['status']['podIP']}:7443")
        t.equal(sorted(row["name"] for row in said if row["role"] == "proxy"), names)
        rows += said
    t.equal(sorted(row["state"] for row in rows if row["role"] == "proxy"), ["standby", "standby", "synced", "synced"], rows)
    t.equal(len({row["snapshot"] for row in rows}), 1, f"one snapshot: {rows}")
    labels = {"app.kubernetes.io/name": "weirlock", "app.kubernetes.io/instance": "weirlock", "app.kubernetes.io/component": "operator"}
    spec = components(c, "proxy")[0]["spec"]
    security = {k: v for k, v in spec["securityContext"].items() if k != "sysctls"}
    c.api.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "weirctl", "namespace": chart.NAMESPACE, "labels": labels}, "spec": {
        "restartPolicy": "Never", "automountServiceAccountToken": False, "securityContext": security,
        "containers": [{"name": "weirctl", "image": f"{pods.REGISTRY}/weirlock-cli:{pods.chart_version()}",
                        "securityContext": spec["containers"][0]["securityContext"],
                        "args": ["--controller=tcp://weirlock-controller:7443", "--identity=/etc/weirlock/identity", "status"],
                        "volumeMounts": [{"name": "identity", "mountPath": "/etc/weirlock/identity", "readOnly": True}]}],
        "volumes": [{"name": "identity", "secret": {"secretName": "weirlock-channel-operator", "defaultMode": 0o440}}]}})
    wait.until(lambda: c.api.get("Pod", "weirctl", chart.NAMESPACE)["status"]["phase"] in ("Succeeded", "Failed"), "weirctl ends", 60)
    said = c.api.kubectl("logs", "-n", chart.NAMESPACE, "weirctl")
    t.equal(c.api.get("Pod", "weirctl", chart.NAMESPACE)["status"]["phase"], "Succeeded", said)
    t.contains(said, "weirlock-controller-", *names)


class Applies(threading.Thread):
    """An Ingress that is changed again and again, which the webhook must allow (failurePolicy Fail)."""

    def __init__(self, c):
        super().__init__(daemon=True)
        self.c, self.failures, self.done, self.stopping = c, [], 0, False

    def run(self):
        while not self.stopping:
            try:
                self.c.api.apply(pods.stripped(manifests.ingress("changing", f"changing-{self.done}.test", "/", "web", namespace="shop",
                                                                 class_name="weirlock")))
                self.done += 1
            except (kubernetes.Refused, OSError) as error:
                self.failures.append(str(error))
            wait.pause(0.02)

    def stop(self):
        self.stopping = True
        self.join(60)


def roll(t, c, what, namespace, told, load, applies=None):
    """kubectl rollout restart, under load."""
    old = components(c, what.rpartition("-")[2]) if namespace == chart.NAMESPACE else []
    clients = {kind: c.clients("shop.test", kind, n, every) for kind, n, every in load}
    if applies:
        clients["applies"] = applies
        applies.start()

    def at_work(more):
        from_ = {kind: x.done for kind, x in clients.items()}
        wait.until(lambda: any(x.failures for x in clients.values()) or all(x.done >= from_[kind] + more for kind, x in clients.items()),
                   f"{more} more answers", 60)

    at_work(100)
    began = time.monotonic()
    c.api.kubectl("rollout", "restart", what, "-n", namespace)
    c.rolled(what, namespace)
    done = time.monotonic()
    wait.until(lambda: not c.leaving(namespace), f"the old pods of {what} are gone", 120, 0.2)
    gone = time.monotonic()
    at_work(100)
    for x in clients.values():
        x.stop()
    t.equal({kind: x.failures[:3] for kind, x in clients.items()}, {kind: [] for kind in clients}, what)
    for pod in old:
        name = pod["metadata"]["name"]
        t.equal(wait.until(lambda: told.of(name) is not None and [told.of(name)], f"how {name} ended", 30), [0], f"{name}: exit status")
    t.say(f"{what}: rolled in {done - began:.0f} s, the last old pod gone after {gone - began:.0f} s; none failed of "
          + ", ".join(f"{x.done} {kind}" for kind, x in clients.items()))


def figures(t, c):
    for component in ("controller", "proxy"):
        found = components(c, component)
        waits = [c.seconds_until_ready(p) for p in found]
        memory = [c.resident_kib(p) / 1024 for p in found]
        t.say(f"{component}: ready {' and '.join(f'{w:.0f} s' for w in waits)} after its creation; {' and '.join(f'{m:.1f}' for m in memory)} MiB resident")


def evictions(t, c):
    """When a node is drained, one controller has to be back before the other is let go."""
    def evict(pod):
        meta = {key: pod["metadata"][key] for key in ("name", "namespace")}
        c.api.request("POST", c.api.path("Pod", **meta) + "/eviction", {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta})

    one, other = components(c, "controller")
    evict(one)
    try:
        evict(other)
        t.check(False, "both controllers are evicted at once")
    except kubernetes.Refused as refused:
        t.equal(refused.status, 429)
    wait.until(lambda: evict(other) or True if sum(map(pods.is_ready, components(c, "controller"))) == 2 else False, "the other follows", 60, 0.2)
    c.rolled(CONTROLLER, chart.NAMESPACE)


def crash(t, c):
    """A proxy that is killed while there is no controller is started again by the kubelet, in the same pod, and serves the last good
    snapshot that it kept there."""
    c.api.kubectl("scale", CONTROLLER, "-n", chart.NAMESPACE, "--replicas=0")
    wait.until(lambda: not c.pods(chart.NAMESPACE, component="controller") and not c.leaving(chart.NAMESPACE), "no controller is left", 60, 0.2)
    pod = components(c, "proxy")[0]
    name, address = pod["metadata"]["name"], (pod["status"]["podIP"], 80)
    os.kill(c.process_of(pod), signal.SIGKILL)

    def is_back():
        status, = c.api.get("Pod", name, chart.NAMESPACE)["status"]["containerStatuses"]
        return status["restartCount"] == 1 and status["ready"]

    wait.until(is_back, f"{name} is back", 60, 0.2)
    t.equal(c.get(address, "shop.test").status, 200)
    t.check("subscribe: controller found" not in c.log_of(pod), "there was none")
