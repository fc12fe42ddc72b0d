"""TLS handed on by its server name: end to end, the client's address kept for all others, HTTP beside it (SEMANTICS A45-A47)."""
import socket
import ssl

from harness import backend, wait, wire
from harness.manifests import ingress, secret


def tls_backend(t, name, certificate, **rest):
    """A backend that ends TLS itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert_path, certificate.key_path)

    def handler(connection):
        first = b""
        if rest.get("reads_header"):
            while not first.endswith(b"\r\n"):
                first += connection.sock.recv(1)
            t.headers.append(first)
        connection.sock = context.wrap_socket(connection.sock, server_side=True)
        connection.reader = wire.Reader(connection.sock, 60)
        backend.echo(connection)

    return t.backend(name, handler)


def run(t):
    t.headers = []
    c = t.cluster()
    own, ended = t.certificate("pass.test", "told.test"), t.certificate("ended.test")
    passed, told, plain = tls_backend(t, "passed", own), tls_backend(t, "told", own, reads_header=True), t.backend("plain")
    c.apply(secret("ended", ended)).route("ended.test", plain, tls={"ended": ["ended.test"]})
    c.route("pass.test", passed, annotations={"ssl-passthrough": "true", "server-alias": "alias.test"})
    c.route("told.test", told, annotations={"ssl-passthrough": "true", "weirlock.io/send-proxy-protocol": "v1"})
    c.controller(options=["--enable-ssl-passthrough"])
    c.proxy(workers=1)

    def presented(sni, proxy=0):
        with wire.Client(c.https(proxy), tls=sni) as client:
            return client.sock.getpeercert(binary_form=True)

    # end to end: the certificate, and the requests, are the backend's
    with wire.Client(c.https(), tls="pass.test") as client:
        t.equal(client.sock.getpeercert(binary_form=True), own.der)
        for _ in range(3):
            r = client.get("/x", "anything.at.all")
            t.equal((r.status, r.get("x-backend")), (200, "passed"))
        names = {n.lower() for n, _ in passed.last.headers}
        t.check("x-real-ip" not in names, f"somebody wrote fields into it: {names}")
        sent = b"x" * 3_000_000
        t.equal(client.get("/", "pass.test", method="POST", body=sent).status, 200)
    t.equal(presented("PASS.test"), own.der, "in any case (ingress-nginx: in lower case alone)")
    t.equal(presented("ended.test"), ended.der)
    for other in ("", "nobody.test", "alias.test", "x.pass.test"):
        t.check(presented(other) not in (own.der, ended.der), f"{other!r} is for our own TLS")

    # and weirctl explain says so, of these names alone
    for name, step in (("pass.test", "passthrough"), ("PASS.test", "passthrough"), ("alias.test", None), ("ended.test", None)):
        answer = c.inspect("explain", "request", f"https://{name}/x")["answer"]
        t.equal(answer["step"] == "passthrough", step is not None, f"{name}: {answer}")
    t.contains(c.weirctl("explain", "request", "https://told.test/").stdout, "passed on", "version 1", "default/told:80")
    t.contains(c.weirctl("-m", c.manifests, "--enable-ssl-passthrough", "explain", "request", "https://pass.test/", of="").stdout, "passed on")

    # the address of a client that is not handed on is its own, not 127.0.0.1 of a hop within
    with wire.Client(c.https(), tls="ended.test", source="127.0.0.9") as client:
        t.equal(client.get("/", "ended.test").status, 200)
        t.equal(plain.last.get("x-real-ip"), "127.0.0.9")
    # and of one that is, where its endpoints want a PROXY header
    with wire.Client(c.https(), tls="told.test", source="127.0.0.8") as client:
        t.equal(client.get("/", "told.test").status, 200)
    t.contains(t.headers[-1].decode(), "PROXY TCP4 127.0.0.8 127.0.0.1 ")
    t.contains(c.wait_access("default-told-80"), "127.0.0.8", "TCP")

    # plain http for the host goes to the same endpoints, by TLS
    t.equal(c.get("pass.test").get("x-backend"), "passed")

    # a ClientHello in pieces, one that never ends, and what is none
    record = ssl.MemoryBIO()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    out = client.wrap_bio(ssl.MemoryBIO(), record, server_hostname="pass.test")
    try:
        out.do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = record.read()
    s = t.own(wire.Client(c.https()))
    s.send_slowly(hello, 0.001)
    t.equal(s.sock.recv(3)[:2], b"\x16\x03", "a ServerHello comes back")
    half = t.own(wire.Client(c.https()))
    half.send(hello[:100])
    half.half_close()
    half.wait_closed()
    t.contains(wire.Client(c.https()).get("/", "pass.test").text, "400")

    # with PROXY headers in front, and the client of the header
    c.config(use_proxy_protocol="true", proxy_real_ip_cidr="127.0.0.1/32").settle(first=b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\n")
    with wire.Client(c.https(), tls="told.test", first=b"PROXY TCP4 192.0.2.7 192.0.2.2 1000 443\r\n") as client:
        t.equal(client.get("/", "told.test").status, 200)
    t.equal(t.headers[-1], b"PROXY TCP4 192.0.2.7 192.0.2.2 1000 443\r\n")
    c.config().settle()

    # it goes as it came: open connections stay, new ones are ours
    kept = t.own(wire.Client(c.https(), tls="pass.test"))
    t.equal(kept.get("/", "pass.test").get("x-backend"), "passed")
    c.apply(ingress("pass", "pass.test", "/", "pass", annotations={"backend-protocol": "HTTPS"})).settle()
    wait.until(lambda: presented("pass.test") != own.der, "our own TLS answers")
    t.equal(kept.get("/", "pass.test").get("x-backend"), "passed", "the open connection")

    # no endpoint: nothing to hand it to
    c.apply(ingress("pass", "pass.test", "/", "pass", annotations={"ssl-passthrough": "true"}))
    c.endpoints("pass").settle()
    try:
        presented("pass.test")
        raise AssertionError("somebody answered")
    except (ConnectionError, ssl.SSLError, socket.timeout):
        pass
