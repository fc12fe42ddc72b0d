"""The same bytes to us, nginx and HAProxy in front of a backend that keeps all it is sent: what came of them, as short text.

An outcome is `STATUSES; REQUESTS`: the statuses that the client saw, `closed` or `waits`, and each request as the backend saw it:
`METHOD TARGET`, its fields that are neither a proxy's own nor everybody's, and its body.
"""
import concurrent.futures
import os
import re
import socket
import threading

from . import backend, haproxy, process, wait

SILENCE = 2.0  # seconds without a byte before a proxy is asked whether it has time: only then it may be said to wait for more
PROBE = b"GET /probe HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"
NGINX = """daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/error.log; events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
  uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5; merge_slashes off; server_tokens off;
  upstream backend {{ server 127.0.0.1:{to}; }}
  server {{ listen 127.0.0.1:{port}; server_name a.test;
    location / {{ proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
      proxy_next_upstream off; }} }}
}}
"""
HAPROXY = """defaults
  mode http
  timeout connect 20s
  timeout client 60s
  timeout server 60s
  http-reuse never
  retries 0
frontend all
  bind 127.0.0.1:{port}
  default_backend one
backend one
  server one 127.0.0.1:{to}
"""
# what proxies add, and what every case carries
OWN = re.compile(r"(?i)(x-request-id|x-real-ip|x-forwarded-.*|x-original-.*|x-scheme|host|connection|content-length|transfer-encoding)$")


class Recorder(backend.Backend):
    """A backend that takes whatever comes: it keeps the bytes of each connection and answers each whole message with 200."""

    def __init__(self):
        self.answer, self.seen, self.lock = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", {}, threading.Lock()
        super().__init__("recorder", self._record)

    def _record(self, connection):
        sock, data, key = connection.sock, b"", None
        while True:
            try:
                whole = message(data)
            except ValueError:  # a proxy wrote what is no message: whatever comes after it is none either
                with self.lock:
                    self.seen.setdefault(key_of(data) or key, []).append("what is no request")
                return
            if whole:
                text, used, key = whole
                data = data[used:]
                with self.lock:
                    self.seen.setdefault(key, []).append(text)
                head_only = text.startswith("HEAD ")
                try:
                    sock.sendall(self.answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if head_only else self.answer)
                except OSError:
                    return
                continue
            try:
                more = sock.recv(65536)
            except OSError:
                more = b""
            if not more:
                break
            data += more
        if data:
            with self.lock:
                self.seen.setdefault(key_of(data) or key, []).append("part of a request")


def key_of(data):
    """Which case a message belongs to: every target carries it as `case=`."""
    found = re.search(rb"case=([0-9]+)", data)
    return int(found[1]) if found else None


def fields_of(lines):
    return [tuple(part.strip() for part in line.partition(":")[::2]) for line in lines]


def trailers(data, at):
    """The fields after the last chunk, which begin at `at`, and where they end; None when they are not whole."""
    found = []
    while True:
        stop = data.find(b"\r\n", at)
        if stop < 0:
            return None
        line, at = data[at:stop].decode("latin-1"), stop + 2
        if not line:
            return fields_of(found), at
        found.append(line)


