"""curl over HTTP/2, by ALPN and with prior knowledge in clear: bodies both ways, HEAD, 204, 304, 100-continue, one connection
for all (SEMANTICS F2); the backend sees HTTP/1.1 and never learns it."""
import json
import os

from harness import process
from harness.manifests import secret

SIZE = 3_000_000


def run(t):
    def handler(connection):
        while request := connection.request():
            if request.target == "/big":
                connection.reply(200, b"z" * SIZE)
            elif request.target == "/chunked":
                connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
                                "5\r\nhello\r\n7\r\n, world\r\n0\r\nX-T: dropped\r\n\r\n")
            elif request.target in ("/204", "/304"):
                connection.send(f"HTTP/1.1 {request.target[1:]} None\r\nX-Mark: m\r\nConnection: keep-alive, x-hop\r\nX-Hop: 1\r\n\r\n")
            else:
                connection.echo(request)

    c = t.cluster()
    cert = t.certificate("a.test")
    b = t.backend(handler=handler)
    c.apply(secret("a", cert)).config(proxy_body_size="8m", keep_alive_requests="2000", log_format_upstream=(
        '$server_protocol $connection_requests $status $request_method $request_uri $request_length $bytes_sent $body_bytes_sent'))
    c.route("a.test", b, tls={"a": ["a.test"]}, annotations={"ssl-redirect": "false"}).start()
    http, https = f"http://a.test:{c.http()[1]}", f"https://a.test:{c.https()[1]}"

    def curl(*words, fails=None):
        done = process.run(["curl", "-sS", "--max-time", 20, "--cacert", cert.cert_path, "--resolve",
                            f"a.test:{c.http()[1]}:127.0.0.1", "--resolve", f"a.test:{c.https()[1]}:127.0.0.1", *words])
        if fails is None:
            t.equal(done.returncode, 0, f"curl {words}: {done.stderr}")
        return done.stdout

    upload = os.path.join(t.directory, "upload")
    with open(upload, "wb") as f:
        f.write(os.urandom(SIZE))
    for base, how in ((https, "--http2"), (http, "--http2-prior-knowledge")):
        t.equal(curl(how, "-o", "/dev/null", "-w", "%{http_version} %{http_code}", base + "/x"), "2 200", how)
        seen = json.loads(curl(how, base + "/x?y=1"))
        t.equal((seen["target"], seen["version"], dict(seen["headers"])["Host"]), ("/x?y=1", "HTTP/1.1", base.split("/")[2]))
        t.equal(len(curl(how, base + "/big")), SIZE, "download")
        t.equal(curl(how, base + "/chunked"), "hello, world", "a body of unknown length")
        t.equal(json.loads(curl(how, "-T", upload, base + "/put"))["body"], SIZE, "upload")
        t.equal(json.loads(curl(how, "-H", "Expect: 100-continue", "-T", upload, base + "/put"))["body"], SIZE, "after 100")
        t.equal(json.loads(curl(how, "-X", "POST", "-d", "small", base + "/post"))["body"], 5)
        t.equal(b.last.get("content-length"), "5", "a small body has a length")
        with open(upload, "rb") as f:
            t.equal(json.loads(curl(how, "-X", "POST", "-H", "Content-Length:", "-H", "Expect:", "--data-binary", "@" + upload,
                                    base + "/post"))["body"], SIZE, "a body of unknown length")
        head = curl(how, "-I", base + "/head")
        t.contains(head, "HTTP/2 200", "content-length: ")
        for code in ("204", "304"):
            answer = curl(how, "-i", base + "/" + code)
            t.contains(answer, f"HTTP/2 {code}", "x-mark: m")
            t.check("x-hop" not in answer and "connection" not in answer, "hop-by-hop fields are dropped")
        t.contains(curl(how, "-i", "-H", "Host: unknown.test", base + "/none"), "HTTP/2 404", "<center>nginx</center>")
    # (in clear, curl 7.88 fails with its own second request; http2_nghttp does that)
    t.equal(curl("--http2", "-o", "/dev/null", "-w", "%{num_connects} ", https + "/1", "-o", "/dev/null", https + "/2", "-o",
                 "/dev/null", https + "/3"), "1 0 0 ", "one connection")
    t.contains(c.wait_access("GET /3 "), "HTTP/2.0 3 200 GET /3")
    t.contains(c.wait_access("GET /big "), f" {SIZE}")
    text = c.admin("/metrics").body.decode()
    t.contains(text, "weirlock_http2_connections 0", "weirlock_http2_streams 0", "weirlock_http2_memory_bytes 0")
    # switched off: HTTP/1.1 to TLS clients, and the preface is no request
    c.config(use_http2="false").settle()
    t.equal(curl("--http2", "-o", "/dev/null", "-w", "%{http_version}", https + "/off"), "1.1")
    curl("--http2-prior-knowledge", http + "/off", fails=True)
