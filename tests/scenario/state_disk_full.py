"""A full disk under --state-dir: said once, the one before stays, traffic and changes go on; written as soon as there is room."""
import os

from harness import manifests, process, wait


def run(t):
    probe = process.run(["unshare", "-m", "true"])
    if probe.returncode:
        t.skip("no mount namespace can be made: " + probe.stderr.strip())
    c = t.cluster()
    c.route("a.test", t.backend())
    c.controller()
    state = os.path.join(t.directory, "p.state")
    # a disk of its own, with room for one small snapshot and not for two
    p = c.proxy("p", wrap=["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=64k none "$0" && exec "$@"', state])
    inside = f"/proc/{p.pid}/root{state}"

    def metrics():
        return c.admin("/metrics", of=p).body.decode()

    wait.until(lambda: "weirlock_last_good_writes_total 1\n" in metrics(), "written while there is room")
    sealed = os.path.join(inside, "last-good.sealed")
    before = os.stat(sealed).st_ino
    hosts = [manifests.ingress(f"n{n}", f"long-name-to-fill-the-disk-{n}.test", "/", "a") for n in range(400)]
    c.apply(*hosts)
    c.until_serves("long-name-to-fill-the-disk-399.test")
    p.wait_log("the last good snapshot could not be written, the one before stays")
    t.contains(metrics(), "weirlock_last_good_writes_total 1\n")
    t.equal(os.stat(sealed).st_ino, before, "the one before")
    t.equal(os.listdir(inside), ["last-good.sealed"], "nothing half written is left")
    t.contains(c.weirctl("status", of=p).stdout, "No space left on device")
    t.equal(c.get("a.test").status, 200)
    c.delete(*hosts[1:])
    wait.until(lambda: "weirlock_last_good_writes_total 2\n" in metrics(), "written again when it fits")
    t.check("No space left" not in c.weirctl("status", of=p).stdout, "the trouble is over")
