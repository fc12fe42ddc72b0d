"""Many calls to the API server at once, on connections that are kept: for clusters that are large, and changes that come fast."""
import http.client
import json
import ssl
import threading
import time

from . import wait


class Load:
    def __init__(self, api, connections=8):
        self.api, self.n = api, connections
        self.context = ssl.create_default_context(cafile=api._file("ca.crt"))
        self.context.load_cert_chain(api._file("admin.crt"), api._file("admin.key"))

    def run(self, calls, per_second=None):
        """Makes all `calls`, each (method, path, body or None, content type), as fast as it can or so many a second, and says how
        many seconds that took. The first answer that is no success is raised."""
        self._calls, self._lock, self._error = iter(calls), threading.Lock(), None
        self._began, self._n_begun, self._per_second = time.monotonic(), 0, per_second
        workers = [threading.Thread(target=self._work, daemon=True) for _ in range(self.n)]
        for w in workers:
            w.start()
        for w in workers:
            w.join()
        if self._error:
            raise self._error
        return time.monotonic() - self._began

    def _next(self):
        with self._lock:
            call = None if self._error else next(self._calls, None)
            self._n_begun += 1
            due = self._began + self._n_begun / self._per_second if self._per_second else 0
        if due > time.monotonic():
            wait.pause(due - time.monotonic())
        return call

    def _work(self):
        connection = http.client.HTTPSConnection("127.0.0.1", self.api.port, context=self.context, timeout=120)
        try:
            while (call := self._next()) is not None:
                method, path, body, kind = call
                connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": kind})
                response = connection.getresponse()
                text = response.read()
                if response.status >= 300:
                    raise AssertionError(f"{method} {path}: {response.status} {text[:600]!r}")
        except Exception as error:
            self._error = self._error or error
        finally:
            connection.close()

    # ------------------------------------------------------------------------------------------------- what to call

    def create(self, objects):
        return self.run(self._create(o) for o in objects)

    def _create(self, o):
        meta = {k: v for k, v in o["metadata"].items() if k not in ("uid", "creationTimestamp")}
        spec = {k: v for k, v in o.get("spec", {}).items() if (k, v) != ("clusterIP", "10.96.0.1")}
        made = {**o, "metadata": meta, **({"spec": spec} if "spec" in o else {})}
        return "POST", self.api.path(o["kind"], meta.get("namespace")), made, "application/json"

    def patch_call(self, o, change):
        return "PATCH", self.api.path_of(o), change, "application/merge-patch+json"

    def delete_all(self, kind, namespace):
        """One call for all of a kind in a namespace, as `kubectl delete --all` never makes: the API server does the rest."""
        return self.run([("DELETE", self.api.path(kind, namespace), None, "application/json")])