def message(data):
    """The first whole message of data as (text, bytes used, case), read as strictly as the proxies should have written it."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = data[:end].decode("latin-1")
    line, *rest = head.split("\r\n")
    fields = fields_of(rest)
    by_name = {n.lower(): v for n, v in fields}
    body, at, last = b"", end + 4, []
    if by_name.get("transfer-encoding", "").lower() == "chunked":
        while True:
            stop = data.find(b"\r\n", at)
            if stop < 0:
                return None
            size = int(data[at:stop].split(b";")[0], 16)
            if size == 0:
                whole = trailers(data, stop + 2)
                if not whole:
                    return None
                last, at = whole
                break
            if len(data) < stop + 2 + size + 2:
                return None
            body += data[stop + 2:stop + 2 + size]
            at = stop + 2 + size + 2
    elif "content-length" in by_name:
        size = int(by_name["content-length"])
        if len(data) < at + size:
            return None
        body, at = data[at:at + size], at + size
    text = describe(line, head, fields, by_name, body) + "".join(f" trailer {{{n.lower()}: {v}}}" for n, v in last)
    return text, at, key_of(data[:at])


def describe(line, head, fields, by_name, body):
    method, _, target = line.partition(" ")
    target = re.sub(r"[?&]case=[0-9]+", "", target.rpartition(" ")[0] or target)
    shown = [f"{n.lower() if len(n) < 40 else n.lower()[:20] + f' and so on, {len(n)} bytes'}: {v}" for n, v in fields if not OWN.match(n)]
    both = "content-length" in by_name and "transfer-encoding" in by_name
    odd = [c for c in "\r\n\0" if c in "".join(n + v for n, v in fields)]
    text = f"{method} {target}" + (f" Host {by_name['host']}" if by_name.get("host") != "a.test" else "")
    text += "".join(f" {{{s}}}" for s in sorted(shown))
    text += f" body {body.decode('latin-1')}" if body else ""
    return text + (" BOTH LENGTHS" if both else "") + (" BARE CONTROL" if odd else "")


def statuses(got, asked_head):
    """The final statuses in what the client got; `asked_head`: the first answer has no body."""
    found = []
    if got.startswith(b"\0\0"):
        return "HTTP/2 frames"
    while got:
        head, blank, rest = got.partition(b"\r\n\r\n")
        match = re.match(rb"HTTP/1\.[01] ([0-9]{3})", head)
        if not match or not blank:
            found.append("?")
            break
        code = match[1].decode()
        if code.startswith("1"):
            got = rest
            continue
        found.append(code)
        if asked_head and len(found) == 1:
            got = rest
            continue
        length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
        if length:
            got = rest[int(length[1]):]
        elif re.search(rb"(?i)transfer-encoding: *chunked", head):
            end = rest.find(b"0\r\n\r\n")
            got = rest[end + 5:] if end >= 0 else b""
        else:
            got = b""
    return " ".join(found)


def is_at_rest(address, sock):
    """Whether a proxy that is silent has nothing to say: it answers others three times, and still says nothing here."""
    return all(play(address, PROBE) == "200" and not wait.readable(sock, 0) for _ in range(3))


def play(address, data):
    """What the client sees of these bytes."""
    with socket.create_connection(address, 20) as sock:
        try:
            sock.sendall(data)
        except OSError:
            pass
        got, end = b"", "closed"
        while True:
            if not wait.readable(sock, SILENCE):
                if data == PROBE or not is_at_rest(address, sock):
                    continue
                end = "waits"
                break
            try:
                more = sock.recv(65536)
            except OSError:
                break
            if not more:
                break
            got += more
    seen = statuses(got, data.startswith(b"HEAD "))
    return seen if end == "closed" and seen else f"{seen} {end}".strip()


class Side:
    """One proxy with a recorder of its own behind it."""

    def __init__(self, name, address, recorder, program):
        self.name, self.address, self.recorder, self.program = name, address, recorder, program

    def outcomes(self, cases):
        """By number of the case; many at once, for some of them wait. The proxy ends, so that all that it sent has come and what is
        only a part of a request shows."""
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda data: play(self.address, data), cases))
        self.program.stop()
        self.recorder.wait(lambda r: r.n_open == 0, f"all connections of {self.name} have ended")
        with self.recorder.lock:
            seen = {n: list(texts) for n, texts in self.recorder.seen.items()}
        return ["; ".join([answer, *seen.get(n, [])]) for n, answer in enumerate(answers)]


def peer(t, name, conf, argv):
    recorder = t.own(Recorder())
    port, folder = wait.free_port(), os.path.join(t.directory, name)
    os.makedirs(folder)
    with open(os.path.join(folder, "conf"), "w") as f:
        f.write(conf.format(dir=folder, port=port, to=recorder.address[1]))
    p = t.own(process.Process(name, [word.format(dir=folder) for word in argv], t.directory))
    p.expected_status = None
    address = ("127.0.0.1", port)
    wait.until(lambda: play(address, b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n") == "200", name + " answers")
    return Side(name, address, recorder, p)


def peers(t):
    return [peer(t, "nginx", NGINX, ["nginx", "-e", "{dir}/early.log", "-p", "{dir}", "-c", "{dir}/conf"]),
            peer(t, "haproxy", HAPROXY, [haproxy.PATH, "-db", "-f", "{dir}/conf"])]
