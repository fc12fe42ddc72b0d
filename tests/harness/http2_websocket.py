"""A WebSocket on a stream of HTTP/2 (RFC 8441)."""
from . import websocket
from .http2 import DATA, frame, request_fields


class Socket:
    def __init__(self, client, target="/chat", host="a.test"):
        client.until(lambda: client.settings, "SETTINGS")
        self.client = client
        self.number = client.open(request_fields(target=target, host=host, method="CONNECT", extra=[
            (":protocol", "websocket"), ("sec-websocket-version", "13"), ("origin", "http://a.test")]), end=False)
        self.stream = client.streams[self.number]
        client.until(lambda: self.stream.headers or self.stream.reset is not None, "the answer")
        self.used = 0

    def send(self, payload, opcode=websocket.TEXT):
        data = websocket.frame(payload, opcode, masked=True)
        for at in range(0, len(data), 16384):
            self.client.send(frame(DATA, 0, self.number, data[at:at + 16384]))

    def exactly(self, n):
        self.client.until(lambda: len(self.stream.body) >= self.used + n, f"{n} bytes")
        self.used += n
        return self.stream.body[self.used - n:self.used]

    def receive(self):
        return websocket.read_frame(self)

    def echo(self, payload):
        self.send(payload)
        opcode, got = self.receive()
        if got != payload:
            raise AssertionError(f"sent {payload[:50]!r}, got {got[:50]!r}")
