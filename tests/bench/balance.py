"""A skewed set of endpoints behind each algorithm, beside nginx's least_conn and HAProxy's leastconn in the same run; and how even
the shares are over workers, proxies and endpoints."""
import asyncio
import os
import re
import statistics
import subprocess

from harness import haproxy, manifests, soak, wait, wire

from . import machine, peers

SAYS = "endpoints that are slow, fail fast or are new: p50, p99, errors and shares by algorithm, nginx and HAProxy beside"
OWN = "weirlock.io/load-balance"
ALGORITHMS = {"round_robin": {"load-balance": "round_robin"}, "ewma": {"load-balance": "ewma"},
              "least_conn": {OWN: "least_conn"}, "random_two": {OWN: "random_two"}}
NORMAL_MS, SLOW_MS, ENDPOINTS, CONNECTIONS = 10, 100, 8, 16
PROXIES, WORKERS, MANY = 4, 2, 50


def _measured(args):
    """The algorithms whose figures are taken: the short form shows that it works with one."""
    return ["ewma"] if args.smoke else list(ALGORITHMS)


class Endpoint:
    """Answers after `ms` with `status`; counts."""

    def __init__(self, loop, ms, status=200):
        self.ms, self.status, self.n = ms, status, 0
        self.server = loop.call(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024))
        self.port = self.server.sockets[0].getsockname()[1]

    async def _serve(self, reader, writer):
        answer = f"HTTP/1.1 {self.status} X\r\nContent-Length: 2\r\n\r\nok".encode()
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.n += 1
                if self.ms:
                    await asyncio.sleep(self.ms / 1000)
                writer.write(answer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()


def _sets(loop):
    """The odd one is the last of each."""
    return {"slow": [Endpoint(loop, NORMAL_MS) for _ in range(ENDPOINTS - 1)] + [Endpoint(loop, SLOW_MS)],
            "failing": [Endpoint(loop, NORMAL_MS) for _ in range(ENDPOINTS - 1)] + [Endpoint(loop, 0, 500)],
            "new": [Endpoint(loop, NORMAL_MS) for _ in range(ENDPOINTS)]}


# ------------------------------------------------------------------------------------------------------------- programs

_NGINX = """daemon off; master_process off; worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/nginx.log warn;
events {{ worker_connections 4096; }}
http {{
    client_body_temp_path {directory}/n.body; proxy_temp_path {directory}/n.proxy; fastcgi_temp_path {directory}/n.fcgi;
    uwsgi_temp_path {directory}/n.uwsgi; scgi_temp_path {directory}/n.scgi;
    access_log off; keepalive_requests 1000000; proxy_http_version 1.1; proxy_set_header Connection "";
    {upstreams}
    {servers}
}}
"""
_HAPROXY = """defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
{sections}"""


def _nginx(directory, sets):
    ports = dict(zip(sets, machine.free_ports(len(sets))))
    upstreams = "\n".join(f"upstream {name} {{ least_conn; keepalive 320; keepalive_requests 1000000; "
                          + " ".join(f"server 127.0.0.1:{e.port};" for e in endpoints) + " }" for name, endpoints in sets.items())
    servers = "\n".join(f"server {{ listen 127.0.0.1:{port} backlog=1024; location / {{ proxy_pass http://{name}; }} }}"
                        for name, port in ports.items())
    path = os.path.join(directory, "nginx.conf")
    with open(path, "w") as f:
        f.write(_NGINX.format(directory=directory, upstreams=upstreams, servers=servers))
    p = machine.start("nginx", ["nginx", "-p", directory, "-e", f"{directory}/nginx.log", "-c", path], directory, machine.PROXY_CORE)
    return p, ports


def _haproxy(directory, sets):
    ports = dict(zip(sets, machine.free_ports(len(sets))))
    sections = "\n".join(
        f"listen {name}\n  bind 127.0.0.1:{ports[name]}\n  balance leastconn\n  http-reuse always\n"
        + "\n".join(f"  server s{i} 127.0.0.1:{e.port}" for i, e in enumerate(endpoints)) for name, endpoints in sets.items())
    path = os.path.join(directory, "haproxy.cfg")
    with open(path, "w") as f:
        f.write(_HAPROXY.format(sections=sections) + "\n")
    p = machine.start("haproxy", [haproxy.PATH, "-db", "-f", path], directory, machine.PROXY_CORE)
    p.expected_status = None
    return p, ports


def _expose(path, name, ports):
    peers.write(path, manifests.service(name))
    for i, port in enumerate(ports):
        peers.write(path, manifests.slice_of(name, ("127.0.0.1", port), number=i))


def _weirlock(args, directory, sets):
    """One Service a set and algorithm, so that none learns from another."""
    path = os.path.join(directory, "manifests")
    os.makedirs(path)
    peers.write(path, manifests.ingress_class())
    peers.write(path, manifests.configmap(keep_alive_requests=1000000, upstream_keepalive_requests=1000000,
                                          disable_access_log="true"))
    for kind, endpoints in sets.items():
        for algorithm, notes in ALGORITHMS.items():
            name = f"{kind}-{algorithm.replace('_', '-')}"
            _expose(path, name, [e.port for e in endpoints[:-1 if kind == "new" else None]])
            peers.write(path, manifests.ingress(name, name + ".test", "/", name, annotations=notes))
    c = peers.controller(args.bin, directory, path, machine.LOAD_CORE)
    return path, c, peers.proxy(args.bin, directory, core=machine.PROXY_CORE)


# ----------------------------------------------------------------------------------------------------------- measuring

class _Load:
    """wrk with latencies."""

    def __init__(self, port, host, connections, seconds):
        argv = ["taskset", "-c", str(machine.LOAD_CORE), "wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency",
                "-H", f"Host: {host}", f"http://127.0.0.1:{port}/"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds + 60, check=False)
        found = dict(re.findall(r"(50|99)%\s+([\d.]+(?:us|ms|s))", done.stdout))
        if len(found) != 2:
            raise SystemExit(f"bench: wrk said nothing of latencies:\n{done.stdout}{done.stderr}")
        self.p50, self.p99 = (_ms(found[q]) for q in ("50", "99"))
        self.n = int(re.search(r"(\d+) requests in", done.stdout).group(1))
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
        self.n_bad = int(bad.group(1)) if bad else 0


def _ms(text):
    value, unit = re.match(r"([\d.]+)(us|ms|s)", text).groups()
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def _one(port, host, odd, seconds):
    _Load(port, host, CONNECTIONS, 1)  # what is learnt from the first requests is learnt
    before = odd.n
    load = _Load(port, host, CONNECTIONS, seconds)
    return {"p50_ms": load.p50, "p99_ms": load.p99, "errors": load.n_bad / load.n, "share": (odd.n - before) / load.n}


def _skewed(kind, endpoints, ports, args):
    runs = {}
    for _ in range(args.runs):  # in turn, so that a busy moment is everybody's
        for who, (port, host) in ports.items():
            runs.setdefault(who, []).append(_one(port, host, endpoints[-1], args.seconds))
    made = {who: {key: statistics.median(r[key] for r in rows) for key in rows[0]} for who, rows in runs.items()}
    for who, r in made.items():
        machine.say(f"balance, {kind}: {who}: p50 {r['p50_ms']:.1f} ms, p99 {r['p99_ms']:.1f} ms, errors {100 * r['errors']:.2f} %, "
                    f"{100 * r['share']:.2f} % went to the odd one")
    return made


def _new(path, endpoints, port, args):
    """The share of a new endpoint in its first second, of what would be even."""
    made = {}
    for algorithm in _measured(args):
        name = f"new-{algorithm.replace('_', '-')}"
        host, odd = name + ".test", endpoints[-1]
        _Load(port, host, CONNECTIONS, 1)
        peers.write(path, manifests.slice_of(name, ("127.0.0.1", odd.port), number=ENDPOINTS - 1))
        before = odd.n
        wait.until(lambda: _ask(port, host) and odd.n > before, "the new endpoint is used", 60, every=0)
        before = odd.n
        load = _Load(port, host, CONNECTIONS, 1)
        made[algorithm] = (odd.n - before) / (load.n / ENDPOINTS)
        machine.say(f"balance, new: {algorithm}: {made[algorithm]:.2f} of an even share in its first second")
    return made


def _ask(port, host):
    with wire.Client(("127.0.0.1", port)) as c:
        return c.get("/", host).status == 200


def _even(args, directory):
    """The spread of shares: coefficient of variation over endpoints, all proxies and workers together."""
    os.makedirs(directory)
    log, ports, started, made = f"{directory}/ports", machine.free_ports(MANY), [], {}
    conf = os.path.join(directory, "many.conf")
    listens = " ".join(f"listen 127.0.0.1:{p} backlog=512;" for p in ports)
    with open(conf, "w") as f:
        f.write(f"daemon off; master_process off; worker_processes 1; pid {directory}/many.pid; events {{ worker_connections 8192; }}\n"
                f"http {{ client_body_temp_path {directory}/b; proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f; "
                f"uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s; log_format port '$server_port'; keepalive_requests "
                f"1000000; access_log {log} port; server {{ {listens} return 200 ok; }} }}\n")
    try:
        started.append(machine.start("many", ["nginx", "-p", directory, "-e", f"{directory}/many.log", "-c", conf], directory))
        path = os.path.join(directory, "manifests")
        os.makedirs(path)
        peers.write(path, manifests.ingress_class())
        peers.write(path, manifests.configmap(keep_alive_requests=1000000, disable_access_log="true"))
        for algorithm, notes in ALGORITHMS.items():
            name = algorithm.replace("_", "-")
            _expose(path, name, ports)
            peers.write(path, manifests.ingress(name, name + ".test", "/", name, annotations=notes))
        started.append(peers.controller(args.bin, directory, path))
        proxies = [peers.proxy(args.bin, directory, f"p{i}", options=["--workers", str(WORKERS)]) for i in range(PROXIES)]
        started += proxies
        http = [wire.split(p.wait_ready(60).ready["http"])[1] for p in proxies]
        for algorithm in _measured(args):
            host = algorithm.replace("_", "-") + ".test"
            from_ = os.path.getsize(log) if os.path.exists(log) else 0
            total = sum(_Load(port, host, CONNECTIONS, args.seconds).n for port in http)
            with open(log) as f:
                f.seek(from_)
                counts = {p: 0 for p in ports}
                for line in f:
                    counts[int(line)] += 1
            values = list(counts.values())
            made[algorithm] = {"requests": total, "cv": statistics.pstdev(values) / statistics.mean(values),
                               "least": min(values) / statistics.mean(values), "most": max(values) / statistics.mean(values)}
            machine.say(f"balance, even: {algorithm}: coefficient of variation {100 * made[algorithm]['cv']:.2f} % of {total} requests")
        return made
    finally:
        machine.stop_all(started)


def measure(args, directory):
    os.makedirs(directory)
    loop, started = soak.Loop(), []
    sets = _sets(loop)
    try:
        path, c, proxy = _weirlock(args, directory, sets)
        started += [c, proxy]
        nginx, nginx_ports = _nginx(directory, sets)
        started.append(nginx)
        ha, haproxy_ports = _haproxy(directory, sets)
        started.append(ha)
        http = wire.split(proxy.wait_ready(60).ready["http"])[1]
        made = {}
        for kind in ("slow", "failing"):
            ports = {f"Weirlock {a}": (http, f"{kind}-{a.replace('_', '-')}.test") for a in _measured(args)}
            ports["nginx least_conn"] = nginx_ports[kind], "any"
            ports["HAProxy leastconn"] = haproxy_ports[kind], "any"
            for port, host in ports.values():
                wait.until(lambda: wire.Client(("127.0.0.1", port)).close() is None, f"port {port} listens", 30)
            made[kind] = _skewed(kind, sets[kind], ports, args)
        made["new"] = _new(path, sets["new"], http, args)
    finally:
        machine.stop_all(started)
    made["even"] = _even(args, os.path.join(directory, "even"))
    return made


def table(r):
    lines = [f"| {ENDPOINTS} endpoints of {NORMAL_MS} ms, {CONNECTIONS} connections | one of {SLOW_MS} ms: p50, p99 | its share | "
             "one that answers 500 at once: errors | p99 |", "|---|---|---|---|---|"]
    for who, slow in r["slow"].items():
        failing = r["failing"][who]
        lines.append(f"| {who} | {slow['p50_ms']:.1f}, {slow['p99_ms']:.1f} ms | {100 * slow['share']:.2f} % | "
                     f"{100 * failing['errors']:.2f} % | {failing['p99_ms']:.1f} ms |")
    lines += ["", f"| {PROXIES} proxies of {WORKERS} workers, {MANY} endpoints that are alike | coefficient of variation | least, most "
              "of the mean | a new endpoint's first second, of an even share |", "|---|---|---|---|"]
    for algorithm, e in r["even"].items():
        lines.append(f"| {algorithm} | {100 * e['cv']:.2f} % | {e['least']:.2f}, {e['most']:.2f} | {r['new'][algorithm]:.2f} |")
    return "\n".join(lines) + "\n"
