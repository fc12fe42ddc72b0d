"""The cluster of the benchmark of the channel: always the same, but for the certificates' keys."""
import datetime
import json

from harness import crowd, manifests, process

from . import machine
from .listwatch import ListWatch

ENDPOINTS = 5  # of a Service
CERTIFICATES = 5  # every fifth host has one of its own


def wall_ms(stamp):
    """Of a line of a log."""
    return datetime.datetime.fromisoformat(stamp + "+00:00").timestamp() * 1000


def _host(number):
    return f"host-{number}.scale.test"


class Cluster:
    def __init__(self, args, port):
        self.count = args.ingresses
        self.n_certificates = max(1, self.count // CERTIFICATES)
        self.port, self.dead_port = port, machine.free_ports(1)[0]
        self.flipped_host, self.steady_host, self.n_changes = _host(1), _host(0), 0

    def _slice(self, number, addresses, port):
        made = manifests.slice_of(f"app-{number}", ("", port))
        made["endpoints"] = [{"addresses": [a], "conditions": {"ready": True}} for a in addresses]
        return made

    def _objects(self, certificates):
        yield manifests.ingress_class()
        yield manifests.configmap(ssl_redirect="false")
        for n in range(self.count):
            addresses = [f"10.{n // 200}.{n % 200}.{i + 1}" for i in range(ENDPOINTS)]
            yield manifests.service(f"app-{n}")
            yield self._slice(n, addresses if n > 1 else ["127.0.0.1"], self.port)
            tls = {f"tls-{n}": [_host(n)]} if n < self.n_certificates else None
            yield manifests.ingress(f"app-{n}", _host(n), ["/", "/api"], f"app-{n}", tls=tls)
            if tls:
                yield manifests.secret_text(f"tls-{n}", certificates[n]["crt"], certificates[n]["key"])

    def serve(self, programs):
        made = process.run([crowd.program(programs, "certificates"), self.n_certificates], 120).stdout
        return ListWatch(self._objects([json.loads(line) for line in made.splitlines()]))

    def change(self):
        """One endpoint of five is another one than ever before."""
        self.n_changes += 1
        n = self.n_changes
        return self._slice(2, ["10.0.2.1", "10.0.2.2", "10.0.2.3", "10.0.2.4", f"10.{200 + n // 62500}.{n // 250 % 250}.{n % 250 + 1}"], self.port)

    def flip(self, is_good):
        """Of flipped_host: the backend, or an address where nobody listens."""
        return self._slice(1, ["127.0.0.1"], self.port if is_good else self.dead_port)
