"""A real API server with its etcd, as long as one case runs, and a cluster of ours that lives on it. Keys, roles and bootstrap
objects are made here; the program is what tests/kubernetes/build makes. Cases run in a network namespace of their own, because
an API server takes no loopback address for an endpoint: 10.244.0.0/16 is on lo there."""
import base64
import http.client
import itertools
import json
import os
import ssl
import subprocess
import threading
import time

from . import cluster, process, wait

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(os.path.dirname(HERE), "kubernetes", "build")
LEEWAY_S = 60  # so long after its end the API server takes a token
ISSUER = "https://kubernetes.default.svc"

# kind → (path of its group and version, plural, whether it is in a namespace)
KINDS = {
    "Ingress": ("/apis/networking.k8s.io/v1", "ingresses", True),
    "IngressClass": ("/apis/networking.k8s.io/v1", "ingressclasses", False),
    "Service": ("/api/v1", "services", True),
    "EndpointSlice": ("/apis/discovery.k8s.io/v1", "endpointslices", True),
    "Secret": ("/api/v1", "secrets", True),
    "ConfigMap": ("/api/v1", "configmaps", True),
    "Namespace": ("/api/v1", "namespaces", False),
    "Node": ("/api/v1", "nodes", False),
    "Pod": ("/api/v1", "pods", True),
    "Event": ("/api/v1", "events", True),
    "ServiceAccount": ("/api/v1", "serviceaccounts", True),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases", True),
    "ValidatingWebhookConfiguration": ("/apis/admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", False),
    "Deployment": ("/apis/apps/v1", "deployments", True),
    "Role": ("/apis/rbac.authorization.k8s.io/v1", "roles", True),
    "RoleBinding": ("/apis/rbac.authorization.k8s.io/v1", "rolebindings", True),
    "ClusterRole": ("/apis/rbac.authorization.k8s.io/v1", "clusterroles", False),
    "ClusterRoleBinding": ("/apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", False),
}


def built(name):
    """Where what tests/kubernetes/build makes is."""
    done = process.run([BUILD, name], 1500)
    if done.returncode:
        raise AssertionError(f"{name} is not there: {done.stderr}")
    return done.stdout.strip()


class Refused(AssertionError):
    def __init__(self, status, text):
        super().__init__(f"the API server says {status}: {text[:600]}")
        self.status = status


class Server(process.Process):
    """etcd or the API server: ended at once, since on SIGTERM the latter waits for its watchers, a minute each."""

    def close(self):
        self.kill()
        return super().close()


