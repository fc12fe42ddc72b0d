"""max-client-connections and max-worker-connections: over them whoever has waited longest without a request makes room, and where
nobody does the new connection is closed; requests that run, TCP sessions and other clients go on."""
import socket
import threading

from harness import backend, http2, stream, wait, wire

FORMAT = "$request_uri $status $end_reason $end_limit"


def run(t):
    gate = threading.Event()
    c = t.cluster()
    b, db = t.backend(handler=backend.holding(gate)), t.backend("db", stream.echo)
    port = wait.free_port()
    c.config(max_client_connections=7, log_format_upstream=FORMAT).route("a.test", b).expose("db", db).apply(stream.services({port: "default/db:80"}))
    proxy = stream.tcp(c, workers=1)
    session = t.own(stream.until_open(port))
    c.until_serves("a.test")

    def used(n):
        wait.until(lambda: c.metric('weirlock_client_connections{of="proxy"}') == n, f"{n} are open")

    used(1)
    t.equal(c.metric('weirlock_client_connections_max{of="proxy"}'), 7)
    busy = t.own(c.client())
    busy.send(wire.request("/slow"))
    b.wait(lambda b: any(r.target == "/slow" for r in b.requests), "it runs")
    idle = [t.own(c.client()) for _ in range(4)]
    for client in idle:
        t.equal(client.get("/").status, 200)
    used(6)
    with http2.Client(c.http()) as two:
        t.equal(two.ask(target="/").status, 200)
        used(7)
        # the next one gets the place of who has waited longest, however often it asked before
        t.equal(t.own(c.client()).get("/").status, 200)
        t.equal(idle[0].wait_closed(), b"")
        t.check(all(client.is_open() for client in idle[1:]), "the others stay")
        for client in idle[1:]:
            t.equal(client.get("/").status, 200)
        # nothing is wrong with HTTP/2, and it is told
        t.equal(t.own(c.client()).get("/").status, 200)
        t.equal(two.drain()[1], http2.NO_ERROR)
    used(7)
    t.equal(c.metric('weirlock_ends_total{reason="connections_full",fault="1"}'), 2)
    t.equal(proxy.err().count("limit=max-client-connections bound=7"), 1, "once a minute")

    # a head that trickles has no request either
    for _ in range(5):
        slow = t.own(c.client())
        slow.send(b"GET / HTTP/1.1\r\nHost:")
    used(7)
    others = [t.own(c.client()) for _ in range(5)]
    for client in others:
        client.send(wire.request("/slow"))
    b.wait(lambda b: len([r for r in b.requests if r.target == "/slow"]) == 6, "all run")
    c.wait_access("connections_full max-client-connections")

    # nobody waits: the new one is closed, and nobody else is
    t.check(wire.is_refused(c.http()), "there is no room")
    with socket.create_connection(("127.0.0.1", port), 20) as s:
        t.equal(s.recv(1), b"", "nor for another session")
    session.echo("hello")
    gate.set()
    for client in [busy, *others]:
        t.equal(client.response().status, 200)

    # a worker's share alone
    for client in [busy, *others]:
        client.close()
    used(1)
    gate.clear()
    c.config(max_worker_connections=2).settle()
    t.equal(c.metric('weirlock_client_connections_max{of="worker"}'), 2)
    one = t.own(c.client())
    one.send(wire.request("/slow"))
    b.wait(lambda b: len([r for r in b.requests if r.target == "/slow"]) == 7, "it runs")
    t.check(wire.is_refused(c.http()), "there is no room in the worker")
    t.equal(c.metric('weirlock_ends_total{reason="worker_connections_full",fault="1"}'), 1)
    gate.set()
    t.equal(one.response().status, 200)
    # 0 is any number
    c.config().settle()
    many = [t.own(c.client()) for _ in range(20)]
    for client in many:
        t.equal(client.get("/").status, 200)
