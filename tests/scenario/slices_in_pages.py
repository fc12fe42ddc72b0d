"""50,000 EndpointSlices come in pages from a scripted API server: the controller never holds the JSON of more than one of them."""
import http.server
import json
import re
import threading
import urllib.parse

SECONDS = 180
BUILD = "release"
COUNT, PAGE_MAX = 50000, 500
SPARE_KIB = 48 * 1024  # a page as text and as JSON values
MOST_KIB = 200 * 1024  # what is kept of all slices; their JSON values would take twice that


def slice_text(number):
    return TEMPLATE.replace("NUMBER", str(number))


def template():
    endpoints = [{"addresses": [f"10.1.2.{n + 1}"], "conditions": {"ready": True, "serving": True, "terminating": False},
                  "nodeName": f"node-{n}", "zone": "a", "targetRef": {"kind": "Pod", "namespace": "default", "name": f"app-NUMBER-{n}"}}
                 for n in range(3)]
    return json.dumps({"metadata": {"name": "app-NUMBER", "namespace": "default", "uid": "NUMBER", "resourceVersion": "7",
                                    "labels": {"kubernetes.io/service-name": "app-NUMBER"}},
                       "addressType": "IPv4", "endpoints": endpoints, "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]})


TEMPLATE = template()


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    limits, largest = set(), 0

    def do_GET(self):
        path, _, query = self.path.partition("?")
        query = dict(urllib.parse.parse_qsl(query))
        if query.get("watch"):
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.flush()
            self.rfile.read(1)  # until the client goes
            return
        items, go_on = [], ""
        if path.endswith("/endpointslices"):
            at, limit = int(query.get("continue", "0")), int(query["limit"])
            Api.limits.add(limit)
            items = [slice_text(n) for n in range(at, min(at + limit, COUNT))]
            go_on = str(at + limit) if at + limit < COUNT else ""
        meta = json.dumps({"resourceVersion": "7", "continue": go_on})
        body = f'{{"kind": "List", "apiVersion": "v1", "metadata": {meta}, "items": [{",".join(items)}]}}'.encode()
        Api.largest = max(Api.largest, len(body))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def close(self):
        self.shutdown()
        self.server_close()

    def handle_error(self, *_):
        pass  # a client that goes in the middle


def kib(p, what):
    with open(f"/proc/{p.pid}/status") as status:
        return int(re.search(rf"^{what}:\s+(\d+)", status.read(), re.M).group(1))


def run(t):
    server = t.own(Server(("127.0.0.1", 0), Api))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = f"{t.directory}/kubeconfig"
    with open(config, "w") as f:
        json.dump({"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                   "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
                   "users": [{"name": "u", "user": {"token": "t"}}]}, f)
    c = t.cluster()
    c.source_options = lambda: ["--kubeconfig", config, "--disable-leader-election"]
    controller = c.controller(wait_ready=False)
    controller.wait_ready(120)
    t.contains(c.admin("/metrics", controller).text, f'weirlock_controller_objects{{kind="EndpointSlice"}} {COUNT}\n')
    t.check(max(Api.limits) <= PAGE_MAX, Api.limits)
    most, now = kib(controller, "VmHWM"), kib(controller, "VmRSS")
    t.say(f"{COUNT} slices of {Api.largest * COUNT // PAGE_MAX // 1048576} MiB of JSON: {now // 1024} MiB held, {most // 1024} MiB at most")
    t.check(most < now + SPARE_KIB, f"{most} KiB at most, {now} KiB are held")
    t.check(most < MOST_KIB, f"{most} KiB at most")
