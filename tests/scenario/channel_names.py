"""One name for all controllers, as that of a headless Service: a proxy finds each of its addresses, one is watched and one held ready, and an
address that comes later is found, too."""
import os

from harness import wait


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend())
    port = wait.free_port()
    one, two = (c.controller(name, f"tcp://127.0.0.{n}:{port}") for name, n in (("one", 2), ("two", 3)))
    hosts = os.path.join(c.directory, "hosts")

    def write(*addresses):
        with open(hosts, "w") as f:  # the same file: it is mounted over /etc/hosts
            f.write("127.0.0.1 localhost\n" + "".join(f"{a} controllers.test\n" for a in addresses))

    write("127.0.0.2", "127.0.0.3")
    wrap = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", f"mount --bind '{hosts}' /etc/hosts && exec \"$@\"", "sh"]
    if os.geteuid() == 0:
        wrap = ["unshare", *wrap[3:]]
    p = c.proxy(controllers=[f"tcp://controllers.test:{port}"], wrap=wrap)

    def sessions():
        row = c.inspect("status", of=p, status=None)[0]
        return {row["watches"], row["standby"]}

    wait.until(lambda: sessions() == {"one", "two"}, "it found both")
    c.controllers.remove(one)
    one.kill()
    wait.until(lambda: sessions() == {"two", ""}, "one is gone")
    c.controller("three", f"tcp://127.0.0.4:{port}")
    write("127.0.0.3", "127.0.0.4")
    wait.until(lambda: sessions() == {"two", "three"}, "the new one is found")
    c.controllers.remove(two)
    two.kill()
    c.route("b.test", t.backend())
    c.until_serves("b.test")

    # the name is gone: who is there stays
    write()
    c.route("c.test", t.backend())
    c.until_serves("c.test")
    nobody = c.proxy("nobody", controllers=[f"tcp://nobody.invalid:{port}"], wait_ready=False)
    nobody.wait_log("no controller by the name in tcp://nobody.invalid")
    c.proxies.remove(nobody)
    nobody.kill()
