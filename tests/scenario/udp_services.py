"""UDP services: each client has answers to what it asked, endpoints come and go under its session, and ports are opened and closed
live (SEMANTICS A50)."""
from harness import datagram, stream, wait

MANY = 2147483647


def run(t):
    c = t.cluster()
    one, two, gone = (t.own(datagram.Endpoint(name)) for name in ("one", "two", "gone"))
    gone.close()
    a, b = wait.free_port(), wait.free_port()
    c.apply(*datagram.service("dns", one, two), datagram.services({a: "default/dns:53", 443: "default/dns:53", 7: "x"}))
    stream.tcp(c, options=["--tcp-address", "0.0.0.0"])

    # many clients at once, over both workers: each gets its own answer, and both endpoints are asked
    datagram.until_answered(a)
    clients = [t.own(datagram.Client(a)) for _ in range(60)]
    for turn in range(3):
        for i, client in enumerate(clients):
            client.send(f"{turn} of {i}")
        names = set()
        for i, client in enumerate(clients):
            name, _, rest = (client.receive() or "nothing at all").partition(" ")
            t.equal(rest, f"{turn} of {i}")
            names.add(name)
        t.equal(names, {"one", "two"})
    # each was over with its answer (proxy-stream-responses 1), and had a socket of its own
    wait.until(lambda: c.metric("weirlock_udp_sessions_open") == 0, "no session is left")
    t.check(c.metric("weirlock_udp_sessions_total") >= 180, "a session for each datagram and answer")
    line = c.wait_access(" UDP 200 ")
    t.check(line.startswith("[127.0.0.1] ["), line)
    t.contains(line, f" [default-dns-53-udp] {a} 127.0.0.1:", " - done -")
    rows = {(row["object"], row["field"]) for row in c.problems()}
    t.check({("ConfigMap ingress/udp", "443"), ("ConfigMap ingress/udp", "7")} <= rows, f"bad entries are told: {rows}")
    t.equal(c.metric(f'weirlock_udp_listener_up{{address="0.0.0.0:{a}"}}'), 1)

    # an answer comes from the address that was asked
    with datagram.Client(a, host="127.0.0.77") as client:
        t.contains(client.ask("which of yours"), "which of yours")

    # a session that goes on keeps its endpoint and its socket there, and the largest datagrams pass
    c.config(proxy_stream_responses=MANY)
    c.settle()
    with datagram.Client(a) as client, datagram.Client(a) as other:
        name = client.ask("0").split()[0]
        home, there = (one, two) if name == "one" else (two, one)
        for i in range(1, 20):
            t.equal(client.ask(str(i)), f"{name} {i}")
        text = "x" * 65000
        t.equal(client.ask(text), f"{name} {text}")
        peers = {peer for data, peer in home.heard if data in [str(i).encode() for i in range(20)]}
        t.equal(len(peers), 1, "one socket for the session")
        while other.ask("who")[:3] != there.name[:3]:
            other.close()
            other.__init__(a)
        t.equal(c.metric("weirlock_udp_sessions_open") >= 2, True)

        # its endpoint goes: the next datagram gets another one, and who has the other notices nothing
        c.apply(*datagram.service("dns", there))
        c.settle()
        t.equal(client.ask("and now"), f"{there.name} and now")
        t.equal(other.ask("still"), f"{there.name} still")
        c.wait_access(" route_removed ")

        # an endpoint that refuses (ICMP) is passed over, and the client need not send again
        c.apply(*datagram.service("dns", gone, there, gone))
        c.settle()
        for i in range(4):
            with datagram.Client(a) as fresh:
                t.equal(fresh.ask(f"n{i}"), f"{there.name} n{i}")
        t.check(c.metric("weirlock_upstream_retries_total") >= 1, "another one was tried")
        # all refuse: the session ends, and the client hears nothing
        c.apply(*datagram.service("dns", gone))
        c.settle()
        with datagram.Client(a) as fresh:
            fresh.send("anybody")
            c.wait_access(" UDP 502 ")
            t.equal(fresh.receive(0), None)

        # without endpoints, and without the entry, nobody listens
        c.apply(*datagram.service("dns"))
        wait.until(lambda: is_refused(a), "the port is closed")
        c.apply(*datagram.service("dns", one), datagram.services({b: "default/dns:dns"}))
        datagram.until_answered(b)
        t.check(is_refused(a), "the port that was taken out stays closed")

    # silence ends a session; the log has the format that was asked for
    c.config(proxy_stream_responses=MANY, proxy_stream_timeout="1s", log_format_stream="udp=$protocol $remote_addr $status "
             "$bytes_received/$bytes_sent $session_time $upstream_addr $end_reason $end_limit $nobody")
    c.settle()
    with datagram.Client(b) as client:
        t.equal(client.ask("four"), "one four")
        c.wait_access(f" 127.0.0.1:{one.address[1]} stream_idle_timeout proxy-stream-timeout -")
        t.contains(c.wait_access("udp=UDP 127.0.0.1 200 4/8 1."), "stream_idle_timeout")
    t.equal(c.metric('weirlock_udp_dropped_total{reason="full"}'), 0)


def is_refused(port):
    with datagram.Client(port) as client:
        client.send("x")
        client.sock.settimeout(0.2)
        try:
            client.sock.recv(100)
        except ConnectionRefusedError:
            return True
        except TimeoutError:
            return False
    return False
