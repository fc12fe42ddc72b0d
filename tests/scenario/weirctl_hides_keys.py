"""No key byte in any answer of weirctl, any log, any metric, not even with debug logs (DESIGN; SECURITY.md)."""
import base64
import os

from harness.manifests import secret


def run(t):
    c = t.cluster()
    cert = t.certificate("a.test")
    c.apply(secret("a", cert)).route("a.test", t.backend(), tls={"a": ["a.test"]})
    c.controller(options=["--log-level", "debug"])
    c.proxy(options=["--log-level", "debug"])
    exported = os.path.join(t.directory, "exported.snapshot")
    c.weirctl("snapshot", "export", exported)
    outputs = []
    for verb in (["status"], ["routes"], ["backends"], ["certs"], ["settings"], ["problems"], ["snapshot", "show"], ["snapshot", "list"]):
        for form in ("table", "wide", "json", "yaml"):
            for of in (c.controllers[0], c.proxies[0]):
                outputs.append(c.weirctl(*verb, "-o", form, of=of, status=None).stdout)
            for words in (["--file", exported], ["--manifests", c.manifests]):
                outputs.append(c.weirctl(*verb, "-o", form, *words, of="", status=None).stdout)
    der = base64.b64decode("".join(cert.key.split("-----")[2].split()))
    pieces = [der[i:i + 12] for i in range(20, 60, 4)]
    with open(exported, "rb") as f:
        blob = f.read()
    t.check(not any(p in blob for p in pieces), "an exported snapshot holds a key")
    t.check(b"PRIVATE KEY" not in blob, "an exported snapshot holds a PEM key")
    text = "\n".join(outputs) + c.admin("/metrics").text + c.admin("/metrics", c.controllers[0]).text
    for p in pieces:
        t.check(p.hex() not in text.lower() and base64.b64encode(p).decode()[:15] not in text, "key bytes in an answer")
    t.check("PRIVATE KEY" not in text, "a PEM key in an answer")
    # the sealed last good snapshot on disk is sealed
    for folder, _, files in os.walk(c.proxies[0].state):
        for name in files:
            with open(os.path.join(folder, name), "rb") as f:
                data = f.read()
            t.check(not any(p in data for p in pieces) and b"PRIVATE KEY" not in data, f"{name} holds a key in clear")
