"""A rotated identity seals the last good snapshot anew while the proxy runs; afterwards the old key opens nothing."""
import os
import shutil

from harness import process, wait


def _rotate(directory, ca):
    """Another key and certificate for the proxy, from the same CA, renamed into place as a Secret's mount does."""
    key, request, cert = (os.path.join(directory, "new." + end) for end in ("key", "csr", "crt"))
    san = os.path.join(directory, "san")
    with open(san, "w") as f:
        f.write("subjectAltName=URI:spiffe://weirlock/proxy/default\nextendedKeyUsage=clientAuth,serverAuth\n")
    for argv in (["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=p",
                  "-keyout", key, "-out", request],
                 ["openssl", "x509", "-req", "-in", request, "-CA", os.path.join(ca, "ca.crt"), "-CAkey",
                  os.path.join(ca, "ca.key"), "-CAcreateserial", "-days", "2", "-extfile", san, "-out", cert]):
        done = process.run(argv)
        assert done.returncode == 0, done.stderr
    os.rename(key, os.path.join(directory, "tls.key"))
    os.rename(cert, os.path.join(directory, "tls.crt"))


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
