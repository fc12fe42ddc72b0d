"""Neighbours that are not of gRPC: nghttpd as endpoint, nghttp and h2load as clients; and clients of HTTP/1.1, who get trailers after the
last chunk as from ingress-nginx (G14)."""
import os
import re
import socket
import subprocess

from harness import http2_backend, process, wait


def nghttpd(t, port, *options):
    folder = os.path.join(t.directory, "htdocs")
    os.makedirs(folder, exist_ok=True)
    for name, size in (("small", 1000), ("large", 3_000_000)):
        with open(os.path.join(folder, name), "wb") as f:
            f.write(b"z" * size)
    p = subprocess.Popen(["nghttpd", "--address=127.0.0.1", "-d", folder, "--no-tls", *options, str(port)],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    class Running:
        address = ("127.0.0.1", port)

        @staticmethod
        def close():
            p.terminate()
            p.wait()

    def listens():
        with socket.socket() as s:
            return s.connect_ex(Running.address) == 0

    t.own(Running)
    wait.until(listens, "nghttpd to listen")
    return Running


def run(t):
    c = t.cluster()
    grpc = {"backend-protocol": "GRPC", "proxy-body-size": "0"}

    def trailing(connection):
        peer = http2_backend.Peer(connection)
        while s := peer.request():
            peer.head(s, [("content-type", "text/plain"), ("x-method", s.get(":method"))])
            peer.data(s, s.body or b"nothing")
            peer.head(s, [("x-checksum", "17"), ("x-te", s.get("te"))], status=None, end=True)

    served = nghttpd(t, wait.free_port(), "--trailer=x-end: yes")
    c.route("a.test", served, annotations=grpc).route("t.test", t.backend(handler=trailing), annotations=grpc)
    c.start(workers=1)
    url = "http://%s:%d" % c.http()
    done = process.run(["nghttp", "-nv", "-H", ":authority: a.test", f"{url}/small", f"{url}/large"], 60)
    t.equal(len(re.findall(r":status: 200", done.stdout)), 2, done.stdout[-2000:])
    t.equal(len(re.findall(r"x-end: yes", done.stdout)), 2, "trailers of both")
    for options in (["-n", "3000", "-c", "10", "-m", "20", f"{url}/small"], ["-n", "60", "-c", "3", "-m", "5", f"{url}/large"]):
        done = process.run(["h2load", "-H", ":authority: a.test", *options], 120)
        t.contains(done.stdout, f"{options[1]} succeeded, 0 failed, 0 errored")
    t.check(c.metric("weirlock_upstream_connections_total") <= 6, "10 clients of 20 streams share few connections")

    with c.client() as client:
        client.send("POST /x HTTP/1.1\r\nHost: t.test\r\nContent-Length: 5\r\n\r\nhello")
        r = client.response()
        t.equal((r.status, r.body, r.get("x-method"), r.get("transfer-encoding")), (200, b"hello", "POST", "chunked"))
        t.equal(dict(r.trailers), {"x-checksum": "17", "x-te": "trailers"})
        client.send("POST /y HTTP/1.1\r\nHost: t.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        t.equal(client.response().body, b"abcde", "the connection goes on")
        client.send("HEAD /small HTTP/1.1\r\nHost: a.test\r\n\r\n")
        t.equal(client.response("HEAD").status, 200)
        client.send("GET /small HTTP/1.1\r\nHost: a.test\r\n\r\n")
        t.equal(len(client.response().body), 1000)
    with c.client() as client:
        client.send("GET /x HTTP/1.0\r\nHost: t.test\r\n\r\n")
        r = client.response()
        t.equal((r.status, r.body), (200, b"nothing"))
