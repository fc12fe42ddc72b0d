"""`weirctl status`: a line a proxy with pool, who is behind by how much, and `--watch`: appended to a pipe, drawn anew on a terminal
(DESIGN: the contract)."""
import os
import pty
import signal
import subprocess

from harness import wait
from harness.manifests import ingress


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend()).start(proxies=2)
    wait.until(lambda: [(r["name"], r["pool"], r["state"], r["snapshots_behind"]) for r in _rows(c)] ==
               [("proxy-1", "default", "synced", 0), ("proxy-2", "default", "synced", 0)], "both in step")
    t.contains(c.weirctl("status").stdout, "POOL", "GENS", "LAG", "pool default: 2 proxies, 2 synced")
    _behind(t, c)
    _watch_pipe(t, c)
    _watch_terminal(t, c)
    c.weirctl("explain", "request", "http://a.test/", "--watch", status=2)
    c.weirctl("--manifests", c.manifests, "--watch", "routes", of="", status=2)


def _rows(c):
    return [row for row in c.inspect("status", status=None) if row["role"] == "proxy"]


def _behind(t, c):
    c.proxies[1].signal(signal.SIGSTOP)
    try:
        for n in range(3):
            c.apply(ingress("a", "a.test", f"/v{n}", "a"))
            wait.until(lambda: f"/v{n}" in str(c.inspect("routes", of=c.proxies[0])), "the other follows")
        row = _rows(c)[1]
        t.equal((row["state"], row["snapshots_behind"]), ("behind", 3))
        t.check(row["behind_ms"] > 0, str(row))
        text = c.weirctl("status", status=1).stdout
        t.contains(text, "3 for", "1 synced, 1 behind")
    finally:
        c.proxies[1].signal(signal.SIGCONT)
    wait.until(lambda: _rows(c)[1]["snapshots_behind"] == 0, "it catches up")


def _argv(t, c, *words):
    return [t.program("weirctl"), "--identity", t.identity("operator"), "--controller", c.controllers[0].listen, *words]


def _watch_pipe(t, c):
    """What is new, once, under a time."""
    p = subprocess.Popen(_argv(t, c, "routes", "--watch"), stdout=subprocess.PIPE, text=True)
    try:
        lines = [p.stdout.readline()]
        t.contains(lines[0], "HOST")
        while "a.test" not in lines[-1]:
            lines.append(p.stdout.readline())
        c.apply(ingress("new", "new.test", "/", "a"))
        while "new.test" not in lines[-1]:
            lines.append(p.stdout.readline())
        t.check(any(line.startswith("# 2") for line in lines), f"the time: {lines}")
        t.equal(len([line for line in lines if "HOST" in line]), 1, "only what is new is appended")
    finally:
        p.kill()
        p.communicate()


def _watch_terminal(t, c):
    """Drawn anew: the whole table each time, from the top."""
    ours, theirs = pty.openpty()
    p = subprocess.Popen(_argv(t, c, "status", "--watch"), stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    try:
        text = b""
        while text.count(b"\x1b[H\x1b[2J") < 2 or text.count(b"proxy-2") < 2:
            text += os.read(ours, 65536)
    finally:
        p.kill()
        p.wait()
        os.close(ours)
