"""A rotated identity seals the last good snapshot anew while the proxy runs, and a controller's history and pin; afterwards the old key
opens nothing."""
import os
import shutil

from harness import process, wait


def _rotate(directory, ca, who="proxy/default"):
    """Another key and certificate, from the same CA, renamed into place as a Secret's mount does."""
    key, request, cert = (os.path.join(directory, "new." + end) for end in ("key", "csr", "crt"))
    san = os.path.join(directory, "san")
    with open(san, "w") as f:
        f.write(f"subjectAltName=URI:spiffe://weirlock/{who}\nextendedKeyUsage=clientAuth,serverAuth\n")
    for argv in (["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=p",
                  "-keyout", key, "-out", request],
                 ["openssl", "x509", "-req", "-in", request, "-CA", os.path.join(ca, "ca.crt"), "-CAkey",
                  os.path.join(ca, "ca.key"), "-CAcreateserial", "-days", "2", "-extfile", san, "-out", cert]):
        done = process.run(argv)
        assert done.returncode == 0, done.stderr
    os.rename(key, os.path.join(directory, "tls.key"))
    os.rename(cert, os.path.join(directory, "tls.crt"))


def _controller(t, c, ca):
    """What is pinned and what was are there after a renewal and a restart; an older identity opens neither, and says so."""
    old = shutil.copytree(t.identity("controller"), os.path.join(t.directory, "old-controller"))
    new = shutil.copytree(t.identity("controller"), os.path.join(t.directory, "new-controller"))
    folder = os.path.join(t.directory, "kept")
    options = ["--state-dir", folder]
    p = c.controller("keeps", options=["--identity", new, *options])
    c.controllers[:] = [p]
    pinned = c.inspect("snapshot", "pin", "--reason", "freeze")[0]["pinned"]
    wait.until(lambda: os.path.exists(os.path.join(folder, "history.sealed")), "the history is written")
    before = {name: os.stat(os.path.join(folder, name)).st_ino for name in ("history.sealed", "pinned.sealed")}
    _rotate(new, ca, "controller")
    p.wait_log("the identity is another one: what is pinned is sealed anew")
    wait.until(lambda: all(os.stat(os.path.join(folder, name)).st_ino != ino for name, ino in before.items()), "sealed for the new one", 60)
    p.kill()
    c.controllers[:] = [c.controller("again", options=["--identity", new, *options])]
    row = next(r for r in c.inspect("status", status=None) if r["role"] == "controller")
    t.equal((row["state"], row["pin"]["id"]), ("pinned", pinned))
    c.controllers[0].stop()
    stolen = c.controller("stolen", options=["--identity", old, *options])
    for name in before:
        stolen.wait_log(f"what is on disk is not used file={folder}/{name}: it was sealed with another key")
    c.controllers[:] = [stolen]
    t.equal(next(r["state"] for r in c.inspect("status", status=None) if r["role"] == "controller"), "ready")


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend())
    controller = c.controller()
    made = os.path.dirname(t.identity("proxy"))
    ca = next((d for d in (made, os.path.join(made, "ca")) if os.path.exists(os.path.join(d, "ca.key"))), None)
    if not ca:
        t.skip("the key of the channel's CA is not kept")
    old = shutil.copytree(t.identity("proxy"), os.path.join(t.directory, "old-identity"))
    new = shutil.copytree(t.identity("proxy"), os.path.join(t.directory, "new-identity"))
    p = c.proxy("p", identity=new)
    path = os.path.join(p.state, "last-good.sealed")
    wait.until(lambda: os.path.exists(path), "written")
    before = os.stat(path).st_ino
    _rotate(new, ca)
    p.wait_log("the identity is another one: the last good snapshot is sealed anew")
    wait.until(lambda: os.stat(path).st_ino != before, "sealed for the new one")
    controller.kill()
    p.kill()
    again = c.proxy("p", identity=new, controllers=[controller.listen])
    t.equal(c.get("a.test", proxy=1).status, 200, "the new key opens it")
    again.kill()
    stolen = c.proxy("p", identity=old, controllers=[controller.listen], wait_ready=False)
    stolen.wait_log("it was sealed with another key")
    t.check("ready " not in stolen.out()[stolen._out_from:], "the old key opens nothing")
    _controller(t, c, ca)
