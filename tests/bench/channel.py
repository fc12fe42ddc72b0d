"""The control channel at scale: 10,000 Ingresses, 50,000 endpoints and 2,000 certificates, real proxies and, for hundreds, a crowd of
simulated sessions that speak the channel with real TLS. Each figure stands beside its goal, as the median of some runs with the lowest and
the highest."""
import os
import re
import subprocess
import time

from harness import crowd as crowds
from harness import process, wait, wire

from . import channel_cluster, machine, peers

SAYS = "the control channel: 10,000 Ingresses, up to 1,000 proxies: a change until all serve it, its cost, failover, cold starts (some 6 minutes)"
PARTS = ("latency", "memory", "failover", "cold", "disk", "compile", "row", "garbage")
REAL_MAX, SECONDS = 10, 120
PAUSE_S = 0.12  # between two changes that are timed: more of them in a row are gathered, which is another figure


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Row:
    """A figure: what it is, its goal, and one value a run."""

    def __init__(self, what, unit, values, goal=None, note=""):
        self.what, self.unit, self.goal, self.note = what, unit, goal, note
        self.values = [float(v) for v in values]
        self.median = percentile(self.values, 0.5)

    def as_dict(self):
        return vars(self)

    def _text(self, value):
        return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.1f}" if value >= 10 else f"{value:.2f}"

    def __str__(self):
        spread = f" ({self._text(min(self.values))}–{self._text(max(self.values))})" if len(self.values) > 1 else ""
        verdict = "" if self.goal is None else "met" if self.median <= self.goal else f"missed by {100 * self.median / self.goal - 100:.0f} %" if self.goal else "missed"
        goal = "" if self.goal is None else f"{self.goal} {self.unit}"
        return f"| {self.what}{self.note and ' — ' + self.note} | {goal} | {self._text(self.median)}{spread} {self.unit} | {verdict} |"


