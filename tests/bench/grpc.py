"""Unary gRPC, small messages: CPU time per call, Weirlock beside nginx with grpc_pass, in turn. h2load calls, nghttpd answers with a
message and its trailers."""
import os
import statistics

from harness import http2, manifests, wait

from . import machine, peers, traffic

SAYS = "unary gRPC over plain HTTP/2, 16 connections with 32 calls each, messages of 20 bytes: CPU of a call"
HOST, TARGET = "grpc.bench.test", "/test.Echo/unary"
CONNECTIONS, STREAMS = 16, 32
MESSAGE = b"\0\0\0\0\x0f" + b"m" * 15
FIELDS = [("content-type", "application/grpc"), ("te", "trailers"), ("user-agent", "grpc-c/29.0.0"), ("grpc-timeout", "10S")]

_PROXY = peers._COMMON + """
    upstream backend {{
        server 127.0.0.1:{backend}; keepalive 320; keepalive_requests {requests}; keepalive_timeout 60s;
    }}
    map $http_x_request_id $req_id {{ default $http_x_request_id; "" $request_id; }}
    server {{
        listen 127.0.0.1:{http} http2 backlog=4096; server_name {host}; client_max_body_size 0;
        location / {{
            grpc_pass grpc://backend; grpc_set_header Host $http_host; grpc_set_header TE trailers;
            grpc_set_header X-Request-ID $req_id; grpc_set_header X-Real-IP $remote_addr;
            grpc_set_header X-Forwarded-For $remote_addr; grpc_set_header X-Forwarded-Host $http_host;
            grpc_set_header X-Forwarded-Port $server_port; grpc_set_header X-Forwarded-Proto $scheme;
            grpc_set_header X-Forwarded-Scheme $scheme; grpc_set_header X-Scheme $scheme;
        }}
    }}
}}
"""


def _call(port):
    """One call by hand: the message and its status must come back, or something else is measured."""
    with http2.Client(("127.0.0.1", port)) as client:
        s = client.open(fields=http2.request_fields(TARGET, HOST, "POST", extra=FIELDS), end=False)
        client.data(s, MESSAGE, end=True)
        answer = client.answer(s)
        return answer.status == 200 and len(answer.body) == len(MESSAGE) and ("grpc-status", "0") in (answer.trailers or [])


def _wait_answers(port):
    def look():
        try:
            return _call(port)
        except (AssertionError, OSError):
            return False

    wait.until(look, f"port {port} answers calls", 30)


def _backend(directory):
    """nghttpd: an nginx that answers before it has read the message sends what grpc_pass takes for a mistake, now and then."""
    folder = os.path.join(directory, "calls")
    os.makedirs(os.path.join(folder, os.path.dirname(TARGET).strip("/")))
    with open(folder + TARGET, "wb") as f:
        f.write(MESSAGE)
    (port,) = machine.free_ports(1)
    p = machine.start("nghttpd", ["nghttpd", "--address=127.0.0.1", "--no-tls", "-m", "1024", "-d", folder, "--trailer=grpc-status: 0",
                                  str(port)], directory, machine.LOAD_CORE)
    p.expected_status = None  # it ends by the signal
    p.port = port
    _wait_answers(port)
    return p


def _nginx(directory, backend_port):
    (http,) = machine.free_ports(1)
    p = peers._nginx("nginx", _PROXY, directory, machine.PROXY_CORE, backend=backend_port, http=http, host=HOST)
    p.http = http
    _wait_answers(http)
    return p


def _weirlock(args, directory, backend_port):
    path = os.path.join(directory, "manifests")
    os.makedirs(path)
    peers.write(path, manifests.ingress_class())
    peers.configure(directory)
    peers.write(path, manifests.service("app"))
    peers.write(path, manifests.slice_of("app", ("127.0.0.1", backend_port)))
    peers.write(path, manifests.ingress("grpc", HOST, "/", "app", annotations={
        "backend-protocol": "GRPC", "proxy-body-size": "0", "enable-access-log": "false", "ssl-redirect": "false"}))
    c = peers.controller(args.bin, directory, path, machine.LOAD_CORE)
    p = peers.proxy(args.bin, directory, core=machine.PROXY_CORE)
    p.wait_ready(60)
    p.http = int(p.ready["http"].rpartition(":")[2])
    _wait_answers(p.http)
    return [c, p]


def _once(program, pids, body, seconds):
    before = machine.cpu_seconds(program.pid)
    with machine.Others(pids) as others:
        load = machine.H2load(HOST, program.http, TARGET, CONNECTIONS, STREAMS, seconds, body=body, fields=FIELDS)
    return (machine.cpu_seconds(program.pid) - before) / load.n_requests * 1e6, others.share


def measure(args, directory):
    os.makedirs(directory)
    body = os.path.join(directory, "message")
    with open(body, "wb") as f:
        f.write(MESSAGE)
    started = []
    try:
        started.append(_backend(directory))
        port = started[0].port
        started.append(_nginx(directory, port))
        started += _weirlock(args, directory, port)
        programs = {"nginx": started[1], "weirlock": started[-1]}
        pids = [p.pid for p in started]

        def a_round(seconds):
            made = {p: _once(program, pids, body, seconds) for p, program in programs.items()}
            return {p: us for p, (us, _) in made.items()}, max(share for _, share in made.values())

        kept, disturbed = traffic.rounds_of(a_round, args)
    finally:
        machine.stop_all(started)
    runs = {p: [us[p] for us in kept] for p in programs}
    ratios = [us["nginx"] / us["weirlock"] for us in kept]
    made = {"runs": runs, "us_per_call": {p: statistics.median(v) for p, v in runs.items()}, "ratio": statistics.median(ratios),
            "ratio_range": [min(ratios), max(ratios)], "disturbed": disturbed}
    machine.say(f"grpc: nginx {made['us_per_call']['nginx']:.2f} µs, Weirlock {made['us_per_call']['weirlock']:.2f} µs, "
                f"{made['ratio']:.2f} ×")
    return made


def table(r):
    us, (low, high) = r["us_per_call"], r["ratio_range"]
    return traffic.finish_table([
        "| gRPC | nginx, µs CPU per call | Weirlock | calls per CPU-second against nginx (range) |", "|---|---|---|---|",
        f"| {SAYS} | {us['nginx']:.2f} | {us['weirlock']:.2f} | {r['ratio']:.2f} × ({low:.2f}–{high:.2f}) |"], r)
