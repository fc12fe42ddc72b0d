"""What deploy/ says, as objects: the chart with its values, the overlays of kustomize."""
import base64
import glob
import json
import os
import re

from . import process, scenario
from .kubernetes import built

DEPLOY = os.path.join(scenario.ROOT, "deploy")
CHART = os.path.join(DEPLOY, "helm", "weirlock")
RELEASE, NAMESPACE = "weirlock", "weirlock"


def helm(*words, status=0):
    """What helm prints; with another status than 0, what it complains of."""
    done = process.run([built("helm"), *words], 120)
    if done.returncode != status:
        raise AssertionError(f"helm {' '.join(words)}: status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stderr if status else done.stdout


def template(*words, **rest):
    return helm("template", RELEASE, CHART, "--namespace", NAMESPACE, *words, **rest)


def variants(api):
    """Name and text of all that deploy/ offers."""
    for values in sorted(glob.glob(os.path.join(CHART, "ci", "*-values.yaml"))):
        yield "helm " + os.path.basename(values)[:-len("-values.yaml")], template("--values", values)
    for overlay in sorted(glob.glob(os.path.join(DEPLOY, "kustomize", "overlays", "*"))):
        yield "kustomize " + os.path.basename(overlay), api.kubectl("kustomize", overlay)


def objects(api, text):
    """Of these documents, as the API server would store them; it refuses what it would not."""
    answer = api.kubectl("apply", "--dry-run=server", "--server-side", "--force-conflicts", "-o", "json", "-f", "-", stdin=text)
    return json.loads(answer)["items"]


def namespaces(api, text):
    """Makes those that the documents are in; a dry run has nothing to put them in otherwise."""
    for name in set(re.findall(r"\bnamespace: ([a-z0-9-]+)", text)):
        api.namespace(name)


def volume(secret, folder):
    """A Secret as the kubelet mounts it."""
    os.makedirs(folder)
    for name, value in secret["data"].items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(base64.b64decode(value))
    return folder


def find(found, kind, name):
    return next((o for o in found if o["kind"] == kind and o["metadata"]["name"] == name), None)


def pods(found):
    """(name, Pod) of each workload."""
    for o in found:
        if o["kind"] in ("Deployment", "DaemonSet"):
            made = o["spec"]["template"]
            yield o["metadata"]["name"], {"apiVersion": "v1", "kind": "Pod", "spec": made["spec"], "metadata": dict(
                made["metadata"], name=o["metadata"]["name"], namespace=o["metadata"]["namespace"])}


def arguments(pod):
    """Those of its one container, with $(NAME) put in as the kubelet does it; of the zone there is no label here."""
    container, = pod["spec"]["containers"]
    known = {"POD_NAME": pod["metadata"]["name"] + "-0", "POD_NAMESPACE": pod["metadata"]["namespace"], "ZONE": ""}
    found = []
    for argument in container["args"]:
        for name, value in known.items():
            argument = argument.replace(f"$({name})", value)
        found.append(argument)
    return found
