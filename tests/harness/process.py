"""A program under test: started with a ready line to wait for, logs kept in files, ended by its own process id in any case."""
import ctypes
import os
import re
import signal
import subprocess

from . import wait

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
SANITIZER = re.compile(r"ERROR: (Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error: |SUMMARY: \w+Sanitizer")


def _die_with_parent():
    """Whatever ends the scenario's process ends its programs too."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    def __init__(self, name, argv, directory, env=None):
        self.name, self.argv = name, [str(a) for a in argv]
        self.out_path = os.path.join(directory, name + ".out")
        self.err_path = os.path.join(directory, name + ".err")
        self.expected_status = 0
        self.ready = {}
        environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0", UBSAN_OPTIONS="print_stacktrace=1")
        environment.update(env or {})
        with open(self.out_path, "ab") as out, open(self.err_path, "ab") as err:
            err.write(("$ " + " ".join(self.argv) + "\n").encode())
            err.flush()
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            env=environment, preexec_fn=_die_with_parent)
        self._out_from = os.path.getsize(self.out_path)

    @property
    def pid(self):
        return self.process.pid

    @property
    def is_running(self):
        return self.process.poll() is None

    def out(self):
        return _text(self.out_path)

    def err(self):
        """Its log, without the lines with our own command."""
        return "".join(line for line in _text(self.err_path).splitlines(True) if not line.startswith("$ "))

    def wait_ready(self, seconds=wait.SECONDS):
        """Reads `ready key=value …` from stdout into self.ready."""

        def look():
            for line in self.out()[self._out_from:].splitlines(True):
                if line.startswith("ready ") and line.endswith("\n"):
                    return line
            if not self.is_running:
                raise AssertionError(f"{self.name} ended with status {self.process.returncode} before it was ready:\n"
                                     + tail(self.err()))
            return None

        line = wait.until(look, f"{self.name} prints its ready line\n{tail(self.err(), 10)}", seconds)
        self.ready = {}
        for word in line.split()[1:]:
            key, value = word.split("=", 1)
            self.ready.setdefault(key, value)
        return self

    def wait_log(self, pattern, what=None, seconds=wait.SECONDS):
        """A match of the regular expression in stderr or stdout."""
        return wait.until(lambda: re.search(pattern, self.err(), re.M) or re.search(pattern, self.out(), re.M),
                          what or f"{self.name} logs {pattern!r}", seconds)

    def rss_kib(self):
        with open(f"/proc/{self.pid}/status") as status:
            return int(re.search(r"^VmRSS:\s+(\d+)", status.read(), re.M).group(1))

    def n_fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def n_connections_to(self, port):
        """TCP connections over IPv4 of this program that are open, to this port of any address."""
        inodes = set()
        for fd in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                inodes.add(os.readlink(f"/proc/{self.pid}/fd/{fd}"))
            except FileNotFoundError:
                pass  # closed meanwhile
        with open(f"/proc/{self.pid}/net/tcp") as table:
            rows = [line.split() for line in table.readlines()[1:]]
        return sum(1 for row in rows if row[3] == "01" and int(row[2].split(":")[1], 16) == port and f"socket:[{row[9]}]" in inodes)

    def signal(self, number):
        self.process.send_signal(number)

    def wait_end(self, seconds=wait.SECONDS):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise wait.Timeout(f"{self.name} did not end within {seconds:g} s") from None

    def stop(self, seconds=wait.SECONDS):
        """SIGTERM and its exit status."""
        if self.is_running:
            self.signal(signal.SIGTERM)
        return self.wait_end(seconds)

    def kill(self):
        """SIGKILL: what a crash or a lost machine looks like from outside."""
        self.expected_status = None
        if self.is_running:
            self.process.kill()
        self.process.wait()

    def close(self):
        """At the end of a scenario. Complaints: a sanitizer's report, a status that was not expected, a hang."""
        complaints = []
        hung = False
        if self.is_running:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(wait.SECONDS)
            except subprocess.TimeoutExpired:
                hung = True
                self.process.kill()
                self.process.wait()
        status = self.process.returncode
        found = SANITIZER.search(self.err())
        if found:
            complaints.append(f"{self.name}: {self.err()[found.start():][:3000]}")
        elif hung:
            complaints.append(f"{self.name} did not end on SIGTERM:\n{tail(self.err(), 10)}")
        elif self.expected_status is not None and status != self.expected_status:
            complaints.append(f"{self.name} ended with status {status}:\n{tail(self.err(), 15)}")
        return complaints


def run(argv, seconds=30, env=None, stdin=None):
    """A command that ends: its completed process with text."""
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, errors="replace", timeout=seconds,
                          env=dict(os.environ, **(env or {})), input=stdin, preexec_fn=_die_with_parent)


def tail(text, lines=20):
    return "\n".join(text.splitlines()[-lines:])


def _text(path):
    with open(path, errors="replace") as f:
        return f.read()
