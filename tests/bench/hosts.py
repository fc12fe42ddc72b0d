"""10,000 hosts with two routes and a backend of their own each, Weirlock beside nginx: CPU of a request, memory, and one host more.

The requests go to hosts that are spread over all of them. To say what looking a host and a path up costs, Weirlock also serves 10 hosts
and 10,000 hosts with three paths each, the third a regular expression, and every host is asked.
"""
import os
import signal
import threading
import time

from harness import manifests, wait, wire

from . import machine, peers, traffic

SAYS = "10,000 hosts with routes and backends of their own: CPU of a request, memory, one host added under load"
ASKED = 100  # of the hosts, beside nginx: more would leave it without a kept connection for most requests
FEW, PATHS = 10, ("/", "/1k", "/r(e|f)[0-9]+x")
SECONDS = 300

_LUA = """local n, step, at, most = {n}, {step}, 0, {most}
request = function()
    at = at + 1
    if at == most then at = 0 end
    return wrk.format("GET", "/1k", {{["Host"] = "host-" .. (at * step % n) .. ".bench.test"}})
end
"""

_SERVER = """    upstream backend_{i} {{ server 127.0.0.1:{backend}; keepalive 4; keepalive_requests {requests}; keepalive_timeout 60s; }}
    server {{ listen 127.0.0.1:{http}; server_name host-{i}.bench.test;
        location / {{ proxy_pass http://backend_{i}; }} location /1k {{ proxy_pass http://backend_{i}; }} }}
"""


def _host(i):
    return f"host-{i}.bench.test"


