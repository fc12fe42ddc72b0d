"""A Kubernetes that runs pods: an API server with all that belongs to it (controller manager, scheduler, kube-proxy, a name server)
and a machine with a kubelet, in the network namespace of the case.

The node is 172.30.0.1, with the name server; clients are outside, at 172.30.0.2 in a network namespace of theirs, and know what a
balancer would send to the node. Pods are in 10.245.0.0/24, and Services are what kube-proxy's rules make of them.
"""
import ctypes
import datetime
import os
import re
import time

from . import chart, dns, image, machine, process, scenario, soak, wait, wire
from .kubernetes import ApiServer, Refused, Server

NODE, NODE_IP, CLIENT_IP = "node-1", "172.30.0.1", "172.30.0.2"
PODS, SERVICES, BALANCER_IP = "10.245.0.0/24", "10.96.0.0/16", "192.0.2.1"
REGISTRY, BACKEND = "registry.test/weirlock", "registry.test/backend:1"
PROGRAMS = ("controller", "proxy", "cli")


class PodApi(ApiServer):
    certificates = {
        "server": ("/CN=kube-apiserver", "serverAuth", f"IP:127.0.0.1,IP:{NODE_IP},IP:10.96.0.1,DNS:localhost,DNS:kubernetes.default.svc"),
        "admin": ("/O=system:masters/CN=admin", "clientAuth", "DNS:admin"),
        "kube-controller-manager": ("/CN=system:kube-controller-manager", "clientAuth", "DNS:manager"),
        "kube-scheduler": ("/CN=system:kube-scheduler", "clientAuth", "DNS:scheduler"),
        "kube-proxy": ("/CN=system:kube-proxy", "clientAuth", "DNS:proxy"),
        "kubelet": (f"/O=system:nodes/CN=system:node:{NODE}", "clientAuth", "DNS:kubelet"),
        "kubelet-server": (f"/CN={NODE}", "serverAuth", f"IP:{NODE_IP}"),
    }

    @property
    def own_options(self):
        return ("--bind-address", "0.0.0.0", "--advertise-address", NODE_IP, "--authorization-mode", "Node,RBAC",
                "--kubelet-preferred-address-types", "InternalIP", "--kubelet-certificate-authority", self._file("ca.crt"),
                "--kubelet-client-certificate", self._file("admin.crt"), "--kubelet-client-key", self._file("admin.key"))


