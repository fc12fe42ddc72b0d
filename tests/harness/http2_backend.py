"""The endpoint's side of HTTP/2, frame by frame: what the proxy sends is kept, what goes back is whatever the handler says.

    def handler(connection):
        peer = http2_backend.Peer(connection)
        stream = peer.request()
        peer.answer(stream)
"""
import struct

from . import http2, wire
from .http2 import ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame

import hpack  # noqa: E402  (http2 has said where it is)

GRPC = [("content-type", "application/grpc")]


class Stream:
    def __init__(self, number):
        self.number, self.headers, self.trailers, self.body = number, None, None, b""
        self.ended, self.reset = False, None

    def get(self, name):
        return dict(self.headers).get(name)


class Peer:
    """`settings`: {id: value}, or None to send none. `grants`: gives back window for DATA that comes."""

    def __init__(self, connection, settings=(), grants=True):
        self.connection, self.grants = connection, grants
        self.streams, self.settings, self.goaway, self.acked, self.pings = {}, {}, None, 0, 0
        self.order = []
        self.decoder = hpack.Decoder()
        self.given = 0
        if connection.reader.exactly(len(http2.PREFACE)) != http2.PREFACE:
            raise AssertionError("no preface")
        if settings is not None:
            self.send(frame(SETTINGS, payload=b"".join(struct.pack("!HI", k, v) for k, v in dict(settings).items())))

    def send(self, data):
        self.connection.send(data)

    # sending

    def head(self, stream, fields=(), status=200, end=False):
        """HEADERS; a Stream or a number."""
        number = getattr(stream, "number", stream)
        block = http2.block([(":status", str(status)), *fields] if status else fields)
        pieces = [block[at:at + 16384] for at in range(0, max(len(block), 1), 16384)]
        for n, piece in enumerate(pieces):
            flags = (END_STREAM if end and n == 0 else 0) | (END_HEADERS if n == len(pieces) - 1 else 0)
            self.send(frame(CONTINUATION if n else HEADERS, flags, number, piece))

    def data(self, stream, payload, end=False):
        for at in range(0, max(len(payload), 1), 16384):
            last = at + 16384 >= len(payload)
            self.send(frame(DATA, END_STREAM if end and last else 0, getattr(stream, "number", stream), payload[at:at + 16384]))

    def answer(self, stream, body=b"\0\0\0\0\0", status="0", fields=()):
        """A whole answer of gRPC."""
        self.head(stream, [*GRPC, *fields])
        if body:
            self.data(stream, body)
        self.head(stream, [("grpc-status", status)], status=None, end=True)

    def rst(self, stream, code):
        self.send(frame(RST_STREAM, 0, getattr(stream, "number", stream), struct.pack("!I", code)))

    def leave(self, last, code=0):
        self.send(frame(GOAWAY, 0, 0, struct.pack("!II", last, code)))

    # receiving

    def step(self):
        """Reads one frame; its kind, or None at the end of the connection."""
        try:
            head = self.connection.reader.exactly(9)
            payload = self.connection.reader.exactly(int.from_bytes(head[:3], "big"))
        except (wire.Closed, ConnectionResetError, OSError):
            return None
        kind, flags, number = struct.unpack("!BBI", head[3:])
        stream = self.streams.get(number)
        if kind == HEADERS:
            fields = list(self.decoder.decode(payload[5:] if flags & 32 else payload))
            if stream is None:
                stream = self.streams[number] = Stream(number)
                stream.headers = fields
            else:
                stream.trailers = fields
        elif kind == CONTINUATION:
            raise AssertionError("a request head in pieces")
        elif kind == DATA:
            stream.body += payload
            if self.grants and payload:
                window = struct.pack("!I", len(payload))
                self.send(frame(WINDOW_UPDATE, 0, 0, window) + frame(WINDOW_UPDATE, 0, number, window))
        elif kind == RST_STREAM:
            if stream is not None:
                stream.reset = struct.unpack("!I", payload)[0]
        elif kind == SETTINGS and flags & ACK:
            self.acked += 1
        elif kind == SETTINGS:
            self.settings.update(struct.unpack("!HI", payload[i:i + 6]) for i in range(0, len(payload), 6))
            self.send(frame(SETTINGS, ACK))
        elif kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, 0, payload))
        elif kind == PING:
            self.pings += 1
        elif kind == GOAWAY:
            last, code = struct.unpack("!II", payload[:8])
            self.goaway = (last & 0x7FFFFFFF, code)
        elif kind == WINDOW_UPDATE:
            self.given += struct.unpack("!I", payload)[0]
        if stream is not None and flags & END_STREAM and kind in (DATA, HEADERS) and not stream.ended:
            stream.ended = True
            self.order.append(stream)
        return kind

    def until(self, condition):
        """Reads frames until it is true; False when the connection ended first."""
        while not condition():
            if self.step() is None:
                return False
        return True

    def request(self):
        """The next request that is whole, or None at the end."""
        return self.order.pop(0) if self.until(lambda: self.order) else None

    def drain(self):
        """Reads to the end of the connection; what GOAWAY said, or None."""
        while self.step() is not None:
            pass
        return self.goaway
