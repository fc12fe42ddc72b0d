"""Controllers, proxies and the manifests between them, as one scenario has them."""
import itertools
import json
import os
import shutil

from . import manifests, process, wait, wire


class Cluster:
    def __init__(self, scenario):
        self.scenario, self.directory = scenario, scenario.directory
        self.manifests = os.path.join(self.directory, "manifests")
        os.mkdir(self.manifests)
        os.mkdir(os.path.join(self.directory, "controller.state"))
        self.controllers, self.proxies = [], []
        self._markers = itertools.count(1)
        self._times = itertools.count(1)
        self.apply(manifests.ingress_class(), manifests.configmap(), manifests.service("marker", "harness"),
                   manifests.slice_of("marker", ("127.0.0.1", 9), "harness"))

    # ------------------------------------------------------------------------------------------------- manifests

    def _file(self, o):
        meta = o["metadata"]
        return os.path.join(self.manifests, f"{o['kind']}-{meta.get('namespace', '')}-{meta['name']}.json".lower())

    def apply(self, *objects):
        """Writes each object to a file of its own, atomically."""
        for o in objects:
            self.write(os.path.basename(self._file(o)), json.dumps(o, indent=1))
        return self

    def delete(self, *objects):
        for o in objects:
            os.unlink(self._file(o))
        return self

    def write(self, name, text):
        """A file as it is: renamed into place, so that nobody sees half of it. Its path."""
        target = os.path.join(self.manifests, name)
        temporary = os.path.join(self.directory, ".new-" + name)
        with open(temporary, "w") as f:
            f.write(text)
        os.rename(temporary, target)
        return target

    def remove(self, name):
        os.unlink(os.path.join(self.manifests, name))

    def config(self, **data):
        """The controller's ConfigMap holds exactly these keys from now on."""
        return self.apply(manifests.configmap(**data))

    def expose(self, name, *backends, namespace="default"):
        """A Service with one EndpointSlice per backend."""
        self.apply(manifests.service(name, namespace))
        return self.endpoints(name, *backends, namespace=namespace)

    def endpoints(self, name, *backends, namespace="default"):
        """The Service has exactly these backends from now on. New ones are written before old ones go."""
        for number, backend in enumerate(backends):
            self.apply(manifests.slice_of(name, backend.address, namespace, number))
        for number in itertools.count(len(backends)):
            gone = manifests.slice_of(name, ("127.0.0.1", 1), namespace, number)
            if not os.path.exists(self._file(gone)):
                return self
            self.delete(gone)

    def route(self, host, *backends, paths="/", name=None, **ingress):
        """The usual beginning: a Service with these backends and an Ingress for the host."""
        name = name or host.replace("*", "star").split(".")[0]
        return self.expose(name, *backends).apply(manifests.ingress(name, host, paths, name, **ingress))

    # ------------------------------------------------------------------------------------------------- programs

    def source_options(self):
        """Where the controller's objects come from."""
        return ["--manifests", self.manifests]

    def controller(self, name=None, listen=None, options=(), wait_ready=True, env=None):
        name = name or f"controller-{len(self.controllers) + 1}"
        listen = listen or f"tcp://127.0.0.1:{wait.free_port()}"
        p = process.Process(name, [self.scenario.program("weirlock-controller"), *self.source_options(), "--listen", listen, "--identity", self.scenario.identity("controller"),
                                   "--configmap", "ingress/controller", "--admin", "127.0.0.1:0", "--name", name,
                                   # shared: replicas must have the same default certificate to have the same id
                                   "--state-dir", os.path.join(self.directory, "controller.state"), *options], self.directory, env)
        p.listen = listen
        self.scenario.own(p)
        self.controllers.append(p)
        return p.wait_ready() if wait_ready else p

    def proxy(self, name=None, controllers=None, options=(), wait_ready=True, workers=2, identity=None, wrap=()):
        name = name or f"proxy-{len(self.proxies) + 1}"
        urls = controllers or [c.listen for c in self.controllers]
        state = os.path.join(self.directory, name + ".state")
        os.makedirs(state, exist_ok=True)
        inspect = f"tcp://127.0.0.1:{wait.free_port()}"
        argv = [*wrap, self.scenario.program("weirlock-proxy")]
        for url in urls:
            argv += ["--controller", url]
        argv += ["--identity", identity or self.scenario.identity("proxy"), "--name", name, "--http", "127.0.0.1:0",
                 "--https", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--inspect", inspect, "--state-dir", state,
                 "--workers", workers, *options]
        p = process.Process(name, argv, self.directory)
        p.inspect, p.state = inspect, state
        self.scenario.own(p)
        self.proxies.append(p)
        return p.wait_ready() if wait_ready else p

    def start(self, proxies=1, workers=2):
        """A controller and proxies, all ready."""
        self.controller()
        started = [self.proxy(wait_ready=False, workers=workers) for _ in range(proxies)]
        for p in started:
            p.wait_ready()
        return self

    def restart(self, old, options=(), kill=False):
        """The same controller again on the same address."""
        old.kill() if kill else old.stop()
        self.controllers.remove(old)
        return self.controller(f"{old.name}-again-{next(self._times)}", old.listen, options)

    # -------------------------------------------------------------------------------------------------- traffic

    def http(self, proxy=0):
        return wire.split(self.proxies[proxy].ready["http"])

    def https(self, proxy=0):
        return wire.split(self.proxies[proxy].ready["https"])

    def admin(self, path, of=None):
        """A response of the admin port of a program (default: the first proxy)."""
        address = wire.split((of or self.proxies[0]).ready["admin"])
        with wire.Client(address) as c:
            return c.get(path, host="admin")

    def client(self, proxy=0, tls=None, **rest):
        return self.scenario.own(wire.Client(self.http(proxy) if tls is None else self.https(proxy), tls=tls, **rest))

    def get(self, host, target="/", proxy=0, tls=None, first=b"", source=None, **rest):
        """One request on a connection of its own."""
        with wire.Client(self.http(proxy) if tls is None else self.https(proxy), tls=tls, first=first, source=source) as c:
            return c.get(target, host, **rest)

    # -------------------------------------------------------------------------------------------------- waiting

    def until_serves(self, host, target="/", want=200, seconds=wait.SECONDS, tls=None, **rest):
        """Until every running proxy answers so; `want` is a status or a condition on the response. The last response."""
        good = want if callable(want) else lambda r: r.status == want
        response = None
        for number, p in enumerate(self.proxies):
            if p.is_running:
                def look():
                    nonlocal response
                    response = self.get(host, target, number, tls, **rest)
                    return good(response)
                wait.until(look, f"{p.name} answers {host}{target} as wanted", seconds)
        return response

    def metric(self, series, proxy=0):
        """The value of one series, with its labels as they are written."""
        for line in self.admin("/metrics", self.proxies[proxy]).text.splitlines():
            if line.startswith(series + " "):
                return float(line.split()[-1])
        raise AssertionError(f"no series {series}")

    def settle(self, seconds=wait.SECONDS, **rest):
        """Until every proxy serves what the manifests say now: a marker written after all else is seen by all of them."""
        number = next(self._markers)
        host = f"marker-{number}.test"
        marker = manifests.ingress("marker", host, "/", "marker", annotations={"force-ssl-redirect": "true"},
                                   namespace="harness")
        self.apply(marker)
        self.until_serves(host, want=lambda r: r.status in (301, 302, 307, 308), seconds=seconds, **rest)
        return self

    # -------------------------------------------------------------------------------------------------- weirctl

    def weirctl(self, *words, of=None, status=0, seconds=20):
        """Runs it against a program (default: the first controller; "" for none) and checks its exit status."""
        argv = [self.scenario.program("weirctl"), "--identity", self.scenario.identity("operator")]
        if of is None:
            of = self.controllers[0]
        if of:
            argv += ["--proxy", of.inspect] if of in self.proxies else ["--controller", of.listen]
        done = process.run([*argv, *words], seconds)
        self.scenario.keep(done)
        if status is not None and done.returncode != status:
            raise AssertionError(f"weirctl {' '.join(map(str, words))}: status {done.returncode}, expected {status}\n"
                                 f"{done.stdout[:2000]}{done.stderr[:4000]}")
        return done

    def inspect(self, *words, **rest):
        """The JSON that weirctl prints."""
        return json.loads(self.weirctl(*words, "-o", "json", **rest).stdout)

    def proxy_rows(self):
        """What the first controller says of each proxy."""
        return [row for row in self.inspect("status") if row["role"] == "proxy"]

    def problems(self):
        return self.inspect("problems", status=None)

    def access_log(self, proxy=0):
        """The access records so far: lines of stdout that are not the ready line."""
        return [line for line in self.proxies[proxy].out().splitlines() if not line.startswith("ready ")]

    def wait_access(self, contains, proxy=0):
        """The first record with this text."""
        return wait.until(lambda: next((line for line in self.access_log(proxy) if contains in line), None),
                          f"an access record with {contains!r}")

    def copy_manifests(self, to):
        return shutil.copytree(self.manifests, os.path.join(self.directory, to))
