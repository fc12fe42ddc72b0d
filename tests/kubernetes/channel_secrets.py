"""The leader makes the identities of the channel in Secrets, with rights to those names alone; killed half way, another one goes on. They
are renewed, and so is the CA, under sessions that stay; what nobody of ours made is never written to. (CHANNEL.md 3, 4.4)"""
import base64
import os
import subprocess

from harness import manifests, wait
from harness.kubernetes import OWN

SECONDS = 400
PREFIX = "weirlock-channel"
WHO = ("ca", "controller", "operator", "proxy", "proxy-edge")
NAMES = [f"{PREFIX}-{who}" for who in WHO]
RIGHTS = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
          {"apiGroups": [""], "resources": ["secrets"], "resourceNames": NAMES, "verbs": ["get", "update"]}]


def secrets(c):
    """Those of the channel that are there, by who they are of: their data."""
    return {o["metadata"]["name"][len(PREFIX) + 1:]: {k: base64.b64decode(v) for k, v in o["data"].items()}
            for o in c.api.list("Secret", "weirlock") if o["metadata"]["name"] in NAMES}


def mount(c, who, directory):
    """As a kubelet does: the files of the Secret as it is now. What was mounted."""
    os.makedirs(directory, exist_ok=True)
    data = secrets(c).get(who, {})
    for name in ("ca.crt", "tls.key", "tls.crt"):
        path = os.path.join(directory, name)
        if os.path.exists(path) and open(path, "rb").read() == data[name]:
            continue
        with open(path + ".new", "wb") as f:
            f.write(data[name])
        os.rename(path + ".new", path)
    return data


def serial(crt):
    return subprocess.run(["openssl", "x509", "-noout", "-serial"], input=crt, capture_output=True, check=True).stdout


def run(t):
    c = t.kube_cluster(own_rules=OWN + RIGHTS)
    c.route("web.test", c.backend())

    def start(name, *options, wait_ready=True):
        directory = os.path.join(t.directory, name + ".identity")
        os.makedirs(directory, exist_ok=True)
        return c.controller(name, options=["--identity", directory, "--channel-secrets", PREFIX, "--pool", "edge=class:public",
                                            "--election-ttl", "6s", *options], wait_ready=wait_ready)

    # one that is there and is nobody's of ours: nothing is made, and it stays as it is
    c.apply(manifests.secret_data(f"{PREFIX}-proxy", namespace="weirlock", tls_crt="mine", tls_key="mine"))
    first = start("first", wait_ready=False)
    first.wait_log(rf"Secret weirlock/{PREFIX}-proxy: .*no controller made it", seconds=60)
    t.equal(set(secrets(c)), {"proxy"})
    first.kill()
    c.controllers.clear()
    c.api.delete(manifests.secret_data(f"{PREFIX}-proxy", namespace="weirlock"))

    # the leader is killed when it has made the first of them: another goes on from there
    first, second = start("second", wait_ready=False), start("third", wait_ready=False)
    wait.until(lambda: "ca" in secrets(c), "the CA is made", 60)
    ca = secrets(c)["ca"]
    made_by = wait.until(lambda: next((p for p in (first, second) if f"made {PREFIX}-ca" in p.err()), None), "one made it")
    made_by.kill()
    c.controllers.remove(made_by)
    other = c.controllers[0].wait_ready(60)
    t.equal(secrets(c)["ca"]["tls.crt"], ca["tls.crt"], "the CA that was there is used")
    wait.until(lambda: set(secrets(c)) == set(WHO), "whoever leads then makes the rest", 60)

    # a proxy is of the pool that its Secret is of
    for who in ("proxy-edge", "operator"):
        mount(c, who, os.path.join(t.directory, "first-" + who))
    of_edge = c.proxy("of-edge", identity=os.path.join(t.directory, "first-proxy-edge"))
    rows = c.inspect("--identity", os.path.join(t.directory, "first-operator"), "status", status=None)
    t.equal([(row["name"], row["identity"]) for row in rows if row["role"] == "proxy"], [("of-edge", "spiffe://weirlock/proxy/edge")])
    of_edge.stop()
    c.proxies.clear()

    # whoever starts later finds them, and has the session key of all
    late = start("late", wait_ready=False).wait_ready(60)
    t.equal(late.stop(), 0)
    other.stop()
    c.controllers.clear()
    for name in NAMES:
        c.api.delete(manifests.secret_data(name, namespace="weirlock"))

    # lives of some seconds: all is renewed, the CA too, and nobody loses a session
    pair = [start(n, "--channel-identity-life", "5s", "--channel-ca-life", "20s", wait_ready=False) for n in ("fourth", "fifth")]
    for p in pair:
        p.wait_ready(60)
    proxy_identity = os.path.join(t.directory, "mounted")
    before = mount(c, "proxy", proxy_identity)
    first_ca = secrets(c)["ca"]["tls.crt"]
    proxy = c.proxy(identity=proxy_identity)
    c.until_serves("web.test")
    found = proxy.err().count("controller found")
    session = secrets(c)["controller"]["session.key"]

    def renewed():
        mount(c, "proxy", proxy_identity)
        return serial(secrets(c)["proxy"]["tls.crt"]) != serial(before["tls.crt"])

    wait.until(renewed, "the proxy's certificate is renewed", 60)

    def ca_renewed():
        mount(c, "proxy", proxy_identity)
        return secrets(c)["ca"]["tls.crt"] != first_ca

    wait.until(ca_renewed, "another CA signs", 200)
    t.equal(secrets(c)["controller"]["session.key"], session)
    c.config(**{"hide-headers": "x-none"})
    c.route("more.test", c.backend("more"))
    c.until_serves("more.test")
    t.equal(proxy.err().count("controller found"), found, "sessions of the proxy")
    t.check(all(p.is_running for p in pair), "both controllers run")

    # the operator's is good as well, of this CA or the one before
    operator = os.path.join(t.directory, "operator")
    mount(c, "operator", operator)
    c.weirctl("--identity", operator, "status", status=None)
