"""`weirctl snapshot blame` names the field manager and time of what a host does, from the API server's managedFields."""
import json

from harness import manifests, wait

SECONDS = 240


def run(t):
    c = t.kube_cluster()
    c.expose("a", c.backend("a")).start()
    web = manifests.ingress("web", "a.test", "/", "a", annotations={"proxy-read-timeout": "77"})
    del web["metadata"]["uid"], web["metadata"]["creationTimestamp"]
    c.api.kubectl("apply", "--server-side", "--field-manager=gitops", "-f", "-", stdin=json.dumps(web))
    c.until_serves("a.test")
    c.api.kubectl("annotate", "ingress", "web", "--overwrite", "--field-manager=night-shift",
                  "nginx.ingress.kubernetes.io/proxy-send-timeout=33")

    def rows():
        return {r["what"].split("/")[-1]: r for r in c.inspect("snapshot", "blame", "a.test")}

    wait.until(lambda: "proxy-send-timeout" in rows(), "the annotation has arrived")
    found = rows()
    t.equal({what: found[what]["manager"] for what in ("backend", "proxy-read-timeout", "proxy-send-timeout")},
            {"backend": "gitops", "proxy-read-timeout": "gitops", "proxy-send-timeout": "night-shift"})
    t.equal((found["backend"]["operation"], found["proxy-send-timeout"]["operation"]), ("Apply", "Update"))
    t.check(all(r["time"].endswith("Z") for r in found.values() if "time" in r), str(found))
    c.weirctl("wait", "--acked", "ingress/default/web")