def cpu_ms(pid):
    """Of all threads that are there, as the scheduler counts it: finer than clock ticks."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as f:
            total += int(f.read().split()[0])
    return total / 1e6


class Bench:
    def __init__(self, args, directory):
        self.args, self.directory, self.rows = args, directory, []
        os.makedirs(directory)
        self.programs, self.crowd = [], None
        self.clock_ms = time.time() * 1000 - time.monotonic() * 1000  # of a log line, less that of ours
        self.identity = os.path.join(directory, "identity")
        subprocess.run([os.path.join(os.path.dirname(__file__), "../../deploy/identity"), self.identity], check=True,
                       stdout=subprocess.DEVNULL)
        self.backend = peers.backend(directory)
        self.programs.append(self.backend)
        self.cluster = channel_cluster.Cluster(args, self.backend.port)
        self.api = self.cluster.serve(args.bin)
        ports = machine.free_ports(2)
        self.urls = [f"tcp://127.0.0.1:{p}" for p in ports]
        self.real, self.starts = [], 0

    def close(self):
        complaints = self.crowd.close() if self.crowd else []
        machine.stop_all(self.programs)
        self.api.close()
        for c in complaints:
            machine.say("channel: " + c)

    def add(self, *args, **kwargs):
        row = Row(*args, **kwargs)
        self.rows.append(row)
        machine.say("channel: " + str(row))

    def runs(self):
        return range(self.args.runs)

    # ----------------------------------------------------------------------------------------------------- programs

    def start_controller(self, number):
        """Both share an identity's directory, and so the certificate and the secrets that they generate: equal content."""
        self.starts += 1
        c = machine.start(f"controller-{self.starts}", [
            os.path.join(self.args.bin, "weirlock-controller"), "--kubeconfig", self.api.kubeconfig(os.path.join(self.directory, "kubeconfig")),
            "--configmap", "ingress/controller", "--listen", self.urls[number], "--identity", os.path.join(self.identity, "controller"),
            "--admin", "127.0.0.1:0", "--name", f"c{number}", "--disable-leader-election"], self.directory)
        self.programs.append(c)
        c.wait_ready(SECONDS)
        return c

    def start_proxy(self, name, state=None, controllers=None):
        self.starts += 1
        p = machine.start(f"{name}-{self.starts}", [
            os.path.join(self.args.bin, "weirlock-proxy"), *[w for u in controllers or self.urls for w in ("--controller", u)], "--identity",
            os.path.join(self.identity, "proxy"), "--name", name, "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--admin",
            "127.0.0.1:0", "--workers", "1", *(["--state-dir", state] if state else [])], self.directory)
        self.programs.append(p)
        return p

    def need_real(self, n):
        while len(self.real) < n:
            self.real.append(self.start_proxy(f"real-{len(self.real)}").wait_ready(SECONDS))

    def need_crowd(self, n):
        if not self.crowd:
            self.crowd = crowds.Crowd(self.args.bin, os.path.join(self.identity, "proxy"), self.urls, self.directory)
            self.n_crowd = 0
        if n > self.n_crowd:
            self.crowd.open(n - self.n_crowd)
            self.n_crowd = n

    def metrics(self, controller, pattern):
        with wire.Client(wire.split(controller.ready["admin"])) as c:
            return float(re.search(pattern + r" (\S+)", c.get("/metrics", "x").body.decode()).group(1))

    # ------------------------------------------------------------------------------------------------------ latency

    def _applied_ms(self, ids):
        """When each real proxy had applied a snapshot, by the lines of its log; the last one of an id."""
        found = {}
        for p in self.real:
            for stamp, snapshot in re.findall(r"^(\S+)Z info subscribe: snapshot applied id=(\w+)", p.err(), re.M):
                if snapshot in ids:
                    at = channel_cluster.wall_ms(stamp) + 1 - self.clock_ms  # the line is cut to the millisecond
                    found[snapshot] = max(found.get(snapshot, 0), at)
        return found

    def _one_alone(self, n):
        """With one proxy there is traffic to tell: an endpoint that answers, and one that refuses."""
        took = []
        with wire.Client(wire.split(self.real[0].ready["http"])) as c:
            for number in range(n):
                wait.pause(PAUSE_S)
                want = 200 if number % 2 else 502
                at = self.api.put(self.cluster.flip(want == 200))
                while c.get("/1k", self.cluster.flipped_host).status != want:
                    pass
                took.append(1000 * (time.monotonic() - at))
        return took

    def _many(self, n):
        sent, took = {}, []
        for _ in range(n):
            wait.pause(PAUSE_S)
            at = self.api.put(self.cluster.change())
            e = self.crowd.next("applied")
            while e["last_us"] < 1e6 * at:  # of a change before
                e = self.crowd.next("applied")
            sent[e["id"]] = 1000 * at, e["last_us"] / 1000
        wait.pause(0.1)
        real = self._applied_ms(sent)
        for snapshot, (at, last) in sent.items():
            took.append(max(last, real[snapshot]) - at)
        return took

    def latency(self):
        a = self.args
        sizes = sorted({1, min(100, a.proxies), a.proxies})
        for size, goal in zip(sizes, (10, 20, 100)):
            self.need_real(min(size, a.real))
            if size > len(self.real):
                self.need_crowd(size - len(self.real))
            run = self._one_alone if size == 1 else self._many
            run(2)
            before = self._counted()
            rounds = [run(a.changes) for _ in self.runs()]
            after = self._counted()
            self.add(f"a change until {size} prox{'y serves' if size == 1 else 'ies serve'} it, p99 of {a.changes}", "ms",
                     [percentile(r, 0.99) for r in rounds], goal)
            self.add("the same, p50", "ms", [percentile(r, 0.5) for r in rounds])
        n = (after["sent"] - before["sent"]) or 1
        self.add("payload of an endpoint change for one proxy", "B", [(after["bytes"] - before["bytes"]) / n], 250)
        self.add("controller CPU for one delivery, with TLS and its ACK", "µs", [1000 * (after["cpu"] - before["cpu"]) / n], 40,
                 note=f"{n:.0f} deliveries, reports and heartbeats among them")
        self.add("CPU of the crowd meanwhile, for one delivery", "µs", [(after["crowd"] - before["crowd"]) / n])

    def _counted(self):
        c = self.controllers[0]
        return {"sent": self.metrics(c, r'weirlock_controller_sent_total\{form="delta"\}'),
                "bytes": self.metrics(c, r'weirlock_controller_sent_bytes_total\{form="delta"\}'), "cpu": cpu_ms(c.pid),
                "crowd": self.crowd.status()["cpu_us"] if self.crowd else 0}

    # ------------------------------------------------------------------------------------------------------- the rest

    def memory(self):
        self.need_crowd(self.args.proxies - len(self.real))
        now, most = machine.memory_mib(self.controllers[0].pid)
        self.add(f"controller memory with {self.args.proxies} proxies", "MiB", [now], 350, note=f"at most so far {most} MiB")

    def failover(self):
        """kill -9 of the controller that all watch, with another one there."""
        self.need_crowd(self.args.proxies - len(self.real))
        took, cost = [], []
        self.controllers.append(self.start_controller(1))
        for _ in self.runs():
            old = self.controllers.pop(0)
            before = self.crowd.status()["config_bytes"]
            at = time.monotonic()
            old.kill()
            e = self.crowd.next("watching")
            took.append(e["at_us"] / 1e6 - at)
            cost.append(self.crowd.status()["config_bytes"] - before)
            self.urls.reverse()
            self.controllers.append(self.start_controller(1))
        self.add("failover to another controller with equal content: bytes of configuration", "B", cost, 0)
        self.add(f"until {self.n_crowd} watch again", "s", took, 3)

    def cold(self):
        self.need_crowd(self.args.proxies - len(self.real))
        c, took, cpu, crowd = self.controllers[0], [], [], []
        for _ in self.runs():
            before, used = cpu_ms(c.pid), self.crowd.status()["cpu_us"]
            took.append(self.crowd.cold()["took_us"] / 1e6)
            cpu.append((cpu_ms(c.pid) - before) / 1000)
            crowd.append((self.crowd.status()["cpu_us"] - used) / 1e6)
        self.add(f"{self.n_crowd} cold proxies fully configured", "s", took, 15)
        self.add("controller CPU for that", "s", cpu)
        self.add("CPU of the crowd for that", "s", crowd)

    def disk(self):
        """No controller is where this one looks."""
        state = os.path.join(self.directory, "state")
        p = self.start_proxy("disk", state).wait_ready(SECONDS)
        wait.until(lambda: os.path.exists(os.path.join(state, "last-good.sealed")), "the last good snapshot is kept", SECONDS)
        p.stop()
        nowhere, took = [f"tcp://127.0.0.1:{machine.free_ports(1)[0]}"], []
        for _ in self.runs():
            at = time.monotonic()
            p = self.start_proxy("disk", state, nowhere).wait_ready(SECONDS)
            took.append(time.monotonic() - at)
            p.stop()
        self.add("restart of a proxy with the controllers down, ready from disk", "s", took, 1)

    def _compiled_us(self, p):
        return [int(us) for us in re.findall(r"info proxy: snapshot compiled id=\w+ resources=\d+ us=(\d+)", p.err())]

    def _applied_us(self, p):
        return [int(us) for us in re.findall(r"info subscribe: snapshot applied .* took_us=(\d+)", p.err())]

    def compile(self):
        whole, cpu = [], []
        for _ in self.runs():
            p = self.start_proxy("whole").wait_ready(SECONDS)
            cpu.append(1000 * machine.cpu_seconds(p.pid))  # of threads that have ended too
            whole.append(self._compiled_us(p)[0] / 1000)
            p.stop()
        self.add("proxy: whole snapshot compiled", "ms", whole, 150)
        self.add("CPU of a proxy from its start until it is ready: handshake, fetching, hashes and that", "ms", cpu)
        self.need_real(1)
        p, quiet, busy = self.real[0], [], []
        done = len(self._applied_us(p))
        host, port = self.cluster.steady_host, wire.split(p.ready["http"])[1]
        self.api.put(self.cluster.flip(True))
        peers.wait_answers(port, host)
        for _ in self.runs():
            quiet.append(self._traffic(port, host, lambda: None))
            busy.append(self._traffic(port, host, lambda: self.api.put(self.cluster.change())))
        self.add("proxy: one endpoint delta applied, half of them", "µs", [percentile(self._applied_us(p)[done:], 0.5)], 50)
        self.add("the same, compiled", "µs", [percentile(self._compiled_us(p)[done:], 0.5)])
        self.add("p99 of 1 KiB requests, no changes", "ms", quiet)
        self.add("the same with 20 endpoint changes a second", "ms", busy)

    def _traffic(self, port, host, act):
        """p99 that wrk sees while something happens 20 times a second."""
        seconds = max(1, round(self.args.seconds))
        wrk = subprocess.Popen(["wrk", "-t1", "-c16", f"-d{seconds}s", "--latency", "-H", f"Host: {host}", f"http://127.0.0.1:{port}/1k"],
                               stdout=subprocess.PIPE, text=True)
        while wrk.poll() is None:
            act()
            wait.pause(0.05)
        found = re.search(r"99%\s+([\d.]+)(us|ms|s)", wrk.stdout.read())
        return float(found.group(1)) * {"us": 0.001, "ms": 1, "s": 1000}[found.group(2)]

    def row(self):
        """Changes one after the other, as fast as they may come, and the memory of both sides on the way."""
        a, c = self.args, self.controllers[0]
        self.need_real(1)
        self.need_crowd(min(100, a.proxies) - len(self.real))
        seen = []
        for n in range(a.row + 1):
            if n % (a.row // 10) == 0:
                seen.append([machine.memory_mib(p.pid)[0] for p in (c, self.real[0])])
            self.api.put(self.cluster.change())
            wait.pause(0.004)
        for which, name in ((0, "controller"), (1, "proxy")):
            sizes = [s[which] for s in seen]
            self.add(f"{a.row} changes in a row: {name} grows from the first tenth to the end", "MiB", [sizes[-1] - sizes[1]], 5,
                     note=f"{sizes[0]} MiB at first, {sizes[-1]} at the end")

    def _send_garbage(self, seed):
        """How long changes took meanwhile."""
        took = []
        sender = subprocess.Popen([crowds.program(self.args.bin), "--to", self.urls[0].removeprefix("tcp://"), "--identity",
                                   os.path.join(self.identity, "proxy"), "--garbage", str(self.args.garbage), "--seed", str(seed + 1)],
                                  stdout=subprocess.PIPE, text=True)
        while sender.poll() is None:
            took += self._many(1)
        said = sender.stdout.read().strip()
        if sender.returncode:
            raise AssertionError(f"the garbage ended with {sender.returncode} {said}: {process.tail(self.controllers[0].err())}")
        machine.say("channel: " + said)
        return took

    def garbage(self):
        """Strangers, and one with a good certificate, send nonsense as fast as it is taken."""
        a, c = self.args, self.controllers[0]
        self.need_real(1)
        self.need_crowd(min(100, a.proxies) - len(self.real))
        self._many(2)  # these may wait for what came before
        quiet = self._many(a.changes)
        before, memory = self.crowd.status(), machine.memory_mib(c.pid)[0]
        started = [s for s in self.controllers if s.is_running]
        loud, n_sent = [], 0
        while n_sent < a.garbage or len(loud) < a.changes:
            loud += self._send_garbage(n_sent)
            n_sent += a.garbage
            if not all(s.is_running for s in started):
                raise AssertionError(f"the controller ended: {process.tail(c.err())}")
        after = self.crowd.status()
        self.add(f"{n_sent} frames of garbage: sessions of others lost", "", [after["lost"] - before["lost"]], 0)
        self.add("controller memory grows by", "MiB", [machine.memory_mib(c.pid)[0] - memory], 20)
        self.add("a change until all serve it, p99 without", "ms", [percentile(quiet, 0.99)])
        self.add("the same meanwhile", "ms", [percentile(loud, 0.99)], 20, note=f"{len(loud)} changes")


def measure(args, directory):
    args.proxies = args.proxies or (12 if args.smoke else 1000)
    args.real = 2 if args.smoke else min(REAL_MAX, args.proxies)
    args.changes = args.changes or (3 if args.smoke else 40)
    args.row, args.garbage = (100, 20000) if args.smoke else (10000, 1000000)
    b = Bench(args, directory)
    try:
        b.controllers = [b.start_controller(0)]
        machine.say(f"channel: {args.ingresses} Ingresses are in")
        for part in PARTS:
            if not args.parts or part in args.parts:
                getattr(b, part)()
        return {"rows": [r.as_dict() for r in b.rows], "texts": [str(r) for r in b.rows]}
    finally:
        b.close()


def table(r):
    return "\n".join(["| the control channel | goal | median (lowest–highest) | |", "|---|---|---|---|", *r["texts"]]) + "\n"
