"""Secrets are read one by one: the right to those that are referred to is enough. A change acts, a lost one keeps serving (F6)."""
from harness import manifests, wait
from harness.kubernetes import READS

SECONDS = 240


def run(t):
    c = t.kube_cluster(rules=[r for r in READS if "secrets" not in r["resources"]])
    only = [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["web-tls"], "verbs": ["list", "watch"]}]
    c.api.namespace("ingress")
    c.grant(only, namespace="default")
    c.grant([{"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["controller"], "verbs": ["list", "watch"]}], "ingress")
    first, second, third = (t.certificate("web.test") for _ in range(3))

    def presented(host):
        with c.client(tls=host) as client:
            return client.sock.getpeercert(binary_form=True)

    def shows(want):
        return lambda: presented("web.test") == want.der

    c.apply(manifests.secret("web-tls", first), manifests.secret("other", third))
    c.route("web.test", c.backend(), tls={"web-tls": ["web.test"]}).start()
    wait.until(shows(first), "its certificate is served")
    controller = c.controllers[0]
    t.contains(c.admin("/metrics", controller).text, 'weirlock_controller_objects{kind="Secret"} 1')
    t.equal(c.problems(), [])

    c.apply(manifests.secret("web-tls", second))
    wait.until(shows(second), "the changed certificate is served")

    # of another Ingress, without the right to it: that one has the default certificate, and it is said which right is missing
    c.route("more.test", c.backend(), tls={"more-tls": ["more.test"]})
    controller.wait_log(r"secrets more-tls in namespace default.*403.*a Role in namespace default.*resourceNames \[\"more-tls\"\]")
    c.until_serves("more.test", want=lambda r: r.status in (200, 308))
    more = t.certificate("more.test")
    c.apply(manifests.secret("more-tls", more))
    only[0]["resourceNames"].append("more-tls")
    c.grant(only, namespace="default")
    wait.until(lambda: presented("more.test") == more.der, "granted: its certificate is served", 60)
    controller.wait_log(r"problem gone: Kubernetes API: secrets more-tls")

    # Secrets that annotations name are read by name too, and no others: who asks for clients' certificates, and of backends
    ours = c.scenario.authority("ours")
    held = 'weirlock_controller_objects{kind="Secret"} '
    c.route("mtls.test", c.backend(), annotations={"auth-tls-secret": "default/ca"})
    controller.wait_log(r"secrets ca in namespace default.*403.*resourceNames \[\"ca\"\]")
    c.until_serves("mtls.test", want=403)
    c.apply(manifests.secret_data("ca", ca_crt=ours.cert), manifests.secret_data("up", ca_crt=ours.cert))
    only[0]["resourceNames"] += ["ca", "up"]
    c.grant(only, namespace="default")
    c.until_serves("mtls.test", want=200, seconds=60)
    c.route("up.test", c.backend(), annotations={"proxy-ssl-secret": "default/up"})
    c.until_serves("up.test", want=200, seconds=60)
    t.contains(c.admin("/metrics", controller).text, held + "4\n")
    for name in ("mtls", "up"):
        c.delete(manifests.ingress(name, name + ".test", "/", name))
    wait.until(lambda: held + "2\n" in c.admin("/metrics", controller).text, "those are forgotten with who named them")

    # each kind has a connection, since libcurl leaves large answers lying on one that is shared; all that is read by name shares one
    names = [f"many-{n}" for n in range(20)]
    only[0]["resourceNames"] += names
    c.grant(only, namespace="default")
    c.apply(*(manifests.secret(name, more) for name in names))
    c.apply(manifests.ingress("many", "many.test", "/", "web", tls={name: ["many.test"] for name in names}))
    wait.until(lambda: held + "22\n" in c.admin("/metrics", controller).text, "the many are held")
    wait.until(lambda: 5 <= controller.n_connections_to(c.api.port) <= 8, "four kinds and one for the rest")
    c.delete(manifests.ingress("many", "many.test", "/", "web"))
    wait.until(lambda: held + "2\n" in c.admin("/metrics", controller).text, "and are forgotten")

    c.delete(manifests.secret("web-tls", second))
    controller.wait_log(r"problem: Secret default/web-tls: it was deleted, and something still refers to it")
    c.settle()
    t.check(shows(second)(), "the last certificate keeps serving")
    c.apply(manifests.secret("web-tls", first))
    wait.until(shows(first), "a new one is taken")
    controller.wait_log(r"problem gone: Secret default/web-tls")

    # nobody refers to it any more: it is forgotten
    c.delete(manifests.ingress("more", "more.test", "/", "more"))
    wait.until(lambda: 'weirlock_controller_objects{kind="Secret"} 1' in c.admin("/metrics", controller).text, "one Secret is held")
