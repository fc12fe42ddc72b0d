"""A server that answers as it is told: by default it says as JSON what it was asked. A thread per connection."""
import json
import socket
import threading

from . import wait, websocket, wire


class Request:
    def __init__(self, line, headers):
        self.line, self.headers = line, headers
        self.method, self.target, self.version = line.split(" ")
        self.body, self.chunks, self.trailers = b"", [], []

    def get(self, name, default=None):
        found = self.all(name)
        return ", ".join(found) if found else default

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]


class Connection:
    """One connection that the proxy made, in the hands of a handler."""

    def __init__(self, backend, sock, number):
        self.backend, self.sock, self.number = backend, sock, number
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(120)
        self.reader = wire.Reader(sock, 120)

    def head(self):
        """The next request's head, or None when the proxy closed."""
        try:
            line = self.reader.line()
        except (wire.Closed, ConnectionResetError):
            return None
        request = Request(line, self.reader.fields())
        request.connection = self.number
        return request

    def body(self, request):
        if (request.get("transfer-encoding") or "").lower() == "chunked":
            self.reader.chunked(request)
        elif request.get("content-length") is not None:
            request.body = self.reader.exactly(int(request.get("content-length")))
        return request

    def request(self):
        request = self.head()
        if request:
            self.body(request)
            self.backend.note(request)
        return request

    def send(self, data):
        self.sock.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        return self

    def reply(self, status=200, body=b"", headers=(), reason="OK", head_only=False):
        body = body.encode() if isinstance(body, str) else body
        lines = [f"HTTP/1.1 {status} {reason}", *headers]
        if not any(h.lower().startswith(("content-length:", "transfer-encoding:")) for h in headers):
            lines.append(f"Content-Length: {len(body)}")
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (b"" if head_only else body))
        return self

    def echo(self, request):
        """Who answered and what was asked, as JSON."""
        said = {"backend": self.backend.name, "connection": self.number, "method": request.method, "target": request.target,
                "version": request.version, "headers": [[n, v] for n, v in request.headers], "body": len(request.body)}
        return self.reply(200, json.dumps(said), ["Content-Type: application/json", "X-Backend: " + self.backend.name],
                          head_only=request.method == "HEAD")

    def wait_closed(self, seconds=wait.SECONDS):
        self.reader.seconds = seconds
        return self.reader.rest()

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()


def echo(connection):
    """The default handler: echoes requests, and WebSocket messages after an upgrade."""
    while request := connection.request():
        if (request.get("upgrade") or "").lower() == "websocket":
            websocket.serve_echo(connection, request)
            return
        connection.echo(request)


def holding(gate, held="/slow"):
    """A handler that echoes requests; those for `held` wait for the gate, a threading.Event."""
    def handler(connection):
        while request := connection.request():
            if request.target == held:
                gate.wait(30)
            connection.echo(request)

    return handler


class Backend:
    def __init__(self, name="backend", handler=echo, host="127.0.0.1", backlog=512):
        self.name, self.handler = name, handler
        self.requests = []
        self.n_accepted = 0
        self.connections = {}
        self.errors = []
        self.changed = threading.Condition()
        self.listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((host, 0))
        self.listener.listen(backlog)
        self.address = self.listener.getsockname()[:2]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def n_open(self):
        return len(self.connections)

    @property
    def last(self):
        return self.requests[-1]

    def note(self, request):
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()

    def wait(self, condition, what, seconds=wait.SECONDS):
        """Until condition(self); woken by every request and connection."""
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self), seconds):
                raise wait.Timeout(f"not within {seconds:g} s at backend {self.name}: {what}")

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.changed:
                self.n_accepted += 1
                connection = Connection(self, sock, self.n_accepted)
                self.connections[connection.number] = connection
                self.changed.notify_all()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            self.handler(connection)
        except (OSError, EOFError, wait.Timeout) as error:
            self.errors.append(error)
        finally:
            connection.sock.close()
            with self.changed:
                del self.connections[connection.number]
                self.changed.notify_all()

    def stop_listening(self):
        """Later connections are refused; open ones stay."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def close(self):
        self.listener.close()
        for connection in list(self.connections.values()):
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Refusing:
    """An address that refuses connections for as long as this lives: bound, not listening."""

    def __init__(self, name="refusing"):
        self.name = name
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.address = self.sock.getsockname()

    def close(self):
        self.sock.close()


class Silent:
    """An address where connecting never succeeds: its queue of connections is full and nobody accepts."""

    def __init__(self, name="silent"):
        self.name = name
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.address = self.listener.getsockname()
        self.fill = []
        for _ in range(4):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(self.address)
            self.fill.append(s)

    def close(self):
        for s in [self.listener, *self.fill]:
            s.close()
