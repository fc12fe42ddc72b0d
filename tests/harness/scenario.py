"""What a scenario is given, and running one: a process of its own, a directory of its own, everything ended at its end.

A scenario is a file with a docstring (its first line says what it proves and names the rule) and `def run(t)`. It may set
SECONDS (its limit, 60), BUILD ("release" instead of "dev") and ALONE (nothing runs beside it).
"""
import argparse
import importlib.util
import os
import sys
import time
import traceback

from . import backend, certificates, cluster, process

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FOLDER = os.path.join(ROOT, "tests", os.environ.get("WEIRLOCK_TEST_FOLDER", "scenario"))
SKIPPED = 77


class Skip(Exception):
    """Raised with a reason by a scenario that cannot run here."""


class Scenario:
    def __init__(self, directory, programs):
        self.directory, self.programs = directory, programs
        self._owned, self._texts, self._keys = [], [], []

    # making things; all of them are closed at the end, whatever happens

    def own(self, thing):
        self._owned.append(thing)
        return thing

    def keep(self, done):
        """Output of a command, looked through for keys and for reports of sanitizers."""
        found = process.SANITIZER.search(done.stderr)
        if found:
            raise AssertionError(f"{' '.join(done.args)}: {done.stderr[found.start():][:3000]}")
        self._texts.append(done.stdout + done.stderr)
        return done

    def program(self, name):
        return os.path.join(self.programs, name)

    def identity(self, who):
        """The directory with the channel identity of controller, proxy or operator."""
        made = os.environ.get("WEIRLOCK_TEST_IDENTITY") or os.path.join(self.directory, "identity")
        if not os.path.isdir(made):
            make_identity(made)
        return os.path.join(made, who)

    def cluster(self):
        return cluster.Cluster(self)

    def kube_cluster(self, **rest):
        from . import kubernetes
        return kubernetes.KubeCluster(self, **rest)

    def backend(self, name="backend", handler=backend.echo, **rest):
        return self.own(backend.Backend(name, handler, **rest))

    def refusing(self):
        return self.own(backend.Refusing())

    def silent(self):
        return self.own(backend.Silent())

    def certificate(self, *names, **rest):
        made = certificates.Certificate(self.directory, *names, **rest)
        self._keys.append(made)
        return made

    def authority(self, name="authority", by=None):
        """A CA for certificates of clients and backends; what it issues is looked for in logs as well."""
        made = certificates.Authority(self.directory, name, by)
        issue = made.issue

        def kept(*words, **rest):
            certificate = issue(*words, **rest)
            self._keys.append(certificate)
            return certificate

        made.issue = kept
        return made

    def skip(self, why):
        raise Skip(why)

    # checking

    def equal(self, got, expected, what=""):
        if got != expected:
            raise AssertionError(f"{what + ': ' if what else ''}got {got!r}, expected {expected!r}")

    def check(self, true, what):
        if not true:
            raise AssertionError(what)

    def contains(self, text, *parts):
        for part in parts:
            if part not in text:
                raise AssertionError(f"{part!r} is not in {text[:3000]!r}")

    def times(self, few, many):
        """How often something is repeated: few in the test command, many with WEIRLOCK_LONG=1 in the environment."""
        return many if os.environ.get("WEIRLOCK_LONG") == "1" else few

    def say(self, text):
        """A figure or a note for the runner's line."""
        print("note: " + text, flush=True)

    # the end

    def close(self):
        complaints = []
        for thing in reversed(self._owned):
            complaints += thing.close() or []
        return complaints + self._leaked_keys()

    def _leaked_keys(self):
        """No key byte in any log or any output of weirctl (SECURITY.md)."""
        texts = list(self._texts)
        for thing in self._owned:
            if isinstance(thing, process.Process):
                texts += [thing.out(), thing.err()]
        return [f"a private key of {c.names[0]} shows in a log or an answer" for c in self._keys
                if any(c.key_bytes() in text for text in texts)]


def make_identity(directory):
    done = process.run([os.path.join(ROOT, "deploy", "identity"), "--pool", "edge", "--pool", "moon", directory], 60)
    if done.returncode:
        raise RuntimeError("deploy/identity failed:\n" + done.stdout + done.stderr)


def load(name):
    spec = importlib.util.spec_from_file_location("scenario_" + name, os.path.join(FOLDER, name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    options = argparse.ArgumentParser(description="Runs one scenario in this process.")
    options.add_argument("--directory", required=True, help="an empty directory for its files")
    options.add_argument("--programs", required=True, help="where the programs are")
    options.add_argument("name")
    args = options.parse_args()
    t = Scenario(args.directory, args.programs)
    status, started = 0, time.monotonic()
    try:
        load(args.name).run(t)
    except Skip as why:
        print(f"skip: {why}")
        status = SKIPPED
    except BaseException:  # also KeyboardInterrupt: the programs must end
        traceback.print_exc(file=sys.stdout)
        status = 1
    for complaint in t.close():
        print("complaint: " + complaint)
        status = 1
    print(f"took {time.monotonic() - started:.1f} s")
    sys.stdout.flush()
    os._exit(status)  # backend threads may still wait for a peer


if __name__ == "__main__":
    main()
