"""access-log-path and its two overrides: files for requests and for sessions, opened again when they are moved, stdout where they cannot be (N1)."""
import os

from harness import stream, wait


def run(t):
    c = t.cluster()
    port = wait.free_port()
    both, sessions = (os.path.join(t.directory, name) for name in ("both.log", "sessions.log"))
    c.config(access_log_path=both, worker_shutdown_timeout="1s")
    c.route("a.test", t.backend()).expose("db", t.backend("one", stream.echo)).apply(stream.services({port: "default/db:80"}))
    proxy = stream.tcp(c)

    def read(path):
        return open(path).read() if os.path.exists(path) else ""

    def session():
        with stream.until_open(port) as s:
            s.echo("x")

    def wait_in(path, text):
        wait.until(lambda: text in read(path), f"{text} in {path}")

    # one file for both, and nothing of it on stdout
    c.get("a.test", "/first")
    session()
    wait_in(both, "GET /first")
    wait_in(both, "] TCP 200 ")
    t.equal(c.access_log(), [])
    t.equal(os.stat(both).st_mode & 0o777, 0o640 & ~os.umask(os.umask(0)))

    # sessions have their own; a file that was moved is made again, and what came meanwhile is in the old one
    c.config(access_log_path=both, stream_access_log_path=sessions, worker_shutdown_timeout="1s").settle()
    wait.until(lambda: os.path.exists(sessions), "the file of sessions")
    session()
    wait_in(sessions, "] TCP 200 ")
    os.rename(both, both + ".1")
    wait.until(lambda: os.path.exists(both), "the file is made again")
    c.get("a.test", "/second")
    wait_in(both, "GET /second")
    t.check("TCP" not in read(both) and "/second" not in read(both + ".1"), "each line is where it belongs")

    # one where no file can be: told, and stdout; then a path that is none
    c.config(http_access_log_path=os.path.join(t.directory, "nowhere", "x.log"), stream_access_log_path="/dev/stderr",
             worker_shutdown_timeout="1s").settle()
    wait.until(lambda: "lines go to stdout: cannot write path=" in proxy.err(), "it is told")
    c.get("a.test", "/third")
    c.wait_access("GET /third")
    session()
    wait.until(lambda: "] TCP 200 " in proxy.err(), "sessions on stderr")
    os.mkdir(os.path.join(t.directory, "nowhere"))
    wait.until(lambda: os.path.exists(os.path.join(t.directory, "nowhere", "x.log")), "it is tried again")
    c.config(access_log_path="logs/x.log", worker_shutdown_timeout="1s").settle()
    row, = [p for p in c.problems() if p["field"] == "access-log-path"]
    t.equal((row["object"], row["value"]), ("ConfigMap ingress/controller", "logs/x.log"))
    wait.until(lambda: (c.get("a.test", "/fourth"), any("GET /fourth" in line for line in c.access_log()))[1], "stdout again")
