"""UDP services carry what real programs speak: DTLS by openssl, whole handshakes and a conversation behind them, over IPv6 too (A50)."""
import subprocess

from harness import datagram, stream, wait


def run(t):
    c = t.cluster()
    certificate = t.certificate("dtls.example.com")
    hosts = {"127.0.0.1": "one", "[::1]": "two"}
    ports = {name: wait.free_port() for name in hosts.values()}
    # a server each: s_server takes nobody else until the first has said goodbye, and there is no end in UDP
    servers = {name: t.own(Talker("s_server", "-accept", f"127.0.0.1:{port}", "-cert", certificate.cert_path,
                                  "-key", certificate.key_path)) for name, port in zip(ports, (wait.free_port(), wait.free_port()))}
    c.config(proxy_stream_responses=2147483647, worker_shutdown_timeout="1s")
    for name, server in servers.items():
        server.address = ("127.0.0.1", int(server.words[2].split(":")[1]))
        c.apply(*datagram.service(name, server))
    c.apply(datagram.services({port: f"default/{name}:53" for name, port in ports.items()}))
    stream.tcp(c, options=["--tcp-address", "127.0.0.1", "--tcp-address", "::1"])
    for host, name in hosts.items():
        port, server = ports[name], servers[name]
        wait.until(lambda: c.metric(f'weirlock_udp_listener_up{{address="{host}:{port}"}}') == 1, "the port is listened on")
        client = t.own(Talker("s_client", "-connect", f"{host}:{port}", "-CAfile", certificate.cert_path, "-verify_return_error"))
        client.say("to the server " + "q" * 900)
        t.equal(server.until("to the server"), "to the server " + "q" * 900)
        server.say("to the client " + "a" * 900)
        t.equal(client.until("to the client"), "to the client " + "a" * 900)
    t.equal(c.metric("weirlock_udp_sessions_total"), 2)
    t.equal(c.metric('weirlock_udp_dropped_total{reason="endpoint"}'), 0)


class Talker:
    """openssl s_server or s_client, with what it reads and writes at hand."""

    def __init__(self, *words):
        self.words = words
        self.process = subprocess.Popen(["openssl", words[0], "-dtls1_2", "-quiet", *words[1:]], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def until(self, begins):
        """The first line that does."""
        for line in self.process.stdout:
            if line.startswith(begins):
                return line.rstrip("\n")
        raise AssertionError(f"{self.words[0]} ended")

    def close(self):
        self.process.kill()
        self.process.wait()
