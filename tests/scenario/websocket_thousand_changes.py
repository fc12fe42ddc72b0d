"""1,000 WebSockets, plain and TLS, through 1,000 changes of configuration: none is closed, each still carries a message, and
memory is flat (USERS 2; SEMANTICS G12)."""
import resource
import time

from harness import soak
from harness.manifests import ingress, secret
from harness.websocket import WebSocket

SECONDS = 240
BUILD = "release"
ALONE = True

PLAIN, TLS = 800, 200
# Of two changes each: the step's own, and the marker by which it is seen; the controller makes one snapshot of both. A test of
# the worker room goes through 1,000 generations.
STEPS, WARM = 500, 50


def change(c, number, backends, certificates):
    """One of six kinds, all of which touch what the tunnels run through."""
    kind, turn = number % 6, number // 6
    if kind == 0:
        c.apply(ingress(f"side-{turn % 20}", f"side-{turn}.test", ["/", f"/{turn}"], "ws"))
    elif kind == 1:
        c.endpoints("ws", *backends[turn % 2:][:1 + turn % 2])
    elif kind == 2:
        c.apply(ingress("ws", "ws.test", ["/", f"/{turn}"], "ws", tls={"cert": ["ws.test"]}, annotations={
            "ssl-redirect": "false", "proxy-read-timeout": 600 + turn, "proxy-send-timeout": 60 + turn}))
    elif kind == 3:
        c.config(keep_alive=75 + turn, proxy_read_timeout=600 + turn, ssl_buffer_size=("4k", "16k", "auto")[turn % 3])
    elif kind == 4:
        c.apply(secret("cert", certificates[turn % 2]))
    else:
        c.config(server_tokens="true", log_format_upstream=f"$status {turn}")


def metric(c, name):
    return next(float(line.split()[-1]) for line in c.admin("/metrics").text.splitlines() if line.startswith(name + " "))


def run(t):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < 4000:
        t.skip(f"only {hard} descriptors are allowed")
    c = t.cluster()
    loop = soak.Loop()
    backends = [soak.Backend(loop, f"b{i}") for i in range(3)]
    certificates = [t.certificate("ws.test"), t.certificate("ws.test", "also.test")]
    c.apply(secret("cert", certificates[0]))
    c.route("ws.test", backends[0], tls={"cert": ["ws.test"]},
            annotations={"ssl-redirect": "false", "proxy-read-timeout": "600"}).start()
    proxy, controller = c.proxies[0], c.controllers[0]

    def open_some(n, address, tls):
        made = [WebSocket(address, "ws.test", tls=tls) for _ in range(n)]
        for ws in made:
            ws.echo("before")
        return made

    sockets, costs = [], []
    for n, address, tls, most in ((PLAIN, c.http(), None, 4.5), (TLS, c.https(), "ws.test", 20)):
        sockets += open_some(100, address, tls)
        before = proxy.rss_kib()
        sockets += open_some(n - 100, address, tls)
        costs.append((proxy.rss_kib() - before) / (n - 100))
        t.check(costs[-1] < most, f"{costs[-1]:.2f} KiB for a tunnel{' over TLS' if tls else ''}")
    t.say(f"a tunnel that carried a message: {costs[0]:.2f} KiB, over TLS {costs[1]:.2f} KiB")
    rss, started = [], time.monotonic()
    for number in range(STEPS):
        change(c, number, backends, certificates)
        c.settle()
        sockets[number * 7 % len(sockets)].echo(f"after {number}")
        if number >= WARM - 1 and (number + 1) % WARM == 0:
            rss.append((proxy.rss_kib(), controller.rss_kib()))
    took = time.monotonic() - started
    for number, ws in enumerate(sockets):
        ws.echo(f"at the end {number}")
    t.say(f"{len(sockets)} WebSockets, {2 * STEPS} changes in {took:.0f} s, none closed; KiB of proxy and controller after "
          f"{2 * WARM} changes: {rss[0]}, after all: {rss[-1]}")
    for before, after in zip(rss[0], rss[-1]):
        t.check(after <= before * 1.1 + 2048, f"memory grew: {rss}")
    alive, served = (metric(c, f"weirlock_generation{s}") for s in ("s_alive", ""))
    t.check(alive <= 3, f"{alive} generations are alive")
    t.check(served >= STEPS, f"{served} generations")
