"""Out of descriptors: clients wait or get an error, nothing crashes or spins, and all is well once there are some again."""
import resource
import socket

from harness import wait, wire


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend()).start(workers=1)
    proxy = c.proxies[0]
    t.equal(c.get("a.test").status, 200)
    limit = proxy.n_fds() + 20
    resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, (limit, limit))
    many = [socket.create_connection(c.http(), 20) for _ in range(100)]
    for one in many:
        one.settimeout(20)
        one.sendall(wire.request("/"))

    def answers():
        """What the clients have so far, each from its first byte however often we look."""
        found = []
        for one in many:
            one.setblocking(False)
            try:
                found.append(one.recv(12, socket.MSG_PEEK))
            except BlockingIOError:
                pass
        return found

    odd = [a for a in wait.until(answers, "somebody is answered") if a[9:12] not in (b"200", b"502", b"")]
    t.equal(odd, [], "what else was answered")
    for one in many:
        one.close()
    c.until_serves("a.test")
    t.check(proxy.is_running, "the proxy lives")
