"""The machine that is measured on: what it has, a network of its own, programs on their cores and what they used."""
import os
import re
import resource
import shutil
import subprocess
import sys
import time

from harness import process, wait

PROXY_CORE, LOAD_CORE = 0, 1
_INSIDE = "WEIRLOCK_BENCH_INSIDE"


def missing(programs):
    """What is not there, as a sentence; None when all is."""
    for name in ("weirlock-controller", "weirlock-proxy"):
        if not os.access(os.path.join(programs, name), os.X_OK):
            return f"{os.path.join(programs, name)} is not there; build it with: deploy/build release"
    for name in ("nginx", "wrk", "h2load", "nghttpd", "haproxy", "openssl", "taskset"):
        if not shutil.which(name):
            return f"{name} is not installed; apt-get install nginx-light wrk nghttp2-client nghttp2-server haproxy openssl util-linux"
    if not {PROXY_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        return "two cores are needed"
    return None


def enter_namespace():
    """Starts this program again in a network namespace of its own, where that is allowed."""
    if os.environ.get(_INSIDE) or os.geteuid() != 0:
        return
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode != 0:
        return
    os.environ[_INSIDE] = "1"
    up = "ip link set lo up; for c in cubic reno; do echo $c >/proc/sys/net/ipv4/tcp_congestion_control && break; done"
    os.execvp("unshare", ["unshare", "--net", "sh", "-c", f'({up}) 2>/dev/null; exec "$@"', "bench", sys.executable, *sys.argv])


def describe():
    def first(argv, pattern):
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        found = re.search(pattern, done.stdout + done.stderr)
        return found.group(1) if found else "?"

    with open("/proc/sys/net/ipv4/tcp_congestion_control") as f:
        congestion = f.read().strip()
    with open("/proc/cpuinfo") as f:
        cpu = re.search(r"model name\s*: (.*)", f.read())
    made = {"cpu": cpu.group(1) if cpu else "?", "cores": os.cpu_count(), "kernel": os.uname().release,
            "congestion": congestion, "nginx": first(["nginx", "-v"], r"nginx/(\S+)"),
            "openssl": first(["openssl", "version"], r"OpenSSL (\S+)"), "load": os.getloadavg()[0]}
    made["text"] = (f"{made['cpu']}, {made['cores']} cores, Linux {made['kernel']}, TCP {congestion}; nginx {made['nginx']}, "
                    f"OpenSSL {made['openssl']}; load before: {made['load']:.2f}")
    return made


def start(name, argv, directory, core=None):
    """A program on one core (it keeps its process id)."""
    pin = ["taskset", "-c", str(core)] if core is not None else []
    return process.Process(name, [*pin, *argv], directory)


def cpu_seconds(pid):
    """User and system time so far, of all threads."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _busy_seconds():
    """What the two cores have done so far, whoever asked, and what the host took away."""
    total = 0
    with open("/proc/stat") as f:
        for line in f:
            fields = line.split()
            if fields[0] in (f"cpu{PROXY_CORE}", f"cpu{LOAD_CORE}"):
                user, nice, system, _idle, _iowait, irq, softirq, steal = (int(x) for x in fields[1:9])
                total += user + nice + system + irq + softirq + steal
    return total / os.sysconf("SC_CLK_TCK")


class Others:
    """The share of the two cores that went to programs other than these while it was open, 0 to 1."""

    def __init__(self, pids):
        self.pids = pids

    def _ours(self):
        children = resource.getrusage(resource.RUSAGE_CHILDREN)  # wrk or h2load, once it has ended
        return sum(map(cpu_seconds, self.pids)) + children.ru_utime + children.ru_stime

    def __enter__(self):
        self._at = time.monotonic(), _busy_seconds(), self._ours()
        return self

    def __exit__(self, *_):
        at, busy, ours = self._at
        spent = _busy_seconds() - busy - (self._ours() - ours)
        self.share = max(0.0, spent / (2 * (time.monotonic() - at)))


def memory_mib(pid):
    """Resident now, and at most so far."""
    with open(f"/proc/{pid}/status") as f:
        text = f.read()
    return tuple(round(int(re.search(rf"^{key}:\s+(\d+)", text, re.M).group(1)) / 1024, 1) for key in ("VmRSS", "VmHWM"))


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Wrk:
    """One run of wrk: requests served, and a complaint when any went wrong. `options` are more words for wrk."""

    PATIENCE = 3  # runs, each four times as long, until something is served

    def __init__(self, url, connections, seconds, headers, options=(), may_fail=False):
        for attempt in range(self.PATIENCE):
            done = self._run(url, connections, max(1, round(seconds)) * 4 ** attempt, headers, options)
            served = re.search(r"(\d+) requests in", done.stdout)
            self.n_requests = int(served.group(1)) if served else 0
            if self.n_requests or not served:
                break
            # 64 handshakes can take more than the whole time where others have most of both cores
            say(f"nothing was served from {url} in time; once more, for longer")
        if not self.n_requests:
            raise SystemExit(f"bench: wrk served nothing from {url}:\n{done.stdout}{done.stderr}")
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
        errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", done.stdout)
        self.n_failed = (int(bad.group(1)) if bad else 0) + sum(map(int, errors.groups() if errors else ()))
        if bad and not may_fail:
            raise SystemExit(f"bench: {bad.group(0)} from {url}")

    @staticmethod
    def _run(url, connections, whole, headers, options):
        argv = ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{connections}", f"-d{whole}s", "--timeout", "10s", *options]
        for h in headers:
            argv += ["-H", h]
        return subprocess.run([*argv, url], capture_output=True, text=True, timeout=whole + 60, check=False)


class H2load:
    """The same with h2load: HTTP/2 over TLS, `streams` requests in progress on each connection. With a `body`, a file, it is POST, and
    over plain TCP."""

    def __init__(self, host, port, target, connections, streams, seconds, body=None, fields=()):
        whole = max(1, round(seconds))
        argv = ["taskset", "-c", str(LOAD_CORE), "h2load", "-t1", f"-c{connections}", f"-m{streams}", f"-D{whole}",
                f"--connect-to=127.0.0.1:{port}", f"http{'' if body else 's'}://{host}{target}"]
        for name, value in fields:
            argv += ["-H", f"{name}: {value}"]
        if body:
            argv += ["-d", body]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=whole + 20, check=False)
        except subprocess.TimeoutExpired:  # seen once in some 200 runs, on cores that others had too
            say(f"h2load did not end against port {port}; once more")
            done = subprocess.run(argv, capture_output=True, text=True, timeout=whole + 20, check=False)
        codes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", done.stdout)
        if not codes or "Application protocol: h2" not in done.stdout or int(codes.group(1)) == 0:
            raise SystemExit(f"bench: h2load got nothing by HTTP/2 from port {port}:\n{done.stdout}{done.stderr}")
        self.n_requests = int(codes.group(1))
        if any(int(n) for n in codes.groups()[1:]):
            raise SystemExit(f"bench: {codes.group(0)} from port {port}")


def stop_all(programs):
    for p in reversed(programs):
        for complaint in p.close():
            say(complaint)


def free_ports(n):
    return [wait.free_port() for _ in range(n)]
