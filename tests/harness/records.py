"""A TLS client that sees the records: its own OpenSSL in memory over a bare socket, one record at a time."""
import socket
import ssl

from . import wait, wire


class Client:
    """One connection. `.sizes` holds the plaintext bytes of each record with application data since `mark()`, `.wire` their
    bytes on the wire, head included."""

    def __init__(self, address, name, version, seconds=wait.SECONDS, context=None):
        context = context or wire.any_certificate()
        context.minimum_version = context.maximum_version = version
        self.sock = socket.create_connection(address, seconds)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.raw = wire.Reader(self.sock, seconds)
        self.inside, self.outside = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.inside, self.outside, server_hostname=name)
        self.plain = bytearray()
        self.sizes, self.wire = [], []
        while not self._shake():
            self._record()

    def _flush(self):
        data = self.outside.read()
        if data:
            self.sock.sendall(data)

    def _shake(self):
        try:
            self.tls.do_handshake()
            return True
        except ssl.SSLWantReadError:
            return False
        finally:
            self._flush()

    def _record(self):
        """Feeds one record to OpenSSL: its content type and its length on the wire."""
        head = self.raw.exactly(5)
        body = self.raw.exactly(int.from_bytes(head[3:], "big"))
        self.inside.write(head + body)
        return head[0], 5 + len(body)

    def _read(self):
        kind, length = self._record()
        size = 0
        while True:
            try:
                data = self.tls.read(65536)
            except ssl.SSLWantReadError:
                break
            if not data:
                raise wire.Closed("close_notify")
            size += len(data)
            self.plain += data
        if size:
            if kind != 23:
                raise AssertionError(f"application data in a record of type {kind}")
            self.sizes.append(size)
            self.wire.append(length)

    def mark(self):
        self.sizes, self.wire = [], []
        return self

    def send(self, data):
        self.tls.write(data)
        self._flush()
        return self

    def until(self, n):
        """Reads until `n` bytes of plaintext are there, takes them, and gives the sizes of the records they came in."""
        while len(self.plain) < n:
            self._read()
        data = bytes(self.plain[:n])
        del self.plain[:n]
        return data

    def get(self, target, host):
        """A request and its answer, which has a Content-Length: head and body."""
        self.mark()
        self.send(wire.request(target, host))
        while b"\r\n\r\n" not in self.plain:
            self._read()
        head = self.until(self.plain.index(b"\r\n\r\n") + 4)
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        return head, self.until(length)

    def close(self):
        self.sock.close()