def _script(directory, name, n, asked):
    path = os.path.join(directory, name)
    with open(path, "w") as f:
        f.write(_LUA.format(n=n, step=max(1, n // asked), most=asked))
    return path


class _Nginx:
    def __init__(self, directory, backend_port, n):
        self.directory, self.backend_port, (self.http, https) = directory, backend_port, machine.free_ports(2)
        # the hosts of the plain template stay, so that the rest is as everywhere
        template = peers._PROXY.rstrip().removesuffix("}}")
        template = template.replace("daemon off; master_process off; worker_processes 1;", "daemon off; worker_processes 1;")
        head, tail = template.split("    server {{", 1)
        hashes = "    server_names_hash_max_size 65536; server_names_hash_bucket_size 128; variables_hash_max_size 2048;\n"
        self._template = head + hashes + "    server {{" + tail + "\n{hosts}}}\n"
        self._values = {"backend": backend_port, "http": self.http, "https": https, "host": peers.HOST, "logged": peers.LOGGED_HOST,
                        "log": peers.LOG_JSON % "req_id", "trust": "", "listen": ""}
        self.process = peers._nginx("nginx", self._template, directory, machine.PROXY_CORE, hosts=self._hosts(n), **self._values)
        wait.until(lambda: _status(self.http, _host(n - 1)) == 200, "nginx serves the last host", SECONDS)

    def _hosts(self, n):
        return "".join(_SERVER.format(i=i, backend=self.backend_port, http=self.http, requests=peers.REQUESTS) for i in range(n))

    @property
    def pids(self):
        return [self.process.pid, *self.workers()]

    def workers(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
            return [int(p) for p in f.read().split()]

    def add_host(self, n):
        path = os.path.join(self.directory, "nginx.conf")
        with open(path + ".new", "w") as f:
            f.write(self._template.format(name="nginx", directory=self.directory, requests=peers.REQUESTS, hosts=self._hosts(n + 1),
                                          **self._values))
        os.rename(path + ".new", path)
        started = time.monotonic()
        os.kill(self.process.pid, signal.SIGHUP)
        return started


def _status(port, host):
    try:
        with wire.Client(("127.0.0.1", port)) as c:
            return c.get("/1k", host).status
    except (OSError, EOFError, AssertionError):
        return 0


def _objects(i, address, paths):
    name = f"app-{i}"
    made = [manifests.path(p, name, kind="ImplementationSpecific" if "(" in p else "Prefix") for p in paths]
    notes = {"enable-access-log": "false", "ssl-redirect": "false", **({"use-regex": "true"} if any("(" in p for p in paths) else {})}
    return [manifests.ingress(name, _host(i), made, annotations=notes, rules={_host(i): made}), manifests.service(name),
            manifests.slice_of(name, address)]


class _Weirlock:
    def __init__(self, args, directory, backend_port, n, paths):
        self.path, self.address, self.paths = os.path.join(directory, "manifests"), ("127.0.0.1", backend_port), paths
        os.makedirs(self.path)
        peers.write(self.path, manifests.ingress_class())
        peers.configure(directory)
        for i in range(n):
            peers.write(self.path, *_objects(i, self.address, paths), name=f"{i}.json")
        self.controller = peers.controller(args.bin, directory, self.path, machine.LOAD_CORE)
        self.process = peers.proxy(args.bin, directory, core=machine.PROXY_CORE)
        self.process.wait_ready(SECONDS)
        self.http = wire.split(self.process.ready["http"])[1]
        wait.until(lambda: _status(self.http, _host(n - 1)) == 200, "Weirlock serves the last host", SECONDS)

    @property
    def pids(self):
        return [self.process.pid]

    def workers(self):
        return [self.process.pid]

    def add_host(self, n):
        started = time.monotonic()
        peers.write(self.path, *_objects(n, self.address, self.paths), name=f"{n}.json")
        return started


def _round(fronts, scripts, pids, seconds):
    made, share = {}, 0.0
    for name, front in fronts.items():
        before = sum(map(machine.cpu_seconds, front.workers()))
        with machine.Others(pids) as others:
            load = machine.Wrk(f"http://127.0.0.1:{front.http}/1k", 64, seconds, (), ("-s", scripts[name]))
        made[name] = (sum(map(machine.cpu_seconds, front.workers())) - before) / load.n_requests * 1e6
        share = max(share, others.share)
    return made, share


class _Peak:
    """The most memory that these processes had together while it was open, and what a load in the background came to."""

    def __init__(self, front, script):
        self.front, self.script, self.peak_mib, self.n_failed, self._ends = front, script, 0.0, 0, False

    def _watch(self):
        while not self._ends:
            try:
                self.peak_mib = max(self.peak_mib, sum(machine.memory_mib(p)[0] for p in self.front.pids))
            except (OSError, AttributeError):
                pass  # one ended meanwhile
            wait.pause(0.01)

    def _ask(self):
        while not self._ends:
            load = machine.Wrk(f"http://127.0.0.1:{self.front.http}/1k", 16, 1, (), ("-s", self.script), may_fail=True)
            self.n_failed += load.n_failed

    def __enter__(self):
        self._threads = [threading.Thread(target=t) for t in (self._watch, self._ask)]
        for t in self._threads:
            t.start()
        return self

    def __exit__(self, *_):
        self._ends = True
        for t in self._threads:
            t.join()


def _add_one(front, n, script):
    with _Peak(front, script) as peak:
        wait.pause(1.0)
        started = front.add_host(n)
        wait.until(lambda: _status(front.http, _host(n)) == 200, "the new host is served", SECONDS, every=0.002)
        took = time.monotonic() - started
        wait.pause(0.5)
    return {"seconds": took, "peak_mib": peak.peak_mib, "failed": peak.n_failed}


def _beside(args, directory, backend_port, n, started):
    """Weirlock beside nginx."""
    where = {name: os.path.join(directory, name) for name in ("nginx", "weirlock")}
    for path in where.values():
        os.makedirs(path)
    peers.certificate(where["nginx"])
    nginx = _Nginx(where["nginx"], backend_port, n)
    started.append(nginx.process)
    ours = _Weirlock(args, where["weirlock"], backend_port, n, PATHS[:2])
    started += [ours.controller, ours.process]
    fronts = {"nginx": nginx, "weirlock": ours}
    script = _script(directory, "spread.lua", n, min(n, ASKED))
    pids = [p for p in (p.pid for p in started)] + nginx.workers()
    kept, disturbed = traffic.rounds_of(lambda s: _round(fronts, dict.fromkeys(fronts, script), pids, s), args)
    made = traffic.compared(f"{n} hosts", f"{n:,} hosts with two routes and a backend of their own", kept, disturbed)
    made["memory_mib"] = {name: sum(machine.memory_mib(p)[0] for p in front.pids) for name, front in fronts.items()}
    made["added"] = {name: _add_one(front, n, script) for name, front in fronts.items()}
    for name, a in made["added"].items():
        machine.say(f"{n} hosts: {name} {made['memory_mib'][name]:.0f} MiB; one more after {a['seconds']:.3f} s, "
                    f"at most {a['peak_mib']:.0f} MiB, {a['failed']} requests failed")
    return made


def _look_up(args, directory, backend_port, n, started):
    """Few and many hosts with three paths."""
    fronts, scripts = {}, {}
    for name, count in (("few", min(FEW, n)), ("many", n)):
        where = os.path.join(directory, name)
        os.makedirs(where)
        fronts[name] = _Weirlock(args, where, backend_port, count, PATHS)
        started += [fronts[name].controller, fronts[name].process]
        scripts[name] = _script(directory, f"{name}.lua", count, count)
    pids = [p.pid for p in started]
    kept, disturbed = traffic.rounds_of(lambda s: _round(fronts, scripts, pids, s), args)
    ratios = sorted(us["many"] / us["few"] for us in kept)
    made = {"us_per_request": {name: sorted(us[name] for us in kept)[len(kept) // 2] for name in fronts},
            "ratio": ratios[len(ratios) // 2], "ratio_range": [ratios[0], ratios[-1]], "disturbed": disturbed}
    machine.say(f"hosts: {made['us_per_request']['few']:.2f} µs a request with {min(FEW, n)} hosts, "
                f"{made['us_per_request']['many']:.2f} with {n}: {made['ratio']:.2f} ×")
    return made


def measure(args, directory):
    os.makedirs(directory)
    n, made = args.ingresses, {"hosts": args.ingresses}
    for what, how in (("beside", _beside), ("look_up", _look_up)):
        where = os.path.join(directory, what)
        os.makedirs(where)
        started = []
        try:
            started.append(peers.backend(where))
            made[what] = how(args, where, started[0].port, n, started)
        finally:
            machine.stop_all(started)
    return made


def table(r):
    b, u = r["beside"], r["look_up"]["us_per_request"]
    low, high = b["ratio_range"]
    lines = [f"| {r['hosts']:,} hosts | nginx | Weirlock | |", "|---|---|---|---|",
             f"| µs CPU per request | {b['us_per_request']['nginx']:.2f} | {b['us_per_request']['weirlock']:.2f} | "
             f"{b['ratio']:.2f} × ({low:.2f}–{high:.2f}) |",
             f"| memory | {b['memory_mib']['nginx']:.0f} MiB | {b['memory_mib']['weirlock']:.0f} MiB | |"]
    for what, unit in (("seconds", " s"), ("peak_mib", " MiB"), ("failed", " requests")):
        says = {"seconds": "one host more: until it is served", "peak_mib": "at most meanwhile", "failed": "failed meanwhile"}[what]
        cells = [f"{b['added'][name][what]:.3f}{unit}" if what == "seconds" else f"{b['added'][name][what]:.0f}{unit}"
                 for name in ("nginx", "weirlock")]
        lines.append(f"| {says} | {cells[0]} | {cells[1]} | |")
    lines.append(f"| Weirlock, three paths a host, every host asked | {FEW} hosts: {u['few']:.2f} µs | {u['many']:.2f} µs | "
                 f"{r['look_up']['ratio']:.2f} × |")
    return "\n".join(lines) + "\n"
