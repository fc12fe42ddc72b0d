"""SIGTERM: TCP ports are closed at once, sessions get worker-shutdown-timeout, and the proxy ends with status 0 (A50)."""
import json
import signal

from harness import stream, wait


def run(t):
    c = t.cluster()
    a = wait.free_port()
    c.config(worker_shutdown_timeout="2s")
    c.expose("db", t.backend("one", stream.echo)).apply(stream.services({a: "default/db:80"}))
    for ends_itself in (True, False):
        proxy = stream.tcp(c) if ends_itself else c.proxy(options=["--log-format", "json"])
        with stream.until_open(a) as s:
            s.echo("before")
            proxy.signal(signal.SIGTERM)
            stream.until_refused(a)
            s.echo("after")
            if ends_itself:
                s.close()
            else:
                t.equal(s.wait_closed(), b"")
            t.equal(proxy.wait_end(), 0, "exit status")
        # not by its place: two workers write, and one of them may have had a look at whether the port is refused
        word = "200 16 11 " if ends_itself else "shutdown_timeout"
        line, = [line for line in proxy.out().splitlines() if word in line]
        if ends_itself:
            t.contains(line, "] TCP 200 16 11 ", f" [default-db-80] {a} ", " tunnel_closed_by_client -")
            continue
        said = json.loads(line)
        t.equal((said["remote_addr"], said["protocol"], said["status"], said["bytes_sent"], said["bytes_received"], said["server_port"],
                 said["proxy_upstream_name"], said["end_reason"], said["end_limit"]),
                ("127.0.0.1", "TCP", 200, 16, 11, a, "default-db-80", "shutdown_timeout", "worker-shutdown-timeout"))
