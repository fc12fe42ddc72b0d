"""A file that is written in pieces is waited for, not taken half; the rest of its objects serve on (issue: file source)."""
import json

from harness.manifests import ingress


def run(t):
    c = t.cluster()
    c.expose("web", t.backend())
    many = {"apiVersion": "v1", "kind": "List", "items": [ingress(f"i{n}", f"i{n}.test", "/", "web") for n in range(20)]}
    text = json.dumps(many, indent=1)
    path = c.write("many.json", text)
    c.start()
    t.equal(c.get("i19.test").status, 200)
    changed = text.replace("i19.test", "changed.test")
    # as an editor without rename does: truncate, write in pieces
    with open(path, "w") as f:
        for start in range(0, len(changed), 997):
            f.write(changed[start:start + 997])
            f.flush()
            t.equal(c.get("i0.test").status, 200, "while it is half written")
    c.until_serves("changed.test")
    t.equal([c.get(f"i{n}.test").status for n in range(19)], [200] * 19)
    t.equal(c.inspect("problems"), [])
