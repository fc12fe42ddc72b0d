"""A stolen certificate is denied by serial or fingerprint in deny.txt: its session ends, it comes in no more, others never notice
(CHANNEL 3.3: revocation)."""
import os
import re
import shutil

from harness import process, wait


def _serial(path):
    return re.search(r"serial=(\w+)", process.run(["openssl", "x509", "-in", path, "-noout", "-serial"]).stdout).group(1)


def _write(directory, text):
    with open(os.path.join(directory, "new"), "w") as f:
        f.write(text)
    os.rename(os.path.join(directory, "new"), os.path.join(directory, "deny.txt"))


def run(t):
    home = os.path.join(t.directory, "identity-of-controller")
    shutil.copytree(t.identity("controller"), home)
    c = t.cluster()
    c.route("a.test", t.backend())
    controller = c.controller(options=["--identity", home])  # the last one counts
    c.proxy()
    # another proxy with a certificate of its own
    other = os.path.join(t.directory, "other")
    done = process.run(["cp", "-r", os.path.dirname(t.identity("proxy")), other])
    t.equal(done.returncode, 0, done.stderr)
    shutil.rmtree(os.path.join(other, "proxy"))
    done = process.run([os.path.join(os.path.dirname(t.program("x")), "..", "..", "deploy", "identity"), other], 60)
    t.equal(done.returncode, 0, done.stderr)
    stolen = c.proxy("stolen", identity=os.path.join(other, "proxy"))
    wait.until(lambda: sorted(r["name"] for r in c.proxy_rows() if r["state"] == "synced") == ["proxy-1", "stolen"], "both are served")

    _write(home, "# node 7 was broken into\n" + _serial(os.path.join(other, "proxy", "tls.crt")) + "\n")
    controller.wait_log("session ended, deny.txt lists the certificate", "its session ends")
    stolen.wait_log("certificate", "it is told why it does not come in again")
    c.route("b.test", t.backend())
    wait.until(lambda: c.get("b.test", proxy=0).status == 200, "the other one follows")
    t.equal(c.get("b.test", proxy=1).status, 404, "the stolen one learns nothing new")
    t.check("controller lost" not in c.proxies[0].err(), "the other one never noticed")

    # a bad list is said, and the one before stays; an empty one lets it in again
    _write(home, "not hex\n")
    controller.wait_log("the list of denied certificates is bad, the one before stays: .*deny.txt: line 1")
    t.equal(c.get("b.test", proxy=1).status, 404)
    _write(home, "")
    wait.until(lambda: c.get("b.test", proxy=1).status == 200, "let in again", 60)
