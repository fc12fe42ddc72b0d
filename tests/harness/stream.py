"""Plain bytes over TCP: an echo that says who it is, and a client of it."""
import socket

from . import wait, wire


def echo(connection):
    """Says its name in a line, then gives back whatever comes."""
    connection.send(connection.backend.name + "\r\n")
    while data := connection.sock.recv(65536):
        connection.send(data)


class Stream:
    """One connection; the first line is the name of who answers unless `greets` is false."""

    def __init__(self, port, first=b"", source=None, greets=True, host="127.0.0.1"):
        self.sock = socket.create_connection((host, port), wait.SECONDS, source_address=(source, 0) if source else None)
        self.reader = wire.Reader(self.sock)
        self.address = self.sock.getsockname()
        try:
            if first:
                self.sock.sendall(first)
            self.name = self.reader.line() if greets else None
        except BaseException:
            self.close()
            raise

    def echo(self, text):
        data = text.encode()
        self.sock.sendall(data)
        got = self.reader.exactly(len(data))
        if got != data:
            raise AssertionError(f"sent {data[:200]!r}, got {got[:200]!r}")

    def wait_closed(self):
        """What came before the end."""
        return self.reader.rest()

    def is_open(self):
        """True if nothing is here to be read, the end neither."""
        return not wait.readable(self.sock, 0)

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def until_open(port, seconds=wait.SECONDS, **rest):
    """A connection that works."""
    return wait.until(lambda: Stream(port, **rest), f"port {port} is served", seconds)


def is_refused(port):
    try:
        with socket.create_connection(("127.0.0.1", port), wait.SECONDS):
            return False
    except ConnectionRefusedError:
        return True


def until_refused(port):
    wait.until(lambda: is_refused(port), f"port {port} is listened on no more")


def tcp(cluster, **rest):
    """Starts a controller with TCP services, and a proxy."""
    cluster.controller(options=["--tcp-services-configmap", "ingress/tcp", "--udp-services-configmap", "ingress/udp"])
    return cluster.proxy(**rest)


def services(ports):
    """The ConfigMap: {port: "default/db:80"}."""
    from . import manifests
    return manifests.configmap("tcp", **{str(port): value for port, value in ports.items()})