class ApiServer:
    # Name of a file → (subject, usage, other names) of a certificate
    certificates = {
        "server": ("/CN=kube-apiserver", "serverAuth", "IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc"),
        "admin": ("/O=system:masters/CN=admin", "clientAuth", "DNS:admin"),
    }
    # Nobody makes accounts for namespaces here, and nobody asks the Service of the API server.
    own_options = ("--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1", "--endpoint-reconciler-type", "none",
                   "--authorization-mode", "RBAC", "--disable-admission-plugins", "ServiceAccount")

    def __init__(self, scenario):
        self.scenario, self.directory = scenario, os.path.join(scenario.directory, "kubernetes")
        os.mkdir(self.directory)
        self.program = built("server")
        self.port, self.etcd_port = wait.free_port(), wait.free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self._times = itertools.count(1)
        self._own = threading.local()
        self._make_keys()
        for name, (_, usage, _) in self.certificates.items():
            if usage == "clientAuth":
                self._write_kubeconfig(name + ".kubeconfig", {"client-certificate": self._file(name + ".crt"), "client-key": self._file(name + ".key")})
        self.start_etcd()
        self.start()

    def _file(self, name):
        return os.path.join(self.directory, name)

    # ------------------------------------------------------------------------------------------------------ keys

    def _openssl(self, *words, stdin=None):
        done = process.run(["openssl", *words], 30, stdin=stdin)
        if done.returncode:
            raise AssertionError(done.stderr)

    def _make_keys(self):
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        self._openssl("req", "-x509", *curve, "-days", "2", "-subj", "/CN=ca", "-keyout", self._file("ca.key"), "-out", self._file("ca.crt"))
        for name, (subject, usage, names) in self.certificates.items():
            self._openssl("req", "-x509", *curve, "-days", "2", "-subj", subject, "-CA", self._file("ca.crt"), "-CAkey", self._file("ca.key"),
                          "-addext", "subjectAltName=" + names, "-addext", "extendedKeyUsage=" + usage, "-addext",
                          "basicConstraints=critical,CA:FALSE", "-keyout", self._file(name + ".key"), "-out", self._file(name + ".crt"))
        self._openssl("genrsa", "-out", self._file("sa.key"), "2048")
        self._openssl("rsa", "-in", self._file("sa.key"), "-pubout", "-out", self._file("sa.pub"))

    def _write_kubeconfig(self, name, user, server=None):
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "c",
                  "clusters": [{"name": "c", "cluster": {"server": server or self.url, "certificate-authority": self._file("ca.crt")}}],
                  "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}], "users": [{"name": "u", "user": user}]}
        with open(self._file(name), "w") as f:
            json.dump(config, f)
        return self._file(name)

    # -------------------------------------------------------------------------------------------------- programs

    def start_etcd(self):
        peer = wait.free_port()
        client = f"http://127.0.0.1:{self.etcd_port}"
        self.etcd = self.scenario.own(Server(f"etcd-{next(self._times)}", [
            self.program, "etcd", "--data-dir", self._file("etcd"), "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", f"http://127.0.0.1:{peer}", "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
            "--initial-cluster", f"default=http://127.0.0.1:{peer}", "--unsafe-no-fsync", "--log-level", "error"], self.directory))

    def start(self, *options):
        self.server = self.scenario.own(Server(f"kube-apiserver-{next(self._times)}", [
            self.program, "kube-apiserver", "--etcd-servers", f"http://127.0.0.1:{self.etcd_port}", "--secure-port", self.port,
            "--tls-cert-file", self._file("server.crt"), "--tls-private-key-file", self._file("server.key"),
            "--client-ca-file", self._file("ca.crt"), "--service-account-key-file", self._file("sa.pub"),
            "--service-account-signing-key-file", self._file("sa.key"), "--service-account-issuer", ISSUER,
            "--service-cluster-ip-range", "10.96.0.0/16", "--cert-dir", self.directory, "--profiling=false", "--v", "0",
            *self.own_options, *options], self.directory))
        self._connection = None
        wait.until(lambda: self._is_ready(), "the API server is ready", 120, 0.1)

    def _is_ready(self):
        if not self.server.is_running:
            raise AssertionError("the API server ended:\n" + process.tail(self.server.err()))
        try:
            self.request("GET", "/readyz")
            self.request("GET", "/api/v1/namespaces/default")
            return True
        except Refused:
            return False

    def restart(self, *options):
        """As after a crash; etcd has all that it knew."""
        self.server.kill()
        self.start(*options)

    # ------------------------------------------------------------------------------------------------------ calls

    @property
    def _connection(self):
        """Of this thread."""
        return getattr(self._own, "connection", None)

    @_connection.setter
    def _connection(self, connection):
        self._own.connection = connection

    def request(self, method, path, body=None, kind="application/json", token=None):
        """Parsed JSON, or the text. One connection is kept."""
        headers = {"Content-Type": kind}
        context = None
        if token:
            headers["Authorization"] = "Bearer " + token
            context = ssl.create_default_context(cafile=self._file("ca.crt"))
        for attempt in (1, 2):
            connection = self._connection if not token else None
            is_kept = connection is not None
            if not connection:
                if not context:
                    context = ssl.create_default_context(cafile=self._file("ca.crt"))
                    context.load_cert_chain(self._file("admin.crt"), self._file("admin.key"))
                connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=60)
            try:
                connection.request(method, path, json.dumps(body) if body is not None else None, headers)
                response = connection.getresponse()
                text = response.read().decode()
                break
            except (OSError, http.client.HTTPException) as error:
                self._connection = None
                if not is_kept or attempt == 2:
                    raise OSError(str(error)) from error
        if not token:
            self._connection = connection
        if response.status >= 300:
            raise Refused(response.status, text)
        return json.loads(text) if text.startswith("{") else text

    @staticmethod
    def path(kind, namespace=None, name=None):
        base, plural, is_namespaced = KINDS[kind]
        return base + (f"/namespaces/{namespace}" if is_namespaced and namespace else "") + "/" + plural + (f"/{name}" if name else "")

    def path_of(self, o):
        return self.path(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"])

    def apply(self, o):
        """Server-side apply, as kubectl does it; the object as stored."""
        return self.request("PATCH", self.path_of(o) + "?fieldManager=test&force=true", o, "application/apply-patch+yaml")

    def get(self, kind, name, namespace=None):
        return self.request("GET", self.path(kind, namespace, name))

    def list(self, kind, namespace=None):
        return self.request("GET", self.path(kind, namespace))["items"]

    def delete(self, o):
        self.request("DELETE", self.path_of(o))

    def kubectl(self, *words, stdin=None, status=0, seconds=60):
        done = process.run([self.program, "kubectl", "--kubeconfig", self._file("admin.kubeconfig"), *words], seconds, stdin=stdin,
                           env={"HOME": self.directory})
        if status is not None and done.returncode != status:
            raise AssertionError(f"kubectl {' '.join(words)}: status {done.returncode}\n{done.stdout[:2000]}{done.stderr[:2000]}")
        return done.stdout if status == 0 else done.stdout + done.stderr

    def compact(self):
        """etcd forgets all but what is now."""
        def call(path, body):
            connection = http.client.HTTPConnection("127.0.0.1", self.etcd_port, timeout=30)
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())
            connection.close()
            return answer
        revision = call("/v3/kv/range", {"key": base64.b64encode(b"x").decode()})["header"]["revision"]
        call("/v3/kv/compaction", {"revision": revision, "physical": True})

    # --------------------------------------------------------------------------------------------------- accounts

    def namespace(self, name, **labels):
        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        if labels:
            made["metadata"]["labels"] = labels
        return self.apply(made)

    def account(self, name, namespace):
        self.namespace(namespace)
        return self.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}})

    def token(self, name, namespace, seconds=None):
        """A token of the account: the API server's own, or one that lives for so few seconds as it would never give."""
        if seconds is None:
            made = self.request("POST", self.path("ServiceAccount", namespace, name) + "/token",
                                {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}})
            return made["status"]["token"]
        uid = self.get("ServiceAccount", name, namespace)["metadata"]["uid"]
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": [ISSUER], "sub": f"system:serviceaccount:{namespace}:{name}", "iat": now, "nbf": now,
                  "exp": now + seconds - LEEWAY_S, "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name, "uid": uid}}}
        words = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
        signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self._file("sa.key")], input=b".".join(words),
                                capture_output=True, timeout=30, check=True).stdout
        return b".".join([*words, base64.urlsafe_b64encode(signed).rstrip(b"=")]).decode()

    def write_token(self, path, token):
        """As the kubelet does: renamed into place."""
        with open(path + ".new", "w") as f:
            f.write(token)
        os.rename(path + ".new", path)

    def kubeconfig(self, name, namespace, server=None, seconds=None):
        """Of an account, with its token in a file of its own, which may be rotated: (kubeconfig, token file)."""
        token_path = self._file(f"{namespace}.{name}.token")
        self.write_token(token_path, self.token(name, namespace, seconds))
        return self._write_kubeconfig(f"{namespace}.{name}.kubeconfig", {"tokenFile": token_path}, server), token_path


