"""List and watch as an API server answers them, for objects in memory: what a benchmark changes, it sends itself, and knows when."""
import asyncio
import json
import threading
import time
import urllib.parse

PLURALS = {"Ingress": "ingresses", "IngressClass": "ingressclasses", "Service": "services", "EndpointSlice": "endpointslices",
           "Secret": "secrets", "ConfigMap": "configmaps", "Namespace": "namespaces"}


class _Connection(asyncio.Protocol):
    def __init__(self, server):
        self.server, self.data = server, b""
        self.transport = self.want = None

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, _error):
        self.server.watching.pop(self, None)

    def data_received(self, data):
        self.data += data
        while b"\r\n\r\n" in self.data:
            head, self.data = self.data.split(b"\r\n\r\n", 1)
            self.server.answer(self, head.split(b" ", 2)[1].decode())

    def send(self, body):
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def begin(self):
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")

    def event(self, line):
        self.transport.write(b"%x\r\n%s\r\n" % (len(line), line))


class ListWatch:
    """`put` and `drop` from any thread; what they return is when the event went out, in seconds of the monotonic clock."""

    def __init__(self, objects):
        self.version = 1
        self.kinds = {plural: {} for plural in PLURALS.values()}
        self.watching = {}
        for o in objects:
            self._keep(o)
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(self.loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=4096))
        self.port = self.server.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.server.close()

    def kubeconfig(self, path):
        with open(path, "w") as f:
            json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "c",
                       "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
                       "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                       "users": [{"name": "u", "user": {"token": "none"}}]}, f)
        return path

    def _keep(self, o):
        self.version += 1
        o["metadata"]["resourceVersion"] = str(self.version)
        meta = o["metadata"]
        text = json.dumps(o).encode()
        self.kinds[PLURALS[o["kind"]]][meta.get("namespace", ""), meta["name"]] = text
        return text

    # ------------------------------------------------------------------------------------------ in the loop's thread

    def answer(self, connection, target):
        url = urllib.parse.urlsplit(target)
        query = dict(urllib.parse.parse_qsl(url.query))
        parts = url.path.strip("/").split("/")
        namespace = parts[parts.index("namespaces") + 1] if "namespaces" in parts[:-1] else None
        field = query.get("fieldSelector", "").removeprefix("metadata.name=")
        want = (parts[-1], namespace, field)
        if "watch" in query:
            self.watching[connection] = want
            connection.begin()
            return
        if field:
            found = [self.kinds[want[0]].get((namespace or "", field))]
        else:
            found = [text for (ns, _), text in self.kinds[want[0]].items() if namespace in (None, ns)]
        at, limit = int(query.get("continue", 0)), int(query.get("limit", 500))
        items = [text for text in found[at:at + limit] if text]
        go_on = str(at + limit) if at + limit < len(found) else ""
        connection.send(b'{"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"%d","continue":"%s"},"items":[%s]}' % (
            self.version, go_on.encode(), b",".join(items)))

    def _tell(self, kind, o, text):
        meta = o["metadata"]
        line = b'{"type":"%s","object":%s}\n' % (kind, text)
        for connection, (plural, namespace, field) in self.watching.items():
            if plural == PLURALS[o["kind"]] and namespace in (None, meta.get("namespace", "")) and field in ("", meta["name"]):
                connection.event(line)

    def _change(self, kind, o):
        text = self._keep(o)
        if kind == b"DELETED":
            meta = o["metadata"]
            del self.kinds[PLURALS[o["kind"]]][meta.get("namespace", ""), meta["name"]]
        at = time.monotonic()
        self._tell(kind, o, text)
        return at

    # -------------------------------------------------------------------------------------------- from other threads

    async def _run(self, kind, o):
        return self._change(kind, o)

    def put(self, o):
        return asyncio.run_coroutine_threadsafe(self._run(b"MODIFIED", o), self.loop).result()

    def drop(self, o):
        return asyncio.run_coroutine_threadsafe(self._run(b"DELETED", o), self.loop).result()
