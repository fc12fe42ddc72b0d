"""A pin at several controllers: one command tells each of them the same snapshot, and says so when one does not follow."""
from harness import wait


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend())
    one, two = c.controller("one"), c.controller("two")
    c.proxy("p1", [one.listen])
    c.proxy("p2", [two.listen])
    newest = c.inspect("snapshot", "list")[0]["id"]
    both = ("--controller", two.listen)
    rows = c.inspect("snapshot", "pin", "--reason", "freeze", *both)
    t.equal([(row["controller"], row["pool"], row["pinned"]) for row in rows],
            [(one.listen, "default", newest), (two.listen, "default", newest)])

    c.route("b.test", t.backend())
    for controller in (one, two):
        wait.until(lambda: "pinned" in c.weirctl("wait", "--acked", "ingress/default/b", "--timeout", "1s", of=controller,
                                                 status=None).stderr, f"{controller.name} holds it back")
    c.until_serves("b.test", want=404)

    # what all but one have done is partly done
    two.kill()
    c.controllers.remove(two)
    done = c.weirctl("snapshot", "unpin", *both, status=3)
    t.contains(done.stderr, "not all controllers")
    wait.until(lambda: c.get("b.test").status == 200, "the one that was told has let go")
