"""ssl-buffer-size 4k, 16k and auto, in turn: when the first byte can be used behind a slow network, and what bulk costs."""
import collections
import os
import socket
import ssl
import statistics
import threading
import time

from harness import records, wait, wire

from . import machine, peers

SAYS = "TLS records of 4k, 16k and auto: time to the first decrypted byte behind a slow network, CPU of small and large responses"
SIZES = {"4k": 4096, "16k": 16384, "auto": 1349}  # and what the first full record of a new connection must hold
DELAY_S, BITS_PER_SECOND, UP_BITS_PER_SECOND, SEGMENT = 0.025, 2_000_000, 10_000_000, 1378
FIRST_BYTE = ("/1k", "/16k", "/1m")
CPU = ("/1k", "/100k", "/1m")
CONNECTIONS = 16


class Direction:
    """Bytes one way: each segment takes its time at the rate of the link, and arrives DELAY_S later."""

    def __init__(self, source, target, bits_per_second):
        self.source, self.target, self.rate = source, target, bits_per_second
        self.queue, self.changed = collections.deque(), threading.Condition()
        for work in (self._take, self._deliver):
            threading.Thread(target=work, daemon=True).start()

    def _put(self, due, piece):
        with self.changed:
            self.queue.append((due, piece))
            self.changed.notify()

    def _take(self):
        free_at = 0.0
        try:
            while data := self.source.recv(65536):
                for at in range(0, len(data), SEGMENT):
                    piece = data[at:at + SEGMENT]
                    free_at = max(time.monotonic(), free_at) + len(piece) * 8 / self.rate
                    self._put(free_at + DELAY_S, piece)
        except OSError:
            pass
        self._put(free_at, None)

    def _deliver(self):
        try:
            while True:
                with self.changed:
                    self.changed.wait_for(lambda: self.queue)
                    due, piece = self.queue.popleft()
                wait.pause(max(0.0, due - time.monotonic()))
                if piece is None:
                    self.target.shutdown(socket.SHUT_RDWR)
                    return
                self.target.sendall(piece)
        except OSError:
            pass


class Relay:
    """A slow network in this program (netem is not in every kernel), for one connection."""

    def __init__(self, to):
        listener = socket.create_server(("127.0.0.1", 0))
        self.address = listener.getsockname()
        self.to = to
        threading.Thread(target=self._serve, args=(listener,), daemon=True).start()

    def _serve(self, listener):
        client, _ = listener.accept()
        listener.close()
        server = socket.create_connection(self.to)
        for s in (client, server):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Direction(client, server, UP_BITS_PER_SECOND)
        Direction(server, client, BITS_PER_SECOND)


def _client(address):
    return records.Client(address, peers.HOST, ssl.TLSVersion.TLSv1_3, 60)


def _is_live(address, first):
    client = _client(address)
    try:
        client.get("/16k", peers.HOST)
        return max(client.sizes[:-1]) == first if first < 16384 else max(client.sizes) > 4096
    finally:
        client.close()


def _first_byte_ms(address, target):
    """On a new connection, from the request to the first byte that OpenSSL gives out."""
    client = _client(Relay(address).address)
    started = time.monotonic()
    client.send(wire.request(target, peers.HOST)).until(1)
    took = time.monotonic() - started
    client.close()
    return took * 1000


def _cpu(program, target, seconds):
    before = machine.cpu_seconds(program.pid)
    load = machine.Wrk(f"https://127.0.0.1:{program.https}{target}", CONNECTIONS, seconds, (f"Host: {peers.HOST}",))
    return (machine.cpu_seconds(program.pid) - before) / load.n_requests * 1e6


def _one(directory, program, key, seconds):
    address = ("127.0.0.1", program.https)
    peers.configure(directory, ssl_buffer_size=key)
    wait.until(lambda: _is_live(address, SIZES[key]), f"ssl-buffer-size {key} is live")
    made = {f"first{t}": _first_byte_ms(address, t) for t in FIRST_BYTE}
    made.update({f"cpu{t}": _cpu(program, t, seconds) for t in CPU})
    return made


def measure(args, directory):
    os.makedirs(directory)
    started = []
    try:
        started.append(peers.backend(directory))
        peers.certificate(directory)
        started += peers.weirlock(args.bin, directory, started[0].port)
        runs = {key: [] for key in SIZES}
        for _ in range(args.runs):
            for key, made in runs.items():
                made.append(_one(directory, started[-1], key, args.seconds))
        medians = {key: {what: statistics.median(r[what] for r in made) for what in made[0]} for key, made in runs.items()}
        for key, m in medians.items():
            machine.say(f"records {key}: first byte of 1 MiB after {m['first/1m']:.0f} ms, "
                        f"{1.048576 / m['cpu/1m'] * 1e6:.0f} MB per CPU-second")
        return {"runs": runs, "medians": medians, "delay_ms": DELAY_S * 1000, "bits_per_second": BITS_PER_SECOND}
    finally:
        machine.stop_all(started)


def table(r):
    lines = [f"Through a relay with {r['delay_ms']:.0f} ms each way and {r['bits_per_second'] / 1e6:g} Mbit/s to the client: from the "
             "request on a new connection to the first decrypted byte. CPU without it.", "",
             "| ssl-buffer-size | first byte of 1 KiB | of 16 KiB | of 1 MiB | CPU per 1 KiB | per 100 KiB | per 1 MiB | bulk |",
             "|---|---|---|---|---|---|---|---|"]
    for key, m in r["medians"].items():
        first = " | ".join(f"{m['first' + t]:.0f} ms" for t in FIRST_BYTE)
        cpu = " | ".join(f"{m['cpu' + t]:.1f} µs" for t in CPU)
        lines.append(f"| {key} | {first} | {cpu} | {1.048576 / m['cpu/1m'] * 1e6:.0f} MB per CPU-second |")
    return "\n".join(lines) + "\n"
