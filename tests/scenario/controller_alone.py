"""The controller by itself: usage errors and their status, ready line, problems said once and unsaid,
endpoints ahead of the rest, the same id after a restart."""
import re

from harness import process, wait
from harness.manifests import ingress


def usage(t, c, status, *options, says):
    done = t.keep(process.run([t.program("weirlock-controller"), *options]))
    t.equal(done.returncode, status, " ".join(options))
    t.contains(done.stderr, says)
    t.equal(done.stdout, "", "stdout is for the ready line")


def snapshot_id(controller):
    return controller.wait_log(r"snapshot id=([0-9a-f]{12})").group(1)


def run(t):
    c = t.cluster()
    here, insecure = c.manifests, ("--insecure", "--listen", f"ipc://{t.directory}/c.ipc", "--admin", "127.0.0.1:0")
    usage(t, c, 2, says="where do objects come from? Give --manifests PATH")
    usage(t, c, 2, "--manifests", here, says="--identity DIR is needed")
    usage(t, c, 2, "--manifests", here, "--insecure", "--listen", "127.0.0.1:7443", says="not a tcp://HOST:PORT")
    usage(t, c, 2, *insecure, "--manifest", here, says="did you mean --manifests?")
    usage(t, c, 2, "--manifests", here, "--kubeconfig", "x", says="objects come from one of them")
    usage(t, c, 2, "--manifests", here, "--watch-namespace-selector", "a=b", says="name the namespaces by --watch-namespace")
    usage(t, c, 2, "--kubeconfig", "x", "--watch-namespace", "a", "--watch-namespace-selector", "b", says="give one of them")
    usage(t, c, 5, *insecure, "--kubeconfig", here + "/none", says="none: No such file or directory")
    usage(t, c, 2, "--manifests", here, "--insecure", "--listen", "tcp://0.0.0.0:0", says="--insecure with --listen")
    usage(t, c, 2, *insecure, "--manifests", here, "--configmap", "x", says="is not NAMESPACE/NAME")
    # what is written to a cluster (N5, N6)
    away = (*insecure, "--kubeconfig", "x")
    usage(t, c, 2, *insecure, "--manifests", here, "--publish-service", "a/b", says="nothing is written with --manifests; leave it out")
    usage(t, c, 2, *away, "--publish-service", "a/b", "--publish-status-address", "203.0.113.1", says="give one of them")
    usage(t, c, 2, *away, "--publish-service", "proxies", says="--publish-service: 'proxies' is not NAMESPACE/NAME")
    usage(t, c, 2, *away, "--publish-status-address", "203.0.113.1,lb:80", says="'lb:80' is neither an IP address nor a host name; write 203")
    usage(t, c, 2, *away, "--publish-status-address", ",", says="--publish-status-address: is empty")
    usage(t, c, 2, *away, "--election-ttl", "30", says="--election-ttl: '30' is not a duration of whole seconds from 3s to 1h; write 30s")
    usage(t, c, 2, *away, "--election-ttl", "3500ms", says="--election-ttl: '3500ms' is not")
    usage(t, c, 2, *away, "--election-id", "Lead er", says="--election-id: 'Lead er' is not a name; write lower-case letters")
    usage(t, c, 2, *away, "--pod-namespace", "a/b", says="--pod-namespace: 'a/b' is not a name")
    usage(t, c, 2, *away, "--update-status=no", says="--update-status: 'no' is not true or false")
    usage(t, c, 5, *insecure, "--manifests", here + "/none", says="no such file or directory")
    usage(t, c, 5, "--manifests", here, "--identity", here, "--admin", "127.0.0.1:0", says="tls.crt")
    usage(t, c, 4, *insecure[:3], "--manifests", here, "--admin", "192.0.2.1:1", says="--admin 192.0.2.1:1")

    good = ingress("a", "a.test", "/", "web")
    bad = ingress("a", "a.test", "web", "web")  # a path without a slash
    c.apply(good)
    first = c.controller()
    t.equal(sorted(first.ready), ["admin", "control"])
    t.equal(c.admin("/healthz", first).status, 200)
    t.equal(c.admin("/readyz", first).status, 200)
    t.contains(c.admin("/metrics", first).text, 'weirlock_controller_objects{kind="Ingress"} 1')
    c.apply(bad)
    first.wait_log(r"warn controller: problem: Ingress default/a: spec\.rules\[0\]\.http\.paths\[0\]\.path: 'web' is not a path")
    t.contains(c.admin("/metrics", first).text, 'weirlock_controller_objects{kind="Ingress"} 1')
    c.apply(ingress("b", "b.test", "/", "web"))
    wait.until(lambda: 'kind="Ingress"} 2' in c.admin("/metrics", first).text, "the other Ingress is taken")
    c.apply(good)
    first.wait_log(r"info controller: problem gone: Ingress default/a: spec\.rules")
    t.equal(len(re.findall(r"problem: Ingress default/a: spec", first.err())), 1, "each problem is said once")
    c.delete(ingress("b", "b.test", "/", "web"))
    wait.until(lambda: 'kind="Ingress"} 1' in c.admin("/metrics", first).text, "the other Ingress is gone")

    # endpoints go out by themselves: one part is built, and one snapshot goes out
    def parts():
        return int(re.search(r"^weirlock_controller_parts_built_total (\d+)", c.admin("/metrics", first).text, re.M).group(1))

    def step(change):
        n, ids = parts(), len(re.findall("publish: snapshot id=", first.err()))
        change()
        wait.until(lambda: parts() > n, "a build of the endpoints")
        t.equal(parts(), n + 1, "that of one Service")
        t.equal(len(re.findall("publish: snapshot id=", first.err())), ids + 1, "one snapshot went out")

    c.expose("web", t.refusing(), t.refusing())
    first.wait_log(r"publish: snapshot id=(.|\n)*problem gone: Ingress default/a: backend")
    one, two, three = t.refusing(), t.refusing(), t.refusing()
    step(lambda: c.endpoints("web", one, two))
    step(lambda: c.endpoints("web", one, two, three))
    step(lambda: c.endpoints("web", three))
    t.check("defect" not in first.err(), "nothing is built otherwise than from nothing")
    c.endpoints("web")
    first.wait_log(r"problem gone: Ingress default/a: backend(.|\n)*problem: Ingress default/a: backend")
    t.check("defect" not in first.err(), "nothing is built otherwise than from nothing")

    before = re.findall(r"snapshot id=([0-9a-f]{12})", first.err())[-1]
    t.equal(first.stop(), 0, "status after SIGTERM")
    second = c.controller()
    t.equal(snapshot_id(second), before, "the same cluster has the same id after a restart")
