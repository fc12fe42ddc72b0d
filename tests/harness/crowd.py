"""The sessions of many proxies in one process (tests/crowd): told what to do, and what happened."""
import json
import os
import subprocess

from . import process, wait

SECONDS = 120


def program(programs, name="crowd"):
    """Built beside the programs."""
    return os.path.join(programs, "tests", "crowd", name)


class Crowd:
    def __init__(self, programs, identity, controllers, directory):
        to = [w for url in controllers for w in ("--to", url.removeprefix("tcp://"))]
        self.err_path = os.path.join(directory, "crowd.err")
        with open(self.err_path, "ab") as err:
            self.process = subprocess.Popen([program(programs), *to, "--identity", identity], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=err, bufsize=0)
        self.pid, self._data = self.process.pid, b""

    def tell(self, *words):
        self.process.stdin.write((" ".join(map(str, words)) + "\n").encode())

    def _line(self, event, seconds):
        while b"\n" not in self._data:
            if not wait.readable(self.process.stdout, seconds):
                raise wait.Timeout(f"not within {seconds:g} s: the crowd says '{event}': {process.tail(self.err())}")
            data = self.process.stdout.read(65536)
            if not data:
                raise AssertionError(f"the crowd ended: {process.tail(self.err())}")
            self._data += data
        line, self._data = self._data.split(b"\n", 1)
        return line

    def next(self, event, seconds=SECONDS):
        """The next thing of that name that happened; what happened before it is passed over."""
        while True:
            made = json.loads(self._line(event, seconds))
            if made["event"] == event:
                return made

    def status(self):
        self.tell("status")
        return self.next("status")

    def open(self, n, rate=0):
        self.tell("open", n, rate)
        return self.next("watching")

    def again(self, rate=0):
        self.tell("again", rate)
        return self.next("watching")

    def cold(self, rate=0):
        self.tell("cold", rate)
        return self.next("watching")

    def err(self):
        with open(self.err_path) as f:
            return f.read()

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(wait.SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        return [f"crowd: ended with status {self.process.returncode}: {process.tail(self.err())}"] if self.process.returncode else []


def garbage(programs, identity, url, n, connections=64, seed=1, seconds=SECONDS):
    """`n` messages that no proxy would send, until the controller has read them all."""
    done = process.run([program(programs), "--to", url.removeprefix("tcp://"), "--identity", identity, "--garbage", n,
                        "--connections", connections, "--seed", seed], seconds)
    if done.returncode:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)
