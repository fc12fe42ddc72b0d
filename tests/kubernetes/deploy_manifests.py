"""All that deploy/ offers is taken by the API server and by restricted pod security; its options are those of the programs, and bad
values are refused by name."""
import json
import re

from harness import chart, kubernetes, process, wait

SECONDS = 300

REFUSED = (  # values, what is said
    (["proxy.kind=StatefulSet"], "/proxy/kind': value must be one of 'Deployment', 'DaemonSet'"),
    (["image.tagg=1"], "/image': additional properties 'tagg' not allowed"),
    (["proxy.replicas=0"], "/proxy/replicas': minimum: got 0, want 1"),
    (["proxy.ports.http=70000"], "/proxy/ports/http': maximum: got 70,000, want 65,535"),
    (["watchNamespaces=shop"], "/watchNamespaces': got string, want array"),
    (["watchNamespaces={Shop}"], "/watchNamespaces/0': 'Shop' does not match pattern"),
    (["watchNamespaces={shop}", "watchNamespaceSelector=a=b"], "/watchNamespaceSelector': maxLength"),
    (["tcp.5432=postgres"], "/tcp/5432': 'postgres' does not match pattern"),
    (["tcp.web=a/b:80"], "'web' does not match pattern"),
    (["controller.logLevel=loud"], "/controller/logLevel': value must be one of 'error', 'warn', 'info', 'debug'"),
    (["defaultCertificate.secret=wildcard"], "/defaultCertificate/secret': 'wildcard' does not match pattern"),
    (["admission.failurePolicy=Maybe"], "/admission/failurePolicy': value must be one of 'Ignore', 'Fail'"),
    (["status.addresses={a b}"], "/status/addresses/0': 'a b' does not match pattern"),
    (["pools[0].name=Edge", "pools[0].serves=all"], "/pools/0/name': 'Edge' does not match pattern"),
    (["pools[0].name=edge"], "/pools/0': missing property 'serves'"),
    (["pools[0].name=edge", "pools[0].serves=some"], "/pools/0/serves': 'some' does not match pattern"),
    (["pools[0].name=default", "pools[0].serves=none"], "pools: none is left that serves anything"),
    (["networkPolicy.proxyNeverTo={metadata}"], "/networkPolicy/proxyNeverTo/0': 'metadata' does not match pattern"),
    (["proxy.service.externalTrafficPolicy=local"], "/proxy/service/externalTrafficPolicy': value must be one of"),
)


