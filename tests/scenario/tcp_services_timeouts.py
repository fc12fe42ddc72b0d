"""A TCP session without a byte for proxy-stream-timeout ends, and a changed one holds for open sessions; connecting has a limit
too. The log names which it was (SEMANTICS A50)."""
import time

from harness import stream, wait


def silent(connection):
    connection.send("silent\r\n")
    connection.wait_closed(60)


def run(t):
    c = t.cluster()
    b, quiet = t.backend("one", stream.echo), t.backend("silent", silent)
    a, q, s = (wait.free_port() for _ in range(3))
    c.config(proxy_stream_timeout="1", proxy_connect_timeout="1")
    c.expose("db", b).expose("quiet", quiet).expose("stuck", t.silent())
    c.apply(stream.services({a: "default/db:80", q: "default/quiet:80", s: "default/stuck:80"}))
    stream.tcp(c, workers=1)

    # bytes in one direction keep it
    with stream.until_open(q) as one:
        for _ in range(6):  # 2.4 s
            one.sock.sendall(b"still here")
            wait.pause(0.4)
            t.check(one.is_open(), "bytes in one direction keep it")
        last = time.monotonic()
        t.equal(one.wait_closed(), b"")
        t.check(time.monotonic() - last > 0.4, "not at once")
    quiet.wait(lambda q: not q.n_open, "the endpoint's side is closed too")
    t.contains(c.wait_access("stream_idle_timeout proxy-stream-timeout"), "] TCP 200 ", f" {q} ")

    # connecting has a limit
    with stream.Stream(s, greets=False) as one:
        t.equal(one.wait_closed(), b"")
    t.contains(c.wait_access("upstream_connect_timeout proxy-connect-timeout"), "] TCP 502 ", f" {s} ")

    # a longer one holds for the sessions that are open, and so does a shorter one
    c.config(proxy_stream_timeout="600", proxy_connect_timeout="1").settle()
    with stream.Stream(a) as one:
        one.echo("x")
        wait.pause(2.5)
        one.echo("more than a second later")
        c.config(proxy_stream_timeout="1500ms", proxy_connect_timeout="1")
        t.equal(one.wait_closed(), b"")
    wait.until(lambda: sum("stream_idle_timeout" in line for line in c.access_log()) == 2, "the log names the limit")
    t.equal(c.metric('weirlock_ends_total{reason="stream_idle_timeout",fault="0"}'), 2)
