"""What kubectl prints goes in unchanged: a List, several documents in a file, single files, unknown kinds skipped
(issue: file source)."""
import json

from harness import wait
from harness.manifests import ingress, service, slice_of


def run(t):
    c = t.cluster()
    b = t.backend()
    items = [service("listed"), slice_of("listed", b.address), ingress("listed", "listed.test", "/", "listed"),
             {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x", "namespace": "default"}, "spec": {}}]
    for item in items:
        item["metadata"].update(resourceVersion="1234", managedFields=[{"manager": "kubectl", "operation": "Apply"}],
                                annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}"})
        item["status"] = {"loadBalancer": {}}
    c.write("all.yaml", json.dumps({"apiVersion": "v1", "kind": "List", "items": items, "metadata": {"resourceVersion": ""}}))
    documents = [service("doc"), slice_of("doc", b.address), ingress("doc", "doc.test", "/", "doc")]
    c.write("docs.yaml", "# a comment\n---\n" + "\n---\n".join(json.dumps(d, indent=2) for d in documents) + "\n---\n\n...\n")
    c.start()
    for host in ("listed.test", "doc.test"):
        t.equal(c.get(host).status, 200, host)
    # an object that leaves its file is gone; a deleted file takes its objects with it
    c.write("docs.yaml", "".join("---\n" + json.dumps(d) + "\n" for d in documents[:2]))
    c.until_serves("doc.test", want=404)
    c.remove("all.yaml")
    c.until_serves("listed.test", want=404)
    # the same object in two files is a problem, not a race
    c.write("twice-1.yaml", json.dumps(ingress("twice", "one.test", "/", "doc")))
    c.write("twice-2.yaml", json.dumps(ingress("twice", "two.test", "/", "doc")))
    wait.until(lambda: "twice" in str(c.problems()), "the duplicate is told")