def run(t):
    api = kubernetes.ApiServer(t)
    api.kubectl("apply", "--server-side", "-f", kubernetes.built("cert-manager"))
    for plural in ("issuers", "certificates"):
        wait.until(lambda: is_served(api, plural), f"cert-manager's {plural} are known", 60)
    chart.helm("lint", "--strict", chart.CHART)
    done = process.run([f"{chart.DEPLOY}/kustomize/make", "--check", kubernetes.built("helm")], 120)
    t.equal(done.returncode, 0, "kustomize has what the chart has:\n" + done.stdout + done.stderr)
    api.namespace("restricted", **{"pod-security.kubernetes.io/enforce": "restricted"})
    options = {program: known_options(t, program) for program in ("controller", "proxy")}

    for name, text in chart.variants(api):
        chart.namespaces(api, text)
        found = chart.objects(api, text)
        check_variant(t, name, found)
        own = chart.find(found, "Namespace", "weirlock")
        for workload, pod in chart.pods(found):
            uses_node = check_pod(t, api, f"{name}, {workload}", pod, options)
            if own:
                enforced = own["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
                t.equal(enforced, "privileged" if "daemonset" in name else "restricted", name)
                t.check(not uses_node or enforced == "privileged", f"{name}: its namespace takes its pods")

    for values, says in REFUSED:
        words = [word for value in values for word in ("--set", value)]
        t.contains(chart.template(*words, status=1), says)


def is_served(api, plural):
    try:
        return bool(api.request("GET", f"/apis/cert-manager.io/v1/{plural}"))
    except kubernetes.Refused:
        return False


def check_variant(t, name, found):
    kinds = {o["kind"] for o in found}
    for kind in ("NetworkPolicy", "PodDisruptionBudget", "Service", "ConfigMap", "ServiceAccount", "ClusterRole"):
        t.check(kind in kinds, f"{name} has a {kind}")
    workload = "DaemonSet" if "daemonset" in name else "Deployment"
    t.check(chart.find(found, workload, "weirlock-proxy"), f"{name}: the proxies are a {workload}")
    t.equal("HorizontalPodAutoscaler" in kinds, workload == "Deployment" and "everything" not in name, f"{name}: autoscaling")
    service = chart.find(found, "Service", "weirlock-proxy")
    labels = service["spec"]["selector"]
    for _, pod in chart.pods(found):
        is_proxy = labels.items() <= pod["metadata"]["labels"].items()
        t.equal(is_proxy, pod["metadata"]["name"].endswith("-proxy"), f"{name}: the Service selects its pool's proxies alone")
        if is_proxy:  # each port that the Service leads to is there
            there = {p["name"] for p in pod["spec"]["containers"][0]["ports"]}
            wanted = {p["targetPort"] for p in service["spec"]["ports"]}
            t.check(wanted <= there, f"{name}: {wanted} are ports of the pod: {there}")
    # nothing but the controller has any right
    for o in found:
        for subject in o.get("subjects", []):
            t.equal((subject["kind"], subject["name"], subject["namespace"]), ("ServiceAccount", "weirlock-controller", "weirlock"))


def check_pod(t, api, what, pod, options):
    spec = pod["spec"]
    program = "proxy" if "-proxy" in pod["metadata"]["name"] else "controller"
    t.equal(spec["automountServiceAccountToken"], program == "controller", what)
    uses_node = check_admitted(t, api, what, pod)
    container, = spec["containers"]
    t.equal(container["securityContext"]["readOnlyRootFilesystem"], True, what)
    mounts = {m["mountPath"] for m in container["volumeMounts"]}
    for argument in container["args"]:
        name, _, value = argument.partition("=")
        t.check(name in options[program], f"{what}: {name} is an option of the program")
        if value.startswith("/"):
            t.check(any(value == m or value.startswith(m + "/") for m in mounts), f"{what}: {argument} is mounted")
    given = dict(a.partition("=")[::2] for a in container["args"])
    # the probes ask where the program answers, and the balancer and the kubelet wait as long as it needs
    t.equal(container["readinessProbe"]["httpGet"], {"path": "/readyz", "port": "admin", "scheme": "HTTP"})
    t.equal(container["livenessProbe"]["httpGet"], {"path": "/healthz", "port": "admin", "scheme": "HTTP"})
    ports = {p["name"]: p["containerPort"] for p in container["ports"]}
    listens = {"admission": "--admission", "admin": "--admin", "channel": "--listen", "http": "--http", "https": "--https"}
    for name, port in ports.items():
        if name in listens:
            host, _, number = given[listens[name]].replace("tcp://", "").rpartition(":")
            t.equal(int(number), port, f"{what}: {name}")
            t.check(host in ("0.0.0.0", "[::]"), f"{what}: {name} is at the pod's address, not {host}")
    if program == "proxy":
        grace = int(given["--shutdown-grace-period"])
        t.check(spec["terminationGracePeriodSeconds"] > grace + 240, f"{what}: worker-shutdown-timeout (240 s) fits")
    return uses_node


def check_admitted(t, api, what, pod):
    """By restricted pod security, as it is; and that it looks: not once it may have more. True if it needs ports of the node."""
    here = json.loads(json.dumps(pod))
    here["metadata"]["namespace"] = "restricted"
    uses_node = any("hostPort" in p for p in pod["spec"]["containers"][0]["ports"])
    refused = admit(api, here)
    t.equal(refused is None, not uses_node, f"{what}: {refused}")
    if uses_node:  # the one thing that restricted pods may not have
        t.check(re.search(r'violates PodSecurity "restricted:latest": hostPort \(container "proxy" uses hostPorts [\d, ]+\)$', refused),
                f"{what}: {refused}")
    here["spec"]["containers"][0]["securityContext"]["capabilities"]["add"] = ["NET_BIND_SERVICE", "SYS_ADMIN"]
    t.contains(admit(api, here) or "", "violates PodSecurity")
    return uses_node


def admit(api, pod):
    """None, or why not."""
    try:
        api.request("POST", api.path("Pod", pod["metadata"]["namespace"]) + "?dryRun=All", pod)
        return None
    except kubernetes.Refused as refused:
        return json.loads(refused.args[0].partition(": ")[2])["message"] if refused.status == 403 else refused.args[0]


def known_options(t, program):
    done = process.run([t.program("weirlock-" + program), "--help"])
    t.equal(done.returncode, 0)
    return set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", done.stdout, re.M))
