"""WebSockets, plain and TLS: messages of all sizes both ways, the first ones right behind the heads (SEMANTICS G10, G11)."""
from harness import websocket
from harness.websocket import PING, WebSocket


def run(t):
    c = t.cluster()
    b = t.backend()
    c.route("a.test", b).start()
    for tls in (None, "a.test"):
        address = c.http() if tls is None else c.https()
        with WebSocket(address, "a.test", "/chat", tls=tls) as ws:
            t.equal((b.last.get("upgrade"), b.last.get("connection").lower()), ("websocket", "upgrade"))
            for size in (0, 1, 125, 126, 65535, 65536, 1_000_000):
                ws.echo("x" * size)
            ws.send("p", PING)
            t.equal(ws.receive(), (websocket.PONG, b"p"))
            ws.send(b"\x03\xe8", websocket.CLOSE)
            t.equal(ws.receive()[0], websocket.CLOSE)
            t.equal(ws.client.wait_closed(), b"", "closed after the backend closed")
        c.wait_access('"GET /chat HTTP/1.1" 101')
    # the first message in the same segment as the head
    client = c.client()
    client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" + websocket.frame("early", masked=True))
    t.equal(client.response().status, 101)
    t.equal(websocket.read_frame(client.reader), (websocket.TEXT, b"early"))
