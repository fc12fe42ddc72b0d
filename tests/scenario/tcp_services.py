"""TCP services: bytes both ways, ports that come and go while connections stay, and a port that cannot be had (SEMANTICS A50)."""
import socket

from harness import manifests, stream, wait


def is_reset(port):
    try:
        stream.Stream(port).close()
    except ConnectionResetError:
        return True
    return False


def run(t):
    c = t.cluster()
    one, two = t.backend("one", stream.echo), t.backend("two", stream.echo)
    a, b, taken = (wait.free_port() for _ in range(3))
    squatter = socket.socket()
    squatter.bind(("127.0.0.1", taken))
    squatter.listen(1)
    c.expose("db", one).apply(stream.services({a: "default/db:80", taken: "default/db:80", 443: "default/db:80", 7: "nonsense"}))
    c.apply(manifests.configmap("udp", **{"53": "default/dns:53"}))
    stream.tcp(c)

    # bytes, small and large, and who is asked
    first = t.own(stream.until_open(a))
    t.equal(first.name, "one")
    first.echo("hello")
    sent = bytes(range(256)) * 4096 * 4
    other = t.own(stream.Stream(a))
    other.sock.settimeout(30)
    for at in range(0, len(sent), 65536):
        other.sock.sendall(sent[at:at + 65536])
        t.equal(other.reader.exactly(65536), sent[at:at + 65536])
    t.equal(c.metric("weirlock_tcp_sessions_open"), 2)

    # what is wrong is told, each by itself, and harms nothing
    rows = {(row["object"], row["field"]) for row in c.problems()}
    for key in ("443", "7"):
        t.check(("ConfigMap ingress/tcp", key) in rows, f"a problem of {key}: {rows}")
    t.check(("ConfigMap ingress/udp", "53") in rows, "UDP is told of")
    t.equal(c.metric(f'weirlock_tcp_listener_up{{address="127.0.0.1:{taken}"}}'), 0)
    t.equal(c.metric(f'weirlock_tcp_listener_up{{address="127.0.0.1:{a}"}}'), 1)
    t.contains(c.proxies[0].err(), f"cannot listen for a TCP service address=127.0.0.1:{taken}")
    squatter.close()
    stream.until_open(taken).close()

    # a port more, balanced over two endpoints; the first connection does not notice
    c.endpoints("db", one, two).apply(stream.services({a: "default/db:80", b: "default/db:http"}))
    stream.until_open(b).close()
    names = set()
    for _ in range(20):
        with stream.Stream(b) as s:
            names.add(s.name)
    t.equal(names, {"one", "two"})
    stream.until_refused(taken)
    first.echo("still here")

    # the port goes: nobody new, the old ones stay; it comes again, several times
    for _ in range(3):
        c.apply(stream.services({b: "default/db:80"}))
        stream.until_refused(a)
        first.echo("and here")
        c.apply(stream.services({a: "default/db:80", b: "default/db:80"}))
        stream.until_open(a).close()
        first.echo("and there")

    # without endpoints there is no listener; a broken endpoint is passed over
    c.endpoints("db")
    stream.until_refused(a)
    first.echo("my endpoint is gone, I am not")
    c.endpoints("db", t.refusing(), two)
    stream.until_open(a).close()
    for _ in range(6):
        with stream.Stream(a) as s:
            t.equal(s.name, "two")

    # unless nobody else is to be tried: then every other one fails, told in the format that was asked for
    c.config(proxy_stream_next_upstream="false", log_format_stream="one try: $protocol $status $upstream_addr $end_reason")
    c.settle()
    wait.until(lambda: is_reset(a), "one fails")
    c.wait_access("one try: TCP 502 127.0.0.1:")
    c.config(disable_stream_access_log="true")
    c.settle()
    stream.until_open(a).close()
    c.config()
    c.settle()

    t.check("this is a defect" not in c.controllers[0].err(), "endpoints alone are built as with all else")

    # the ConfigMap goes
    c.delete(stream.services({}))
    stream.until_refused(a)
    stream.until_refused(b)
    first.echo("last words")
    first.close()
    line = c.wait_access("tunnel_closed_by_client")
    t.contains(line, "] TCP 200 ")
    c.wait_access(f"[default-db-80] {a} 127.0.0.1:{one.address[1]} ")
    other.close()
    wait.until(lambda: c.metric("weirlock_tcp_sessions_open") == 0, "no session is left")
