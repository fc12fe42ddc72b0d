"""upstream-keepalive-connections, -requests, -timeout and -time, one by one (SEMANTICS G16), and what becomes of the connections of
an endpoint that is removed (G12): idle ones close, requests in progress finish."""
import threading

from harness import backend, wait


def run(t):
    c = t.cluster()
    gate = threading.Event()
    b, leaves = t.backend("b"), t.backend("leaves", backend.holding(gate))
    c.route("a.test", b).start(workers=1)
    base = {"keep_alive_requests": 100000}

    def ask(n=1):
        for _ in range(n):
            t.equal(c.get("a.test").status, 200)

    def at_once(n):
        """So many requests at one moment, each on a connection of its own."""
        ready = threading.Barrier(n, timeout=30)

        def together(connection):
            while request := connection.request():
                ready.wait()
                connection.echo(request)
        b.handler = together
        clients = [c.client().request(host="a.test") for _ in range(n)]
        t.equal([x.response().status for x in clients], [200] * n)
        b.handler = backend.echo
        for x in clients:
            x.close()

    def fresh(**keys):
        """New limits, and no connection left from before."""
        c.config(**base, upstream_keepalive_connections=0).settle()
        b.wait(lambda b: not b.n_open, "0 connections: none is kept")
        c.config(**base, **keys).settle()

    fresh()
    n = b.n_accepted
    ask(20)
    t.equal(b.n_accepted, n + 1, "kept by default")

    c.config(**base, upstream_keepalive_connections=0).settle()
    b.wait(lambda b: not b.n_open, "those that are idle close with the change")
    n = b.n_accepted
    ask(5)
    t.equal(b.n_accepted, n + 5, "connections 0: one each")

    fresh(upstream_keepalive_connections=3)
    at_once(8)
    b.wait(lambda b: b.n_open == 3, "three of eight are kept")

    fresh(upstream_keepalive_requests=4)
    n = b.n_accepted
    ask(12)
    t.equal(b.n_accepted, n + 3, "four requests on each")
    fresh(upstream_keepalive_requests=1)
    n = b.n_accepted
    ask(3)
    t.equal(b.n_accepted, n + 3, "one request on each")

    fresh(upstream_keepalive_timeout=1)
    n = b.n_accepted
    ask(2)
    t.equal(b.n_accepted, n + 1)
    b.wait(lambda b: not b.n_open, "idle for a second")
    ask()
    t.equal(b.n_accepted, n + 2)

    fresh(upstream_keepalive_time="1s")
    n = b.n_accepted

    def grown():
        ask()
        return b.n_accepted > n + 1
    wait.until(grown, "a connection in use all the time ends after its second", every=0.05)
    t.check(len([r for r in b.requests]) > n + 1, "and was used more than once")

    # a removed endpoint (G12)
    fresh()
    c.route("g.test", leaves, b)
    c.settle()
    for _ in range(6):
        t.equal(c.get("g.test").status, 200)
    leaves.wait(lambda x: x.n_open == 1, "an idle connection")
    clients = [c.client() for _ in range(4)]
    for x in clients:
        x.request("/slow", "g.test")
    held = 2  # in turn
    leaves.wait(lambda x: sum(r.target == "/slow" for r in x.requests) == held, "requests are in progress")
    c.endpoints("g", b)
    c.settle()
    leaves.wait(lambda x: x.n_open == held, "idle ones are closed, the others are not")
    for _ in range(6):
        t.equal(c.get("g.test").get("x-backend"), "b", "nothing new")
    gate.set()
    t.equal([x.response().status for x in clients], [200] * 4, "requests in progress finish")
    leaves.wait(lambda x: not x.n_open, "and then their connections close")
