"""HTTP/1 byte by byte: a client that sends what it is told and says exactly what came back."""
import socket
import ssl

from . import wait


class Closed(EOFError):
    """The peer closed before the message was whole; `.args[1]` is what had come."""


class Response:
    def __init__(self, version, status, reason, headers):
        self.version, self.status, self.reason, self.headers = version, status, reason, headers
        self.body = b""
        self.chunks = []      # sizes as framed, when chunked
        self.trailers = []
        self.interim = []     # responses with 1xx before it

    def get(self, name, default=None):
        """The value of a field; several are joined as one list."""
        found = self.all(name)
        return ", ".join(found) if found else default

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.headers} {self.body[:200]!r}>"


class Reader:
    """Lines and bytes from a socket, with a deadline for each read."""

    def __init__(self, sock, seconds=wait.SECONDS):
        self.sock, self.seconds, self.buffer = sock, seconds, bytearray()

    def fill(self):
        pending = getattr(self.sock, "pending", None)
        if not (pending and pending()) and not wait.readable(self.sock, self.seconds):
            raise wait.Timeout(f"nothing came for {self.seconds:g} s; so far {bytes(self.buffer[:300])!r}")
        data = self.sock.recv(65536)
        self.buffer += data
        return bool(data)

    def line(self):
        while b"\n" not in self.buffer:
            if not self.fill():
                raise Closed("closed within a line", bytes(self.buffer))
        at = self.buffer.index(b"\n") + 1
        line = bytes(self.buffer[:at])
        del self.buffer[:at]
        if not line.endswith(b"\r\n"):
            raise AssertionError(f"a line without CR: {line!r}")
        return line[:-2].decode("latin-1")

    def exactly(self, n):
        while len(self.buffer) < n:
            if not self.fill():
                raise Closed(f"closed after {len(self.buffer)} of {n} bytes", bytes(self.buffer))
        data = bytes(self.buffer[:n])
        del self.buffer[:n]
        return data

    def rest(self):
        try:
            while self.fill():
                pass
        except (ConnectionResetError, ssl.SSLEOFError):
            pass
        data = bytes(self.buffer)
        self.buffer.clear()
        return data

    def fields(self):
        found = []
        while True:
            line = self.line()
            if not line:
                return found
            name, colon, value = line.partition(":")
            if not colon or name != name.strip() or not name:
                raise AssertionError(f"not a field line: {line!r}")
            found.append((name, value.strip(" \t")))

    def chunked(self, into):
        """Reads chunks and trailers into .body, .chunks, .trailers."""
        while True:
            size = int(self.line().split(";")[0], 16)
            into.chunks.append(size)
            if size == 0:
                into.trailers = self.fields()
                return
            into.body += self.exactly(size)
            if self.exactly(2) != b"\r\n":
                raise AssertionError("a chunk without CRLF after it")


class Client:
    """One connection. Give `tls` (an SNI name, or "" for none) for a TLS one, `source` to connect from that address, `first`
    for bytes to send before all else (a PROXY header)."""

    def __init__(self, address, tls=None, seconds=wait.SECONDS, context=None, receive_buffer=None, source=None, first=b""):
        self.sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(seconds)
        if source:
            self.sock.bind((source, 0))
        self.sock.connect(address)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.address = self.sock.getsockname()
        if first:
            self.sock.sendall(first)
        if tls is not None:
            self.sock = (context or any_certificate()).wrap_socket(self.sock, server_hostname=tls or None)
        self.reader = Reader(self.sock, seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.sock.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        return self

    def send_slowly(self, data, every=0.0):
        """One byte a segment."""
        for i in range(len(data)):
            self.sock.sendall(data[i:i + 1])
            if every:
                wait.pause(every)
        return self

    def request(self, target="/", host="a.test", method="GET", headers=(), body=None, version="1.1"):
        """Sends a request; `body` goes with Content-Length, a list of bytes goes chunked."""
        self.send(request(target, host, method, headers, body, version))
        return self

    def response(self, method="GET"):
        """The next final response; 1xx before it are in .interim."""
        interim = []
        while True:
            r = self.head()
            if 100 <= r.status < 200 and r.status != 101:
                interim.append(r)
                continue
            break
        r.interim = interim
        encoding = (r.get("transfer-encoding") or "").lower()
        if method == "HEAD" or r.status in (101, 204, 304):
            return r
        if encoding == "chunked":
            self.reader.chunked(r)
        elif encoding:
            raise AssertionError(f"transfer-encoding {encoding!r}")
        elif r.get("content-length") is not None:
            r.body = self.reader.exactly(int(r.get("content-length")))
        else:
            r.body = self.reader.rest()
        return r

    def head(self):
        version, status, *reason = self.reader.line().split(" ", 2)
        return Response(version, int(status), reason[0] if reason else "", self.reader.fields())

    def get(self, target="/", host="a.test", **rest):
        return self.request(target, host, **rest).response(rest.get("method", "GET"))

    def wait_closed(self, seconds=wait.SECONDS):
        """Reads to the end: what came before the peer closed."""
        self.reader.seconds = seconds
        return self.reader.rest()

    def is_open(self):
        """True if the peer has not closed (without taking bytes from the stream)."""
        if not wait.readable(self.sock, 0):
            return True
        try:
            return bool(self.sock.recv(1, socket.MSG_PEEK)) if not isinstance(self.sock, ssl.SSLSocket) else self.reader.fill()
        except OSError:
            return False

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        """Closes with RST, as a crashed client's kernel does."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def close(self):
        self.sock.close()


def is_refused(address):
    """Whether a new connection is closed without a byte of an answer."""
    with socket.create_connection(address, wait.SECONDS) as s:
        try:
            s.sendall(request("/"))
            return s.recv(1) == b""
        except (ConnectionResetError, BrokenPipeError):
            return True


def any_certificate():
    """A context that takes whatever certificate comes: scenarios look at it themselves."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def request(target="/", host="a.test", method="GET", headers=(), body=None, version="1.1"):
    lines = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += [h if isinstance(h, str) else f"{h[0]}: {h[1]}" for h in headers]
    data = b""
    if isinstance(body, list):
        lines.append("Transfer-Encoding: chunked")
        data = chunked(body)
    elif body is not None:
        data = body.encode() if isinstance(body, str) else body
        lines.append(f"Content-Length: {len(data)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + data


def chunked(pieces):
    return b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


def split(address):
    """"127.0.0.1:80" as (host, port)."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
