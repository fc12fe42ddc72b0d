"""Two proxies behind a balancer are replaced one after the other under load, as a rollout does it: no request is lost. The balancer
is HAProxy, with requests of its own and with bare TCP, looks at /readyz, and retries nothing."""
import signal
import socket

from harness import haproxy, soak, wait

SECONDS = 240
ROUNDS = 2
GRACE_S = 5

CONF = """global
  stats socket {dir}/stats.sock mode 600
defaults
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  retries 0
  option httpchk GET /readyz
  default-server check inter 200ms fall 1 rise 1
{sections}"""
SECTION = """listen {mode}
  mode {mode}
  bind 127.0.0.1:{port}
{servers}
"""


def start_proxy(c, number, places):
    """A pod of the rollout: at the address that the balancer knows."""
    http, admin = places[number]
    return c.proxy(f"proxy-{len(c.proxies) + 1}", options=["--http", f"127.0.0.1:{http}", "--admin", f"127.0.0.1:{admin}",
                                                           "--shutdown-grace-period", GRACE_S])


def run(t):
    haproxy.need(t)
    c = t.cluster()
    loop = soak.Loop()
    backend = soak.Backend(loop, "b")
    c.route("web.test", backend)
    c.controller()
    places = [(wait.free_port(), wait.free_port()) for _ in range(2)]
    running = [start_proxy(c, n, places) for n in range(2)]
    ports = {mode: wait.free_port() for mode in ("http", "tcp")}
    servers = "\n".join(f"  server s{n} 127.0.0.1:{http} port {admin}" for n, (http, admin) in enumerate(places))
    haproxy.start(t, CONF.format(dir=t.directory, sections="".join(
        SECTION.format(mode=mode, port=port, servers=servers) for mode, port in ports.items())))
    clients = {mode: soak.Clients(loop, ("127.0.0.1", port), "web.test", every=0.05) for mode, port in ports.items()}

    def at_work(more):
        """Clients of both kinds have had so many answers more from now on."""
        from_ = {mode: x.done for mode, x in clients.items()}
        wait.until(lambda: [x.failures for x in clients.values() if x.failures] or
                   all(x.done >= from_[mode] + more for mode, x in clients.items()), f"{more} more answers", 60)

    wait.until(lambda: is_up(t, ports, 0) and is_up(t, ports, 1), "the balancer has found both")
    for x in clients.values():
        x.start(20, "visits")
    at_work(100)
    for _ in range(ROUNDS):
        for n in range(2):
            old = running[n]
            old.signal(signal.SIGTERM)
            old.wait_log("leaving: not ready, serving for another")
            wait.until(lambda: not is_up(t, ports, n), "the balancer has noticed")
            t.equal(old.wait_end(60), 0, "exit status")
            at_work(40)
            running[n] = start_proxy(c, n, places)
            wait.until(lambda: is_up(t, ports, n), "the balancer has found the new one")
            at_work(100)
            check_failures(t, clients)
    for x in clients.values():
        x.stop()
    check_failures(t, clients)
    t.say(f"{2 * ROUNDS} proxies replaced; {', '.join(f'{x.done} requests by {mode}' for mode, x in clients.items())}, none lost")


def check_failures(t, clients):
    for mode, x in clients.items():
        t.equal(x.failures[:5], [], f"through a balancer of {mode}")


def is_up(t, ports, number):
    """What HAProxy's own statistics say of this server, in both of its sections."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(f"{t.directory}/stats.sock")
        s.sendall(b"show stat\n")
        text = b"".join(iter(lambda: s.recv(65536), b"")).decode()
    rows = [line.split(",") for line in text.splitlines()]
    status = rows[0].index("status")
    return [r[status] for r in rows if r[0] in ports and r[1] == f"s{number}"] == ["UP"] * len(ports)
