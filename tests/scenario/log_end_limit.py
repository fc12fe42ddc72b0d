"""The access log names the limit that ended a request or a tunnel, by the key that sets it, in text and in JSON; half a head is
a 408 in it (SEMANTICS G2 to G4, G11, G12, D5)."""
import json
import signal
import socket
import threading

from harness import wait, websocket
from harness.websocket import WebSocket

SHORT = {"proxy-next-upstream-tries": "1"}
FORMAT = "$request_uri|$status|$end_reason|$end_limit|"


def tunnel(connection):
    """Takes the upgrade and neither reads nor writes from then on."""
    websocket.accept(connection, connection.request())


def requests(t, c, full):
    """(what, line) of each limit but those of a shutdown."""
    with c.client() as client:  # nothing was begun: no line
        t.equal(client.wait_closed(), b"")
    with c.client() as client:
        client.send("GET /late HTTP/1.1\r\nHost: a.te")
        t.equal(client.wait_closed(), b"", "no answer to half a head")
    yield "half a head", "-|408|client_header_timeout|client-header-timeout|"
    with c.client() as client:
        client.send("POST /body HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\nhalf")
        t.equal(client.wait_closed(), b"", "no answer to half a body")
    yield "half a body", "/body|408|client_body_timeout|client-body-timeout|"
    t.equal(c.get("silent.test", "/read").status, 504)
    yield "a silent endpoint", "/read|504|upstream_read_timeout|proxy-read-timeout|"
    t.equal(c.get("dead.test", "/connect").status, 504)
    yield "an endpoint that takes no connection", "/connect|504|upstream_connect_timeout|proxy-connect-timeout|"
    t.equal(c.get("retry.test", "/retry").status, 504)
    yield "no time for another endpoint", "/retry|504|upstream_connect_timeout|proxy-next-upstream-timeout|"
    t.equal(c.get("none.test", "/none").status, 504)
    yield "all endpoints were asked", "/none|504|upstream_connect_timeout|proxy-connect-timeout|"
    t.equal(c.get("deaf.test", "/send", method="POST", body=b"x" * 8000000).status, 504)
    yield "an endpoint that stops reading", "/send|504|upstream_send_timeout|proxy-send-timeout|"
    with c.client(receive_buffer=4096) as client:
        client.request("/unread", "big.test")
        yield "a client that stops reading", "/unread|200|client_send_timeout|proxy-send-timeout|"
    t.equal(c.get("a.test", "/large", method="POST", body=b"x" * 2000000).status, 413)
    yield "a body too large", "/large|413|too_large|proxy-body-size|"
    with c.client() as client:
        client.request("/one", "full.test")
        full.wait(lambda b: b.requests, "the endpoint has all it may have")
        t.equal(c.get("full.test", "/full").status, 503)
    yield "endpoints that take no more", "/full|503|endpoints_full|max-connections|"
    yield "a client that leaves", "/one|499|client_gone|-|"
    with WebSocket(c.http(), "quiet.test", "/idle") as ws:
        t.equal(ws.client.wait_closed(), b"")
    yield "a silent tunnel", "/idle|101|tunnel_idle_timeout|proxy-read-timeout|"
    with WebSocket(c.http(), "stuck.test", "/stuck") as ws:
        ws.client.sock.settimeout(0.5)
        try:
            while True:
                ws.client.sock.send(b"x" * 65536)
        except OSError:
            pass
        yield "a tunnel whose end stops reading", "/stuck|101|tunnel_send_timeout|proxy-send-timeout|"
    t.equal(c.get("a.test", "/good").status, 200)
    yield "no limit", "/good|200|done|-|"


def stopping(t, c, b):
    c.config(worker_shutdown_timeout="1s", log_format_upstream=FORMAT).settle()
    with WebSocket(c.http(), "a.test", "/tunnel") as ws, c.client() as busy, c.client() as half:
        ws.echo("before")
        busy.request("/held", "held.test")
        b.wait(lambda b: b.requests, "the request is at the endpoint")
        half.send("GET /half HTTP/1.1\r\n")
        wait.until(lambda: c.metric('nginx_ingress_controller_nginx_process_connections{state="reading"}') >= 1, "half a head is there")
        c.proxies[0].signal(signal.SIGTERM)
        ws.client.wait_closed()
        busy.wait_closed()
        t.equal(c.proxies[0].wait_end(), 0, "exit status")
        t.equal(half.wait_closed(), b"")
    return ("-|408|shutdown_timeout|worker-shutdown-timeout|", "/tunnel|101|shutdown_timeout|worker-shutdown-timeout|",
            "/held|499|shutdown_timeout|worker-shutdown-timeout|")


def run(t):
    done = threading.Event()

    def held(connection):
        connection.request()
        done.wait(60)

    def deaf(connection):
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.head()
        done.wait(60)

    def quiet(connection):
        tunnel(connection)
        connection.wait_closed(60)

    def stuck(connection):
        tunnel(connection)
        done.wait(60)

    def big(connection):
        connection.request()
        try:
            connection.reply(body=b"x" * 30000000)
        except OSError:
            pass

    c = t.cluster()
    holding = t.backend(handler=held)
    c.config(client_header_timeout=1, client_body_timeout=1, log_format_upstream=FORMAT)
    c.route("a.test", t.backend()).route("held.test", holding)
    for host, backend, key in (("silent.test", t.backend(handler=held), "read"), ("dead.test", t.silent(), "connect"),
                               ("deaf.test", t.backend(handler=deaf), "send"), ("big.test", t.backend(handler=big), "send"),
                               ("quiet.test", t.backend(handler=quiet), "read"), ("stuck.test", t.backend(handler=stuck), "send")):
        c.route(host, backend, annotations={**SHORT, f"proxy-{key}-timeout": "1", "proxy-body-size": "0"})
    full = t.backend(handler=held)
    c.route("full.test", full, annotations={"weirlock.io/max-connections": "1"})
    late = {"proxy-connect-timeout": "1", "proxy-next-upstream-timeout": "1"}
    c.route("retry.test", t.silent(), t.silent(), annotations={**late, "proxy-next-upstream-tries": "3"})
    c.route("none.test", t.silent(), annotations={**late, **SHORT})
    c.start(workers=1)  # max-connections is each worker's own
    for what, line in requests(t, c, full):
        t.check(c.wait_access(line), what)
    t.equal(sum("client-header-timeout" in line for line in c.access_log()), 1, "where nothing was begun there is no line")
    # the built-in JSON says it where there is something to say
    json_proxy = c.proxy("json", options=["--log-format", "json"])
    c.proxies.append(json_proxy)
    c.settle()
    c.get("silent.test", "/json-read", proxy=1)
    c.get("a.test", "/json-good", proxy=1)
    t.equal(json.loads(c.wait_access("/json-read", proxy=1))["end_limit"], "proxy-read-timeout")
    t.check("end_limit" not in json.loads(c.wait_access("/json-good", proxy=1)), "no member without a limit")
    for line in stopping(t, c, holding):
        t.check(c.wait_access(line), line)
    done.set()
