"""Datagrams: endpoints that answer as a test wants, and clients of them."""
import socket
import threading

from . import manifests, wait


class Endpoint:
    """A UDP socket that answers each datagram with what `answer(data, name)` lists; nobody there once it is closed."""

    def __init__(self, name, answer=None, host="127.0.0.1"):
        self.name, self.answer, self.heard = name, answer or echo, []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.bind((host, 0))
        self.address = self.sock.getsockname()[:2]
        self.is_closing = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            data, peer = self.sock.recvfrom(65536)
            if self.is_closing:
                return
            self.heard.append((data, peer))
            for one in self.answer(data, self.name):
                self.sock.sendto(one, peer)

    def close(self):
        if self.is_closing:
            return
        self.is_closing = True
        with socket.socket(self.sock.family, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self.address)
        self.thread.join(wait.SECONDS)
        self.sock.close()


def echo(data, name):
    return [name.encode() + b" " + data]


class Client:
    """One socket, so one session at most."""

    def __init__(self, port, host="127.0.0.1", source=None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        if source:
            self.sock.bind((source, 0))
        self.sock.connect((host, port))
        self.address = self.sock.getsockname()[:2]

    def send(self, text):
        try:
            self.sock.send(text.encode())
        except ConnectionRefusedError:  # of an earlier one: it is told now, and this one was not sent
            self.sock.send(text.encode())

    def receive(self, seconds=wait.SECONDS):
        """The next datagram, or None."""
        if not wait.readable(self.sock, seconds):
            return None
        try:
            return self.sock.recv(65536).decode()
        except ConnectionRefusedError:
            return None

    def ask(self, text, seconds=wait.SECONDS):
        self.send(text)
        return self.receive(seconds)

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def services(ports):
    """The ConfigMap: {port: "default/dns:53"}."""
    return manifests.configmap("udp", **{str(port): value for port, value in ports.items()})


def service(name, *endpoints):
    """A Service of UDP port 53 with a slice for each endpoint, and empty ones up to three."""
    made = [manifests.service(name)]
    made[0]["spec"]["ports"] = [{"name": "dns", "port": 53, "protocol": "UDP"}]
    for number in range(3):
        at = endpoints[number].address if number < len(endpoints) else ("127.0.0.1", 9)
        one = manifests.slice_of(name, at, number=number, family="IPv6" if ":" in at[0] else "IPv4")
        one["ports"] = [{"name": "dns", "port": at[1], "protocol": "UDP"}]
        if number >= len(endpoints):
            one["endpoints"] = []
        made.append(one)
    return made


def until_answered(port, text="are you there", **rest):
    """Asked again and again until the service is there."""
    def look():
        with Client(port, **rest) as client:
            return client.ask(text, 0.2)
    return wait.until(look, f"UDP port {port} is served")
