"""The same manifests give the same id: two controllers, after a restart, in any order of arrival (DESIGN: the snapshot)."""
import json
import os
import random

from harness import wait
from harness.manifests import secret


def run(t):
    c = t.cluster()
    c.apply(secret("a", t.certificate("a.test")))
    c.route("a.test", t.backend(), t.backend(), tls={"a": ["a.test"]})
    for n in range(8):
        c.route(f"h{n}.test", t.backend(), t.backend())
    first = c.controller()
    second = c.controller()

    def id_of(controller):
        snapshots = c.inspect("snapshot", "list", of=controller)
        row = snapshots[0] if isinstance(snapshots, list) else snapshots["snapshots"][0]
        return row["id"]

    t.equal(id_of(second), id_of(first), "two controllers")
    wanted = id_of(first)
    again = c.restart(first)
    t.equal(id_of(again), wanted, "after a restart")
    # the same files, arriving one by one in another order
    names = os.listdir(c.manifests)
    texts = {}
    for name in names:
        with open(os.path.join(c.manifests, name)) as f:
            texts[name] = f.read()
        c.remove(name)
    wait.until(lambda: id_of(second) != wanted, "all is gone")
    random.Random(7).shuffle(names)
    for name in names:
        c.write(name, texts[name])
    wait.until(lambda: id_of(second) == wanted and id_of(again) == wanted, "the id is the same in another order")
    # another layout of the same objects: one file
    for name in names:
        c.remove(name)
    c.write("all.json", json.dumps({"apiVersion": "v1", "kind": "List", "items": [json.loads(texts[n]) for n in names]}))
    wait.until(lambda: id_of(second) == wanted, "the id is the same from one file")
    done = c.weirctl("snapshot", "list", "--manifests", c.manifests, "-o", "json", of="", status=None)
    if done.returncode == 0:
        t.contains(done.stdout, wanted[:12])
