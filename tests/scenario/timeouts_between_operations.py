"""Timeouts are gaps between two successive reads or writes, never the time of the whole: slow is not silent; the head alone has
a time for all of it, on a new connection since it was accepted (SEMANTICS G3, G4). All from the ConfigMap, live."""
import socket
import time

from harness import wait

FORMAT = "$request_uri|$status|$end_limit|"


def drip(client, pieces, gap):
    for piece in pieces:
        wait.pause(gap)
        client.send(piece)


def run(t):
    def slow_reader(connection):
        """Reads a large body in steps, longer in all than proxy-send-timeout."""
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        request = connection.head()
        if request.get("content-length") in (None, "0"):
            connection.reply(body=b"small")
            return
        left = int(request.get("content-length"))
        while left:
            n = min(left, 2000000)
            connection.reader.exactly(n)
            left -= n
            wait.pause(0.4)
        connection.reply(body=b"read all")

    def slow_writer(connection):
        connection.request()
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        for byte in "abcde":
            wait.pause(0.5)
            connection.send(byte)

    def held(connection):
        connection.request()
        connection.wait_closed(60)

    c = t.cluster()
    c.config(log_format_upstream=FORMAT)
    c.route("a.test", t.backend()).route("held.test", t.backend(handler=held)).route("dead.test", t.silent())
    c.route("handshake.test", t.backend(handler=lambda connection: connection.wait_closed(60)), annotations={"backend-protocol": "HTTPS"})
    c.route("reads.test", t.backend(handler=slow_reader), annotations={"proxy-body-size": "0", "proxy-read-timeout": "20"})
    c.route("writes.test", t.backend(handler=slow_writer)).start()

    one = {"proxy_next_upstream_tries": 1, "log_format_upstream": FORMAT}
    c.config(proxy_send_timeout=1, proxy_read_timeout=1, proxy_connect_timeout=1, **one).settle()
    t.equal(c.get("writes.test", "/writes").body, b"abcde", "five gaps of half a second")
    t.equal(c.get("reads.test", "/reads", method="POST", body=b"x" * 16000000).body, b"read all", "eight gaps")
    t.equal(c.get("held.test", "/held").status, 504)
    t.check(c.wait_access("/held|504|proxy-read-timeout|"), "proxy-read-timeout of the ConfigMap")
    t.equal(c.get("dead.test", "/dead").status, 504)
    t.check(c.wait_access("/dead|504|proxy-connect-timeout|"), "proxy-connect-timeout of the ConfigMap")

    t.equal(c.get("handshake.test", "/handshake").status, 504)
    t.check(c.wait_access("/handshake|504|proxy-connect-timeout|"), "and for the TLS handshake (G2)")

    with c.client() as client:  # G3: the backend's second begins when the request is whole
        client.send("POST /upload HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\n")
        drip(client, ("a", "b"), 1.4)
        t.equal(client.response().status, 200, "a slow upload costs the backend no time")
    c.config(client_body_timeout=1, **one).settle()
    with c.client() as client:
        client.send("POST /dripped HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\n")
        drip(client, "abcde", 0.5)
        t.equal(client.response().status, 200, "five gaps of half a second")

    # client-header-timeout is for the whole head: from the accept on a new connection, then from its first byte
    c.config(client_header_timeout=3, **one).settle()
    silent, begun = c.client(), c.client()
    wait.pause(2)
    begun.send("GET /new HTTP/1.1\r\n")
    t.equal(silent.wait_closed(), b"")
    since = time.monotonic()
    t.equal(begun.wait_closed(), b"")
    t.check(time.monotonic() - since < 1.5, f"{time.monotonic() - since:.1f} s later than one that was silent from the start")
    with c.client() as client:
        t.equal(client.get("/").status, 200)
        wait.pause(2)
        client.send("GET /kept HTTP/1.1\r\n")
        since = time.monotonic()
        t.equal(client.wait_closed(), b"")
        t.check(time.monotonic() - since > 2, "a kept connection has all of it from the first byte")
