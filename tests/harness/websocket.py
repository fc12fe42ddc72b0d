"""Both ends of a WebSocket (RFC 6455), as little of it as scenarios need."""
import base64
import hashlib
import os
import struct

from . import wire

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(key):
    return base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()


def frame(payload, opcode=TEXT, masked=False):
    payload = payload.encode() if isinstance(payload, str) else payload
    mask_bit = 0x80 if masked else 0
    if len(payload) < 126:
        head = struct.pack("!BB", 0x80 | opcode, mask_bit | len(payload))
    elif len(payload) < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, mask_bit | 126, len(payload))
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, mask_bit | 127, len(payload))
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


def read_frame(reader):
    """(opcode, payload)."""
    first, second = reader.exactly(2)
    size = second & 0x7F
    if size == 126:
        size = struct.unpack("!H", reader.exactly(2))[0]
    elif size == 127:
        size = struct.unpack("!Q", reader.exactly(8))[0]
    mask = reader.exactly(4) if second & 0x80 else None
    payload = reader.exactly(size)
    if mask:
        payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
    return first & 0x0F, payload


def switching(key):
    """What a backend answers to an upgrade with this Sec-WebSocket-Key."""
    return ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n")


def accept(connection, request):
    """A backend takes the upgrade."""
    connection.send(switching(request.get("sec-websocket-key")))


def serve_silence(connection):
    """A handler that takes the upgrade and says nothing more."""
    accept(connection, connection.request())
    connection.wait_closed(60)


def serve_echo(connection, request):
    """Answers the upgrade and sends every message back until the other end closes."""
    accept(connection, request)
    while True:
        opcode, payload = read_frame(connection.reader)
        connection.send(frame(payload, PONG if opcode == PING else opcode))
        if opcode == CLOSE:
            return


class WebSocket:
    """A client. `.client` is the connection below it."""

    def __init__(self, address, host, target="/", headers=(), tls=None, **rest):
        self.client = wire.Client(address, tls=tls, **rest)
        key = base64.b64encode(os.urandom(16)).decode()
        self.client.request(target, host, headers=["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                                                   "Sec-WebSocket-Key: " + key, *headers])
        self.response = self.client.response()
        if self.response.status == 101 and self.response.get("sec-websocket-accept") != accept_key(key):
            raise AssertionError(f"a wrong accept key: {self.response}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def send(self, text, opcode=TEXT):
        self.client.send(frame(text, opcode, masked=True))
        return self

    def receive(self):
        opcode, payload = read_frame(self.client.reader)
        return payload.decode() if opcode == TEXT else (opcode, payload)

    def echo(self, text):
        """Sends and checks that the same came back."""
        got = self.send(text).receive()
        if got != text:
            raise AssertionError(f"sent {text!r}, got back {got!r}")
        return got

    def close(self):
        self.client.close()
