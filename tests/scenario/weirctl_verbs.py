"""weirctl's verbs answer on a controller, a proxy, an exported file and a manifest directory, as table, JSON and YAML."""
import json
import os

from harness import process
from harness.manifests import secret

VERBS = (["routes"], ["backends"], ["certs"], ["settings"], ["snapshot", "show"])


def without_live(rows):
    """Less what a proxy alone knows of its backends."""
    return [{k: v for k, v in row.items() if k not in ("live", "state", "in_flight", "canary_requests")} for row in rows]


def run(t):
    c = t.cluster()
    b = t.backend()
    c.apply(secret("a", t.certificate("a.test")))
    c.route("a.test", b, paths=["/", "/deep/path"], tls={"a": ["a.test"]}, annotations={"proxy-read-timeout": "77"}).start()
    exported = os.path.join(t.directory, "exported.snapshot")
    c.weirctl("snapshot", "export", exported)
    targets = {"controller": {"of": c.controllers[0]}, "proxy": {"of": c.proxies[0]}}
    offline = {"file": ["--file", exported], "manifests": ["--manifests", c.manifests, "--configmap", "ingress/controller"]}
    answers = {}
    for verb in VERBS:
        for name, where in targets.items():
            answers[name] = c.weirctl(*verb, "-o", "json", **where).stdout
        for name, words in offline.items():
            answers[name] = c.weirctl(*verb, *words, "-o", "json", of="").stdout
        for name, text in answers.items():
            t.check(json.loads(text), f"{verb} of {name} is empty")
        if verb[0] in ("routes", "backends"):
            for name in answers:
                t.equal(without_live(json.loads(answers[name])), json.loads(answers["controller"]), f"{verb} of {name}")
        t.check(c.weirctl(*verb).stdout.strip(), f"{verb} as table")
        t.check(c.weirctl(*verb, "-o", "yaml").stdout.strip(), f"{verb} as YAML")
        t.check("\x1b[" not in c.weirctl(*verb).stdout, "no colours in a pipe")
    t.contains(json.dumps(c.inspect("routes")), "a.test", "/deep/path")
    t.contains(json.dumps(c.inspect("backends")), "127.0.0.1", str(b.address[1]))
    t.contains(json.dumps(c.inspect("certs")), "a.test", "default/a")
    t.contains(c.weirctl("status").stdout, "proxy-1")
    t.contains(c.weirctl("status", of=c.proxies[0]).stdout, "proxy-1")
    t.check(c.inspect("snapshot", "list"), "snapshot list")
    for program in ("weirctl", "weirlock-controller", "weirlock-proxy"):
        for option in ("--help", "--version"):
            done = process.run([t.program(program), option])
            t.equal(done.returncode, 0, f"{program} {option}")
            t.check(done.stdout.strip(), f"{program} {option} says something on stdout")
