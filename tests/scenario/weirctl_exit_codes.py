"""Exit status: 0 fine, 1 findings or differences, 2 usage, 4 cannot connect, 5 invalid input (DESIGN: the contract)."""
import os

from harness import process, wait
from harness.manifests import ingress


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend()).start()
    c.weirctl("problems", status=0)
    good = c.copy_manifests("good")
    c.weirctl("check", good, of="", status=0)
    c.apply(ingress("bad", "bad.test", "/", "nowhere", annotations={"proxy-read-timeout": "soon"})).settle()
    c.weirctl("problems", status=1)
    c.weirctl("check", c.manifests, of="", status=1)
    ids = [row["id"] for row in c.inspect("snapshot", "list")]
    c.weirctl("snapshot", "diff", ids[0], ids[0], status=0)
    c.weirctl("snapshot", "diff", ids[-1], ids[0], status=1)
    c.weirctl("no-such-verb", status=2)
    c.weirctl("--no-such-option", status=2)
    c.weirctl("routes", "-o", "xml", status=2)
    nobody = f"tcp://127.0.0.1:{wait.free_port()}"
    done = c.weirctl("--controller", nobody, "--timeout", "2", "status", of="", status=4)
    t.contains(done.stderr, nobody.removeprefix("tcp://"))
    t.equal(done.stdout, "", "stdout is the answer, stderr the log")
    rubbish = os.path.join(t.directory, "rubbish")
    with open(rubbish, "wb") as f:
        f.write(os.urandom(5000))
    c.weirctl("--file", rubbish, "routes", of="", status=5)
    c.weirctl("check", os.path.join(t.directory, "not-there"), of="", status=5)
    for program in ("weirlock-controller", "weirlock-proxy"):
        t.equal(process.run([t.program(program), "--no-such-option"]).returncode, 2, program)
        t.equal(process.run([t.program(program), "stray"]).returncode, 2, program)
