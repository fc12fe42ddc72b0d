"""A file that is no YAML is named with its line; its last good content and all other files serve on (DESIGN: source)."""
from harness import wait

GOOD = """apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: file, namespace: default}
spec:
  ingressClassName: nginx
  rules:
  - host: file.test
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
"""


def run(t):
    c = t.cluster()
    c.expose("web", t.backend())
    c.write("file.yaml", GOOD)
    c.start()
    t.equal(c.get("file.test").status, 200)
    bad = "\n\nkind: Ingress\nspec: [1, 2\nmetadata: }\n"
    c.write("file.yaml", bad)
    wait.until(lambda: "file.yaml" in str(c.problems()), "the problem is told")
    t.contains(str(c.problems()), "file.yaml:")
    c.settle()
    t.equal(c.get("file.test").status, 200, "the last good content")
    c.write("other.yaml", "this is: [not\n")
    c.write("third.yaml", GOOD.replace("file", "third"))
    c.until_serves("third.test")
    c.write("file.yaml", GOOD.replace("file.test", "mended.test"))
    c.until_serves("mended.test")
    wait.until(lambda: "file.yaml" not in str(c.problems()), "the problem is gone")
