"""A POST that reached nobody goes elsewhere: the endpoint had ended the connection before a byte of it came (SEMANTICS I32: the
request had not been sent, as far as the endpoint can tell). One that came and got no answer does not."""
import socket
import ssl

from harness import wait


class LeavesAtOnce:
    """TLS 1.2, and with the last bytes of the handshake, in one segment, the end of the connection."""

    def __init__(self, certificate):
        self.certificate = certificate

    @property
    def context(self):
        """A new one each time: a handshake that resumes a session ends with the client's bytes."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.maximum_version = ssl.TLSVersion.TLSv1_2
        made.options |= ssl.OP_NO_TICKET
        made.load_cert_chain(self.certificate.cert_path, self.certificate.key_path)
        return made

    def __call__(self, connection):
        received, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls, sock = self.context.wrap_bio(received, out, server_side=True), connection.sock
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                if flight := out.read():
                    sock.sendall(flight)
                received.write(sock.recv(16384))
        try:
            tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        sock.sendall(out.read())


class Reads(LeavesAtOnce):
    """Takes the request, and hangs up."""

    def __call__(self, connection):
        with self.context.wrap_socket(connection.sock, server_side=True) as sock:
            sock.recv(16384)
            sock.unwrap()


def run(t):
    c = t.cluster()
    certificate = t.certificate("backend.test")
    leaves, reads = t.backend("leaves", LeavesAtOnce(certificate)), t.backend("reads", Reads(certificate))
    tls = {"backend-protocol": "HTTPS"}
    c.route("leaves.test", leaves, annotations=tls)
    c.route("reads.test", reads, annotations=tls)
    c.start(workers=1)
    for number in range(1, 4):
        t.equal(c.get("leaves.test", method="POST", body="x" * 1000).status, 502)
        t.equal(leaves.n_accepted, 3 * number, "nobody has seen it: three tries, as for a GET")
        t.equal(c.get("reads.test", method="POST", body="x" * 1000).status, 502)
        t.equal(reads.n_accepted, number, "somebody may have seen it: one try")
    t.contains(c.wait_access("default-leaves-80"), "502, 502, 502")
