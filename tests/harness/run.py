"""Runs scenarios, some at a time, and prints one line each."""
import argparse
import ast
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from . import machine, process, scenario


# A network of its own, in which the addresses of pods are loopback ones.
IN_NAMESPACE = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--", "sh", "-c",
                'ip link set lo up && ip address add 10.244.0.0/16 dev lo && exec "$@"', "sh"]


class Plan:
    """What a scenario's file says of itself, read without running it."""

    def __init__(self, name):
        self.name = name
        with open(os.path.join(scenario.FOLDER, name + ".py")) as f:
            tree = ast.parse(f.read(), name)
        self.says = (ast.get_docstring(tree) or "").split("\n")[0]
        set_ = {t.id: ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign)
                for t in n.targets if isinstance(t, ast.Name) and t.id in ("SECONDS", "BUILD", "ALONE")}
        self.seconds = set_.get("SECONDS", 60)
        self.build = set_.get("BUILD", "dev")
        self.is_alone = set_.get("ALONE", False)


def all_names():
    return sorted(f[:-3] for f in os.listdir(scenario.FOLDER) if f.endswith(".py") and not f.startswith("_"))


class Runner:
    def __init__(self, args):
        self.args = args
        self.lock = threading.Lock()
        self.results = []

    def run(self, plan):
        where = self.args.bin if plan.build == "dev" else self.args.release
        logs = os.path.join(self.args.logs, plan.name)
        shutil.rmtree(logs, ignore_errors=True)
        os.makedirs(logs)
        started = time.monotonic()
        output = os.path.join(logs, "scenario.log")
        with open(output, "w") as log:
            argv = [sys.executable, "-m", "harness.scenario", "--directory", logs, "--programs", os.path.abspath(where), plan.name]
            child = subprocess.Popen(IN_NAMESPACE + argv if self.args.netns else argv, stdout=log, stderr=subprocess.STDOUT,
                                     stdin=subprocess.DEVNULL, start_new_session=True)
            try:
                status = child.wait(plan.seconds)
            except subprocess.TimeoutExpired:
                status = self.end(child)
            except BaseException:
                self.end(child)
                raise
        with open(output, errors="replace") as log:
            text = log.read()
        self.report(plan, status, time.monotonic() - started, text, output)

    def end(self, child):
        """A scenario that takes too long: first asked (it ends its programs), then killed with all that it started."""
        child.send_signal(signal.SIGINT)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        return "timeout"

    def report(self, plan, status, seconds, text, output):
        notes = [line[6:] for line in text.splitlines() if line.startswith("note: ")]
        word = {0: "pass", scenario.SKIPPED: "skip"}.get(status, "fail")
        with self.lock:
            self.results.append((word, plan.name))
            why = ""
            if word == "skip":
                why = next((line[6:] for line in text.splitlines() if line.startswith("skip: ")), "")
            print(f"  {'FAIL' if word == 'fail' else word} {plan.name:38} {seconds:5.1f} s  {why or plan.says}", flush=True)
            for note in notes:
                print(f"         {note}")
            if word == "fail":
                if status == "timeout":
                    print(f"    | not done within {plan.seconds} s")
                print("\n".join("    | " + line for line in process.tail(text, 30).splitlines()))
                print(f"    logs: {os.path.dirname(output)}   again: tests/run {self.args.part} {plan.name}", flush=True)
            if self.args.results:
                with open(self.args.results, "a") as f:
                    f.write(f"{word} {self.args.part} {plan.name}{f' ({why})' if why else ''}\n")

    def many(self, plans, width):
        todo = list(plans)

        def work():
            while True:
                with self.lock:
                    if not todo:
                        return
                    plan = todo.pop(0)
                try:
                    self.run(plan)
                except Exception as error:
                    self.report(plan, 1, 0, f"the runner: {error!r}", os.path.join(self.args.logs, plan.name, "-"))

        threads = [threading.Thread(target=work, daemon=True) for _ in range(width)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def main():
    options = argparse.ArgumentParser(prog="tests/run scenario", description=__doc__)
    options.add_argument("--bin", default="build/dev", help="programs with sanitizers")
    options.add_argument("--release", default="build/release", help="programs for scenarios that measure")
    options.add_argument("--logs", default="build/test-logs/scenario")
    options.add_argument("--results", help="a file to which results are added, a line each")
    options.add_argument("--width", type=int, default=(os.cpu_count() or 1) + 1, help="how many at a time (one more than cores: "
                         "most of them wait)")
    options.add_argument("--part", default="scenario", help="what results are counted under")
    options.add_argument("--netns", action="store_true", help="each in a network namespace of its own")
    options.add_argument("--list", action="store_true")
    options.add_argument("names", nargs="*")
    args = options.parse_args()
    known = all_names()
    if args.list:
        for name in known:
            print(f"{name:38} {Plan(name).says}")
        return 0
    unknown = [n for n in args.names if n not in known]
    if unknown:
        print(f"no scenario {', '.join(unknown)}; see tests/run --list scenario", file=sys.stderr)
        return 2
    plans = [Plan(n) for n in args.names or known]
    args.logs = os.path.abspath(args.logs)
    os.makedirs(args.logs, exist_ok=True)
    runner = Runner(args)
    with tempfile.TemporaryDirectory(prefix="weirlock-identity-") as shared:
        made = os.path.join(shared, "identity")
        scenario.make_identity(made)
        os.environ["WEIRLOCK_TEST_IDENTITY"] = made
        # those that may take long first, so that none is left for the end
        runner.many(sorted((p for p in plans if not p.is_alone), key=lambda p: -p.seconds), args.width)
        runner.many([p for p in plans if p.is_alone], 1)
    machine.sweep()  # of a case that was killed
    failed = [name for word, name in runner.results if word == "fail"]
    passed = sum(word == "pass" for word, _ in runner.results)
    print(f"  {passed} of {len(plans)} scenarios passed")
    return 1 if failed or not plans else 0


if __name__ == "__main__":
    sys.exit(main())