# What the controller needs, by what for. deploy/ has the same, and a case compares them.
READS = [
    {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses", "ingressclasses"], "verbs": ["list", "watch"]},
    {"apiGroups": [""], "resources": ["services"], "verbs": ["list", "watch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    {"apiGroups": [""], "resources": ["secrets", "configmaps"], "verbs": ["list", "watch"]},
]

# What the leader of all controllers writes, where Ingresses are.
WRITES = [
    {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses/status"], "verbs": ["patch"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
]
# Nodes of the proxies: only where neither --publish-service nor --publish-status-address is given.
NODES = [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}]
# In the namespace where it runs: the Lease by which one leads; the pods of proxies, and whether another controller runs.
OWN = [
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": ["ingress-controller-leader"], "verbs": ["get", "update"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
]


class KubeCluster(cluster.Cluster):
    """As Cluster, with the API server in the place of files. Backends are at 10.244.0.1."""
    host = "10.244.0.1"
    account = ("weirlock", "weirlock")

    def __init__(self, scenario, rules=READS, write_rules=WRITES + NODES, own_rules=OWN):
        self.api = ApiServer(scenario)
        self._namespaces, self._slices = {"default"}, {}
        self.api.account(*self.account)
        self.grant(rules)
        self.grant(write_rules, name="weirlock-writes")
        self.grant(own_rules, self.account[1], "weirlock-own")
        super().__init__(scenario)
        self.kubeconfig, self.token_path = self.api.kubeconfig(*self.account)

    def grant(self, rules, namespace=None, name="weirlock"):
        """The account may do this, in the cluster or in one namespace, and nothing else by this name."""
        kind = "Role" if namespace else "ClusterRole"
        meta = {"name": name, **({"namespace": namespace} if namespace else {})}
        api = "rbac.authorization.k8s.io/v1"
        self.api.apply({"apiVersion": api, "kind": kind, "metadata": meta, "rules": rules})
        self.api.apply({"apiVersion": api, "kind": kind + "Binding", "metadata": meta,
                        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
                        "subjects": [{"kind": "ServiceAccount", "name": self.account[0], "namespace": self.account[1]}]})

    def backend(self, name="backend", **rest):
        return self.scenario.backend(name, host=self.host, **rest)

    def apply(self, *objects):
        for o in objects:
            o = json.loads(json.dumps(o))
            meta = o["metadata"]
            for key in ("uid", "creationTimestamp"):
                meta.pop(key, None)
            if o["kind"] == "Service" and o["spec"].get("clusterIP", "").startswith("10.96.0."):
                del o["spec"]["clusterIP"]
            if o["kind"] == "EndpointSlice":
                for endpoint in o["endpoints"]:
                    endpoint["addresses"] = [a.replace("127.0.0.1", self.host) for a in endpoint["addresses"]]
            namespace = meta.get("namespace")
            if namespace and namespace not in self._namespaces:
                self.api.namespace(namespace)
                self._namespaces.add(namespace)
            self.api.apply(o)
        return self

    def delete(self, *objects):
        for o in objects:
            self.api.delete(o)
        return self

    def endpoints(self, name, *backends, namespace="default"):
        from . import manifests
        for number, backend in enumerate(backends):
            self.apply(manifests.slice_of(name, backend.address, namespace, number))
        for number in range(len(backends), self._slices.get((namespace, name), 0)):
            self.delete(manifests.slice_of(name, (self.host, 1), namespace, number))
        self._slices[namespace, name] = len(backends)
        return self

    def source_options(self):
        return ["--kubeconfig", self.kubeconfig, "--pod-namespace", self.account[1]]