class PodCluster:
    def __init__(self, t):
        why = machine.missing()
        if why:
            t.skip("no pod can run on this machine: " + why)
        self.t, self._loop = t, None
        started = time.monotonic()
        self._network()
        self.api = PodApi(t)
        t.own(dns.Dns(NODE_IP, self.addresses_of))
        self.machine = machine.Machine(t, NODE_IP, PODS)
        self.kubelet = self.machine.start_kubelet(self.api, NODE, NODE_IP)
        a = self.api
        for name, words in (
                ("kube-controller-manager", (
                    "--service-account-private-key-file", a._file("sa.key"), "--root-ca-file", a._file("ca.crt"), "--use-service-account-credentials",
                    "--leader-elect=false", "--horizontal-pod-autoscaler-sync-period", "1s", "--secure-port", "0")),
                ("kube-scheduler", ("--leader-elect=false", "--secure-port", "0")),
                ("kube-proxy", ("--proxy-mode", "iptables", "--cluster-cidr", PODS, "--hostname-override", NODE, "--conntrack-max-per-core", "0",
                                "--conntrack-min", "0", "--conntrack-tcp-timeout-established", "0", "--conntrack-tcp-timeout-close-wait", "0",
                                "--iptables-min-sync-period", "100ms", "--healthz-bind-address", "", "--metrics-bind-address", "127.0.0.1:10249"))):
            self.machine.start(name, [a.program, name, "--kubeconfig", a._file(name + ".kubeconfig"), *words])
        wait.until(self._is_ready, f"the node is ready\n{process.tail(self.kubelet.err(), 5)}", 120, 0.2)
        self.t.say(f"a node is ready after {time.monotonic() - started:.1f} s")

    def _network(self):
        """A pair of devices between the node and the namespace of the clients, which a process of its own holds."""
        self._outside = self.t.own(Server("outside", ["unshare", "--net", "sleep", "infinity"], self.t.directory))
        wait.until(lambda: os.readlink(f"/proc/{self._outside.pid}/ns/net") != os.readlink("/proc/self/ns/net"), "clients have a network")
        there = ("nsenter", "-t", str(self._outside.pid), "-n", "ip")
        for words in ((*"ip link add name node type veth peer name out netns".split(), str(self._outside.pid)),
                      "ip address add 172.30.0.1/24 dev node".split(), "ip link set node up".split(),
                      (*there, *"address add 172.30.0.2/24 dev out".split()), (*there, *"link set out up".split()),
                      (*there, *f"route add default via {NODE_IP}".split()),
                      f"ip route add {SERVICES} dev lo src {NODE_IP}".split()):
            done = process.run(words)
            if done.returncode:
                raise AssertionError(f"{' '.join(words)}: {done.stderr}")
        with open("/proc/sys/net/ipv4/ip_forward", "w") as f:  # this namespace's own
            f.write("1")

    async def _move(self):
        with open(f"/proc/{self._outside.pid}/ns/net") as f:
            if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), 0):
                raise OSError(ctypes.get_errno(), "setns")

    def _is_ready(self):
        for node in self.api.list("Node"):
            if any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"].get("conditions", [])):
                return not node["spec"].get("taints")
        return False

    # ------------------------------------------------------------------------------------------------------------ what runs

    def load_programs(self):
        """Our images, as deploy/images/Containerfile says."""
        for target in PROGRAMS:
            self.machine.load(image.ours(self.t, target, f"{REGISTRY}/weirlock-{target}:{chart_version()}"))

    def load_backend(self):
        """harness.pod as a pod: the image is empty, Python is this machine's."""
        root = os.path.join(self.t.directory, "image-backend")
        for folder in ("usr", "etc", "tests", "tmp", "proc", "sys", "dev"):
            os.makedirs(os.path.join(root, folder))
        for folder in ("bin", "lib", "lib64"):
            os.symlink("usr/" + folder, os.path.join(root, folder))
        self.machine.load(image.archive(root, BACKEND, {"User": "65534:65534", "Env": ["PYTHONPATH=/tests", "PYTHONDONTWRITEBYTECODE=1"]}))

    def backend(self, name, namespace, replicas, note="0"):
        """A Deployment and its Service. Pods answer with their name, and leave as pods do that are rolled: when told to, they first wait
        until proxies know."""
        labels = {"app": name}
        mounts = {"usr": "/usr", "tests": os.path.join(scenario.ROOT, "tests")}
        container = {
            "name": "backend", "image": BACKEND, "command": ["/usr/bin/python3", "-m", "harness.pod", "$(POD_NAME)", "at=0.0.0.0:8080"],
            "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
            "ports": [{"name": "http", "containerPort": 8080}],
            "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1},
            "lifecycle": {"preStop": {"sleep": {"seconds": 2}}},
            "volumeMounts": [{"name": n, "mountPath": "/" + n, "readOnly": True} for n in mounts]}
        return [
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace}, "spec": {
                "replicas": replicas, "selector": {"matchLabels": labels},
                "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
                "template": {"metadata": {"labels": labels, "annotations": {"note": note}}, "spec": {
                    "containers": [container], "automountServiceAccountToken": False,
                    "volumes": [{"name": n, "hostPath": {"path": path}} for n, path in mounts.items()]}}}},
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace}, "spec": {
                "selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}}]

    def pods(self, namespace, **labels):
        """Those that are not on their way out."""
        wanted = {"app.kubernetes.io/" + k: v for k, v in labels.items()}
        return [p for p in self.api.list("Pod", namespace) if wanted.items() <= p["metadata"]["labels"].items()
                and not p["metadata"].get("deletionTimestamp")]

    def leaving(self, namespace):
        return [p for p in self.api.list("Pod", namespace) if p["metadata"].get("deletionTimestamp")]

    def process_of(self, pod):
        """The process of its one container, as this machine knows it."""
        container = pod["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2]
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cgroup") as f:
                    if container in f.read():
                        return int(pid)
            except OSError:
                continue
        raise AssertionError(f"{pod['metadata']['name']} has no process")

    def resident_kib(self, pod):
        with open(f"/proc/{self.process_of(pod)}/status") as f:
            return int(re.search(r"^VmRSS:\s+(\d+)", f.read(), re.M).group(1))

    def identity_of(self, pod):
        """What its program reads: {name: content}."""
        folder = f"/proc/{self.process_of(pod)}/root/etc/weirlock/identity"
        found = {}
        for name in ("tls.crt", "tls.key", "ca.crt"):
            with open(os.path.join(folder, name)) as f:
                found[name] = f.read()
        return found

    def log_of(self, pod):
        return self.api.kubectl("logs", "-n", pod["metadata"]["namespace"], pod["metadata"]["name"])

    @staticmethod
    def seconds_until_ready(pod):
        ready, = (c["lastTransitionTime"] for c in pod["status"]["conditions"] if c["type"] == "Ready")
        at = [datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (pod["metadata"]["creationTimestamp"], ready)]
        return (at[1] - at[0]).total_seconds()

    def balance(self, service, namespace):
        """What the balancer of a cloud says: where the Service is from outside."""
        self.api.request("PATCH", self.api.path("Service", namespace, service) + "/status",
                         {"status": {"loadBalancer": {"ingress": [{"ip": BALANCER_IP}]}}}, "application/merge-patch+json")

    def clients(self, host, what, n, every, address=(BALANCER_IP, 80)):
        """From outside, by default through the balancer."""
        if not self._loop:
            self._loop = soak.Loop()
            self._loop.call(self._move())
        return soak.Clients(self._loop, address, host, every, seconds=60).start(n, what)

    @staticmethod
    def get(address, host):
        with wire.Client(address) as client:
            return client.get("/", host)

    def addresses_of(self, service, namespace):
        """As a cluster's name server has them: of a headless Service those of its pods that are ready."""
        try:
            found = self.api.get("Service", service, namespace)["spec"]["clusterIPs"]
        except Refused:
            return None
        if found != ["None"]:
            return found
        slices = self.api.request("GET", self.api.path("EndpointSlice", namespace) + "?labelSelector=kubernetes.io/service-name%3D" + service)["items"]
        return [a for s in slices for e in s["endpoints"] or [] if e["conditions"].get("ready") for a in e["addresses"]]

    def rolled(self, what, namespace, seconds=180):
        """kubectl's own word for it."""
        return self.api.kubectl("rollout", "status", what, "-n", namespace, f"--timeout={seconds}s", seconds=seconds + 10)

    def story(self, namespace):
        """What a person would look at when pods are not as they should be."""
        said = [self.api.kubectl("get", "pods", "-n", namespace, "-o", "wide", status=None),
                self.api.kubectl("get", "events", "-n", namespace, "--sort-by=.lastTimestamp", status=None)]
        for pod in self.api.list("Pod", namespace):
            said.append(pod["metadata"]["name"] + "\n" + self.api.kubectl("logs", "--tail=20", "-n", namespace, pod["metadata"]["name"], status=None))
        return "\n".join(said)


def chart_version():
    with open(chart.CHART + "/Chart.yaml") as f:
        return re.search(r'^appVersion: "?([^"\n]+)', f.read(), re.M).group(1)


def stripped(o):
    """An object of manifests as one would write it for kubectl."""
    return dict(o, metadata={k: v for k, v in o["metadata"].items() if k not in ("uid", "creationTimestamp")})


def is_ready(pod):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
