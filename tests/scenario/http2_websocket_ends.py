"""What ends a WebSocket over HTTP/2, and its reason in the log: idleness, a client that takes nothing, a removed route, a client
that goes, the end of the proxy; a changed timeout counts for one that is open (SEMANTICS G11, G12)."""
import signal
import threading
import time

from harness import http2, wait, websocket
from harness.http2_websocket import Socket
from harness.manifests import ingress

FORMAT = "$host$request_uri|$status|$end_reason|$end_limit|"
HEARD_ENOUGH = threading.Event()
ACCEPTED = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def handler(connection):
    while request := connection.request():
        if request.target == "/floods":
            connection.send(ACCEPTED)
            while True:
                connection.send(b"x" * 65536)
        if request.target == "/deaf":
            connection.send(ACCEPTED)
            HEARD_ENOUGH.wait(30)
            return
        if request.target == "/waits":
            connection.wait_closed(30)
            return
        if request.get("upgrade"):
            websocket.serve_echo(connection, request)
            return
        connection.echo(request)


def run(t):
    c = t.cluster()
    b = t.backend(handler=handler)
    c.config(log_format_upstream=FORMAT, worker_shutdown_timeout="2s")
    c.route("a.test", b).route("gone.test", b).route("later.test", b)
    c.route("idle.test", b, annotations={"proxy-read-timeout": "1"})
    c.route("stall.test", b, annotations={"proxy-send-timeout": "1"}).start(workers=1)

    with http2.Client(c.http()) as client:
        stays, idle, later, gone = (Socket(client, host=f"{name}.test") for name in ("a", "idle", "later", "gone"))
        client.until(lambda: idle.stream.ended, "the end of the idle one")
        t.equal(idle.stream.reset in (None, http2.NO_ERROR), True)
        c.wait_access("idle.test/chat|101|tunnel_idle_timeout|proxy-read-timeout|")
        # a timeout that is lowered, a route that is removed
        t.equal((later.stream.ended, gone.stream.ended), (False, False))
        c.apply(ingress("later", "later.test", "/", "later", {"proxy-read-timeout": "1"}))
        client.until(lambda: later.stream.ended, "the end by the lowered timeout")
        c.wait_access("later.test/chat|101|tunnel_idle_timeout|proxy-read-timeout|")
        c.delete(ingress("gone", "gone.test"))
        client.until(lambda: gone.stream.ended, "the end with its route")
        c.wait_access("gone.test/chat|101|route_removed|-|")
        stays.echo(b"through all of this")
        t.equal(client.ask().status, 200, "the connection goes on")
    c.wait_access("a.test/chat|101|tunnel_closed_by_client|-|")  # its connection was closed

    # the same beside a request that waits: it is the client who went, not the proxy
    with http2.Client(c.http()) as client:
        client.open(target="/waits")
        wait.until(lambda: b.last.target == "/waits", "the request at the backend")
    c.wait_access("a.test/waits|499|client_gone|")

    # a client that takes nothing
    with http2.Client(c.http(), grants=False) as client:
        stalled = Socket(client, "/floods", host="stall.test")
        client.until(lambda: stalled.stream.reset is not None, "the reset")
        t.equal((stalled.stream.reset, stalled.stream.ended), (http2.CANCEL, False), "not all arrived, and it can tell")
        t.equal(len(stalled.stream.body), 65535, "a window full")
    c.wait_access("stall.test/floods|101|tunnel_send_timeout|proxy-send-timeout|")
    # a backend that takes nothing: the client's window closes, what was sent is bounded
    with http2.Client(c.http()) as client:
        deaf = Socket(client, "/deaf", host="stall.test")
        sent = 0
        while not deaf.stream.ended and deaf.stream.reset is None:
            if sent + 16384 <= 65535 + client.windows:
                client.data(deaf.number, b"y" * 16384)
                sent += 16384
            else:
                client.step()
        HEARD_ENOUGH.set()
        t.check(sent < 100_000_000, f"{sent} bytes were taken")
    wait.until(lambda: sum("stall.test/deaf|101|tunnel_send_timeout|proxy-send-timeout|" in line for line in c.access_log()) == 1,
               "its record")
    wait.until(lambda: b.n_open <= 1, "the backend is let go")

    # the proxy stops: it lives for worker-shutdown-timeout
    client = t.own(http2.Client(c.http()))
    ws = Socket(client, "/drain")
    c.proxies[0].signal(signal.SIGTERM)
    client.until(lambda: client.goaway, "GOAWAY")
    ws.echo(b"while it drains")
    started = time.monotonic()
    client.drain()
    t.check(time.monotonic() - started > 1.0, f"ended after {time.monotonic() - started:.1f} s already")
    t.equal(c.proxies[0].wait_end(), 0, "exit status")
    c.wait_access("a.test/drain|101|shutdown_timeout|worker-shutdown-timeout|")
