"""HTTP/2 frame by frame (RFC 9113): a client that sends what it is told, right or wrong, and keeps what came back."""
import struct
import sys

from . import wait, wire

sys.path.append("/usr/lib/python3/dist-packages")  # Debian's, whichever python3 runs this
import hpack  # noqa: E402

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, \
    CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM = range(12)
MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, ENABLE_CONNECT_PROTOCOL = 3, 4, 8
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def literal(name, value):
    """One field as HPACK literal without indexing, whatever its bytes."""
    def text(b):
        b = b.encode("latin-1") if isinstance(b, str) else b
        return _integer(len(b), 7) + b
    return b"\x00" + text(name) + text(value)


def _integer(n, bits):
    most = (1 << bits) - 1
    if n < most:
        return bytes([n])
    out, n = [most], n - most
    while n >= 128:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n])


def block(fields):
    return b"".join(literal(n, v) for n, v in fields)


def request_fields(target="/", host="a.test", method="GET", scheme="http", extra=()):
    return [(":method", method), (":scheme", scheme), (":authority", host), (":path", target), *extra]


class Stream:
    def __init__(self):
        self.headers, self.trailers, self.body = None, None, b""
        self.interim = []
        self.ended, self.reset = False, None

    @property
    def status(self):
        return int(dict(self.headers)[":status"]) if self.headers else None

    def get(self, name):
        return dict(self.headers).get(name)

    def __repr__(self):
        return f"<{self.headers} {self.body[:200]!r} ended={self.ended} reset={self.reset}>"


class Client(wire.Client):
    """A connection with its preface sent. `grants`: gives back window for DATA that comes. `settings`: {id: value}."""

    def __init__(self, address, tls=None, settings=None, grants=True, preface=True, **rest):
        if tls is not None:
            context = rest.get("context") or wire.any_certificate()
            context.set_alpn_protocols(["h2"])
            rest["context"] = context
        super().__init__(address, tls=tls, **rest)
        self.streams, self.goaway, self.grants = {}, None, grants
        self.settings, self.pings, self.acked = {}, [], 0
        self.windows = 0
        self.decoder = hpack.Decoder()
        self.decoder.max_allowed_table_size = 65536
        self._next = 1
        if preface:
            values = b"".join(struct.pack("!HI", k, v) for k, v in (settings or {}).items())
            self.send(PREFACE + frame(SETTINGS, payload=values))

    # sending

    def open(self, fields=None, end=True, stream=None, more=b"", **request):
        """HEADERS (a list of fields, or what request_fields takes); the stream's number."""
        if stream is None:
            stream, self._next = self._next, self._next + 2
        self.streams.setdefault(stream, Stream())
        self.headers(stream, fields if fields is not None else request_fields(**request), end, more)
        return stream

    def headers(self, stream, fields, end, more=b""):
        """One block, in CONTINUATIONs where it must."""
        data = block(fields)
        pieces = [data[at:at + 16384] for at in range(0, max(len(data), 1), 16384)]
        for n, piece in enumerate(pieces):
            flags = (END_STREAM if end and n == 0 else 0) | (END_HEADERS if n == len(pieces) - 1 else 0)
            self.send(frame(CONTINUATION if n else HEADERS, flags, stream, piece) + (more if n == len(pieces) - 1 else b""))

    def data(self, stream, payload, end=False):
        for at in range(0, max(len(payload), 1), 16384):
            piece = payload[at:at + 16384]
            last = at + 16384 >= len(payload)
            self.send(frame(DATA, END_STREAM if end and last else 0, stream, piece))

    def rst(self, stream, code=CANCEL):
        self.send(frame(RST_STREAM, 0, stream, struct.pack("!I", code)))

    # receiving

    def step(self):
        """Reads one frame; its kind."""
        head = self.reader.exactly(9)
        size = int.from_bytes(head[:3], "big")
        kind, flags, number = struct.unpack("!BBI", head[3:])
        payload = self.reader.exactly(size)
        stream = self.streams.setdefault(number, Stream()) if number else None
        if kind in (HEADERS, CONTINUATION):
            self._headers(stream, flags, payload)
        elif kind == DATA:
            stream.body += payload
            if self.grants and payload:
                window = struct.pack("!I", len(payload))
                self.send(frame(WINDOW_UPDATE, 0, 0, window) + (frame(WINDOW_UPDATE, 0, number, window) if not flags & 1 else b""))
        elif kind == RST_STREAM:
            stream.reset = struct.unpack("!I", payload)[0]
        elif kind == SETTINGS and flags & ACK:
            self.acked += 1
        elif kind == SETTINGS:
            self.settings.update(struct.unpack("!HI", payload[i:i + 6]) for i in range(0, size, 6))
            self.send(frame(SETTINGS, ACK))
        elif kind == PING and flags & ACK:
            self.pings.append(payload)
        elif kind == GOAWAY:
            last, code = struct.unpack("!II", payload[:8])
            self.goaway = (last & 0x7FFFFFFF, code)
        elif kind == WINDOW_UPDATE:
            self.windows += struct.unpack("!I", payload)[0] if number else 0
        if stream is not None and flags & END_STREAM and kind in (DATA, HEADERS):
            stream.ended = True
        return kind

    def _headers(self, stream, flags, payload):
        if not flags & END_HEADERS:
            raise AssertionError("a response head in pieces")
        fields = [(n, v) for n, v in self.decoder.decode(payload)]
        if stream.headers is not None:
            stream.trailers = fields
        elif dict(fields)[":status"].startswith("1"):
            stream.interim.append(fields)
        else:
            stream.headers = fields

    def until(self, condition, what="what was awaited"):
        """Reads frames until it is true."""
        while not condition():
            try:
                self.step()
            except (wire.Closed, ConnectionResetError) as error:
                raise AssertionError(f"closed before {what}: goaway {self.goaway}, streams {self.streams}") from error

    def answer(self, number):
        """The whole answer, or what a reset left of it."""
        s = self.streams[number]
        self.until(lambda: s.ended or s.reset is not None, f"the end of stream {number}")
        return s

    def ask(self, *args, **request):
        return self.answer(self.open(*args, **request))

    def drain(self):
        """Reads to the end of the connection; what GOAWAY said, or None."""
        try:
            while True:
                self.step()
        except (wire.Closed, ConnectionResetError, BrokenPipeError):
            return self.goaway

    def ping(self):
        """One round trip: all that was sent before has been looked at."""
        n = len(self.pings)
        self.send(frame(PING, payload=b"pingpong"))
        self.until(lambda: len(self.pings) > n, "the answer to a ping")
