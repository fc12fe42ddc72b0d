"""UDP services under what is hostile: floods of addresses, answers that nobody asked for, networks that are blocked, a shutdown (A50)."""
import signal
import socket

from harness import datagram, stream, wait


def flood(data, name):
    return [b"%d" % i for i in range(10)]


def silent(data, name):
    return []


def picky(data, name):
    return [] if data == b"flood" else datagram.echo(data, name)


def run(t):
    c = t.cluster()
    many, one = t.own(datagram.Endpoint("many", flood)), t.own(datagram.Endpoint("one", picky))
    a, b = wait.free_port(), wait.free_port()
    c.config(proxy_stream_udp_sessions=8, block_cidrs="127.0.0.9", worker_shutdown_timeout="3s")
    c.apply(*datagram.service("many", many), *datagram.service("one", one),
            datagram.services({a: "default/many:53", b: "default/one:53"}))
    proxy = stream.tcp(c, workers=1)
    datagram.until_answered(b)

    # no more answers than proxy-stream-responses for a datagram, whatever the endpoint sends
    datagram.until_answered(a)
    with datagram.Client(a) as client:
        t.equal(client.ask("x"), "0")
        wait.until(lambda: len(many.heard) >= 2, "it was asked")
        t.equal(client.receive(0.3), None)

    # who is blocked is not heard
    with datagram.Client(b, source="127.0.0.9") as client:
        client.send("let me in")
        wait.until(lambda: c.metric('weirlock_udp_dropped_total{reason="denied"}') >= 1, "it was dropped")
        t.check(b"let me in" not in [data for data, _ in one.heard], "nothing got through")
    # nor what claims to come from one of our own ports: two services would answer each other for good
    heard = len(many.heard)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forged:
        forged.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        forged.bind(("127.0.0.1", b))
        forged.sendto(b"ping", ("127.0.0.1", a))
        wait.until(lambda: c.metric('weirlock_udp_dropped_total{reason="denied"}') >= 2, "it was dropped")
    t.equal(len(many.heard), heard)
    c.config(proxy_stream_udp_sessions=8, proxy_stream_responses=1000, worker_shutdown_timeout="3s")
    c.settle()

    # a flood of addresses pushes out itself, and not who is in a conversation
    talker = t.own(datagram.Client(b))
    t.equal(talker.ask("a"), "one a")
    t.equal(talker.ask("b"), "one b")
    crowd = [t.own(datagram.Client(b)) for _ in range(100)]
    for member in crowd:
        member.send("flood")
    wait.until(lambda: len([1 for data, _ in one.heard if data == b"flood"]) >= 100, "the flood got there")
    t.equal(c.metric("weirlock_udp_sessions_open"), 8)
    t.equal(talker.ask("c"), "one c")
    c.wait_access(" UDP 503 ")
    t.contains(proxy.err(), "no room for another session")
    t.equal(proxy.err().count("no room for another session"), 1, "once a minute")
    # nobody may go: a new one stays outside
    settled = [t.own(datagram.Client(b)) for _ in range(7)]
    for member in settled:
        t.equal(member.ask("1"), "one 1")
        t.equal(member.ask("2"), "one 2")
    before = c.metric('weirlock_udp_dropped_total{reason="full"}')
    with datagram.Client(b) as late:
        late.send("late")
        wait.until(lambda: c.metric('weirlock_udp_dropped_total{reason="full"}') == before + 1, "it was dropped")
    for member in [talker, *settled]:
        t.equal(member.ask("still"), "one still")

    # SIGTERM: sessions go on, nobody new is taken, and the rest ends with worker-shutdown-timeout
    proxy.signal(signal.SIGTERM)
    wait.until(lambda: draining(c), "it drains")
    t.equal(talker.ask("while you go"), "one while you go")
    with datagram.Client(b) as late:
        late.send("new here")
    t.equal(proxy.wait_end(), 0, "exit status")
    t.check(b"new here" not in [data for data, _ in one.heard], "nobody new")
    t.contains(proxy.out(), " shutdown_timeout worker-shutdown-timeout")


def draining(c):
    return c.admin("/readyz").status == 503
