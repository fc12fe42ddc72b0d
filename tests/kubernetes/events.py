"""The leader tells of its Ingresses by Events (N7): Sync, AnnotationParsingFailed and Rejected with the problem's text, seen by kubectl;
the same thing once, whoever leads; never of others' Ingresses; without the right, the rule is named and all is served."""
import json

from harness import manifests, wait
from harness.kubernetes import NODES, WRITES

SECONDS = 400
BAD = {"proxy-read-timeout": "60s"}


def events(c, name, reason=None, namespace="default"):
    """As (reason, type, count, message)."""
    found = json.loads(c.api.kubectl("get", "events", "-n", namespace, "-o", "json", "--field-selector", f"involvedObject.name={name}"))["items"]
    return [(e["reason"], e["type"], e["count"], e["message"]) for e in found if reason in (None, e["reason"])]


def until_event(c, name, reason, **rest):
    return wait.until(lambda: events(c, name, reason, **rest), f"{reason} of {name}", 60, 0.2)


def run(t):
    c = t.kube_cluster()
    c.apply(manifests.ingress_class("other", "example.com/other"))
    c.route("old.test", c.backend())
    first = c.controller("first", options=["--election-ttl", "4s"])
    first.wait_log("this controller leads ")
    c.proxy()

    c.apply(manifests.ingress("good", "good.test", "/", "old"))
    t.equal(until_event(c, "good", "Sync"), [("Sync", "Normal", 1, "Scheduled for sync")])
    c.apply(manifests.ingress("bad", "bad.test", "/", "old", annotations=BAD))
    (reason, kind, count, text), = until_event(c, "bad", "AnnotationParsingFailed")
    t.equal((reason, kind, count), ("AnnotationParsingFailed", "Warning", 1))
    problem, = [p for p in c.problems() if p["object"] == "Ingress default/bad"]
    t.contains(text, "Ingress default/bad: nginx.ingress.kubernetes.io/proxy-read-timeout: '60s'", problem["rule"], problem["fix"])
    t.contains(c.api.kubectl("describe", "ingress", "bad", "-n", "default"), "AnnotationParsingFailed", "Scheduled for sync", "weirlock-controller")

    # one that is not taken at all, one of another class, one that was there before, and a key of the ConfigMap
    c.apply(manifests.ingress("odd", "odd.test", "/a(b", "old"))
    c.apply(manifests.ingress("theirs", "theirs.test", "/a(b", "old", annotations=BAD, class_name="other"))
    c.config(**{"keep-alive": "x"})
    t.contains(until_event(c, "odd", "Rejected")[0][3], "Ingress default/odd: spec.rules[0].http.paths[0].path: '/a(b'")
    t.contains(until_event(c, "controller", "Rejected", namespace="ingress")[0][3], "ConfigMap ingress/controller: keep-alive: 'x'")
    t.equal((events(c, "theirs"), events(c, "old")), ([], []))

    # what is said once is not said again: by a change beside it, by who leads next, by one that starts anew
    c.apply(manifests.ingress("bad", "bad.test", "/more", "old", annotations=BAD))
    c.apply(manifests.ingress("bad", "bad.test", "/again", "old", annotations=BAD))
    c.settle()
    second = c.controller("second", options=["--election-ttl", "4s"])
    first.kill()
    second.wait_log("this controller leads ", seconds=60)
    c.apply(manifests.ingress("later", "later.test", "/", "old"))
    until_event(c, "later", "Sync")
    t.equal(len(events(c, "bad", "AnnotationParsingFailed")), 1)
    t.equal(events(c, "bad", "AnnotationParsingFailed")[0][2], 1)
    t.equal(len(events(c, "odd", "Rejected")), 1)
    t.equal(len(events(c, "bad", "Sync")), 1)
    second.stop()

    # switched off; and without the right
    c.grant(WRITES[:1] + NODES, name="weirlock-writes")
    third = c.controller("third", listen=first.listen, options=["--disable-sync-events"])
    third.wait_log("this controller leads ")
    third.wait_log(r"problem: Kubernetes API: events: .*forbidden \(403\).*it needs a ClusterRole with apiGroups \[\"\"\], resources \[\"events\"\], "
                   r"verbs \[\"create\", \"patch\"\]", seconds=60)
    c.controllers[:] = [third]
    c.apply(manifests.ingress("worse", "worse.test", "/", "old"))
    c.until_serves("worse.test")
    c.grant(WRITES + NODES, name="weirlock-writes")
    third.wait_log("problem gone: Kubernetes API: events", seconds=60)
    c.apply(manifests.ingress("worse", "worse.test", "/", "old", annotations={"proxy-read-timeout": "61s"}))
    until_event(c, "worse", "AnnotationParsingFailed")
    t.equal(events(c, "worse", "Sync"), [])
