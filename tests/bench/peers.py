"""The programs of one measurement: the backend, nginx as proxy, Weirlock; with the same routes and the same work."""
import json
import os
import subprocess

from harness import manifests, wait, wire

from . import machine

HOST, LOGGED_HOST = "plain.bench.test", "logged.bench.test"
BODIES = {"/1k": 1024, "/16k": 16 * 1024, "/100k": 100 * 1024, "/1m": 1024 * 1024, "/10m": 10 * 1024 * 1024}
REQUESTS = 1000000  # of one connection; else closing every thousandth would be part of it

# The same fields in the same order from both.
LOG_JSON = ('{"time":"$time_local","client":"$remote_addr","request":"$request","status":"$status",'
            '"bytes":"$body_bytes_sent","seconds":"$request_time","upstream":"$upstream_addr",'
            '"upstream_status":"$upstream_status","agent":"$http_user_agent","id":"$%s"}')

_COMMON = """daemon off; master_process off; worker_processes 1; pid {directory}/{name}.pid; error_log {directory}/{name}.log warn;
events {{ worker_connections 8192; }}
http {{
    client_body_temp_path {directory}/{name}.body; proxy_temp_path {directory}/{name}.proxy;
    fastcgi_temp_path {directory}/{name}.fcgi; uwsgi_temp_path {directory}/{name}.uwsgi; scgi_temp_path {directory}/{name}.scgi;
    access_log off; tcp_nodelay on; sendfile on; default_type text/plain; server_tokens off;
    keepalive_requests {requests}; keepalive_timeout 75s;
"""

_BACKEND = _COMMON + """
    open_file_cache max=16 inactive=1h; open_file_cache_valid 1h; tcp_nopush on;
    server {{
        listen 127.0.0.1:{port} backlog=4096; root {directory}/www;
        location = /1k {{ return 200 "{small}"; }} # head and body in one segment
        location = /who {{ return 200 $http_x_real_ip; }}
    }}
}}
"""

# What ingress-nginx asks of nginx for such an Ingress, less its Lua, with the buffers that serve nginx best: ingress-nginx's
# own (buffering off, 4k) cost it several times as much for large bodies, and so do temporary files.
_PROXY = _COMMON + """
    log_format json escape=json '{log}';
    upstream backend {{
        server 127.0.0.1:{backend}; keepalive 320; keepalive_requests {requests}; keepalive_timeout 60s;
    }}
    map $http_x_request_id $req_id {{ default $http_x_request_id; "" $request_id; }}
    ssl_certificate {directory}/tls.crt; ssl_certificate_key {directory}/tls.key; ssl_protocols TLSv1.2 TLSv1.3;
    ssl_buffer_size 4k; ssl_session_cache shared:SSL:10m; ssl_session_tickets off; ssl_early_data off;
    proxy_buffer_size 16k; proxy_buffers 16 16k; proxy_busy_buffers_size 64k; proxy_max_temp_file_size 0;
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
    proxy_set_header X-Request-ID $req_id; proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header X-Forwarded-Port $server_port; proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Scheme $scheme; proxy_set_header X-Scheme $scheme;
    {trust}
    server {{
        listen 127.0.0.1:{http} default_server backlog=4096 {listen};
        listen 127.0.0.1:{https} ssl http2 default_server backlog=4096;
        server_name _; return 404;
    }}
    server {{
        listen 127.0.0.1:{http}; listen 127.0.0.1:{https} ssl http2;
        server_name {host}; location / {{ proxy_pass http://backend; }}
    }}
    server {{
        listen 127.0.0.1:{http}; listen 127.0.0.1:{https} ssl http2;
        server_name {logged}; access_log {directory}/nginx.access json; location / {{ proxy_pass http://backend; }}
    }}
}}
"""


# The same for tunnels, with the small buffers that ingress-nginx sets.
_SOCKETS = _COMMON.replace("worker_connections 8192", "worker_connections 65536") + """
    ssl_certificate {directory}/tls.crt; ssl_certificate_key {directory}/tls.key; ssl_protocols TLSv1.2 TLSv1.3;
    ssl_buffer_size 4k; ssl_session_cache shared:SSL:10m; ssl_session_tickets off;
    client_header_buffer_size 1k; large_client_header_buffers 4 8k;
    map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
    server {{
        listen 127.0.0.1:{http} backlog=4096; listen 127.0.0.1:{https} ssl backlog=4096; server_name {host};
        location / {{
            proxy_pass http://127.0.0.1:{backend}; proxy_http_version 1.1; proxy_buffering off; proxy_buffer_size 4k;
            proxy_buffers 4 4k; proxy_read_timeout 3600s; proxy_send_timeout 3600s;
            proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
            proxy_set_header Host $http_host; proxy_set_header X-Request-ID $request_id; proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Host $http_host;
            proxy_set_header X-Forwarded-Port $server_port; proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Scheme $scheme; proxy_set_header X-Scheme $scheme;
        }}
    }}
}}
"""


# The same for a crowd that stays.
_IDLE = _PROXY.replace("worker_connections 8192", "worker_connections {connections}").replace("keepalive_timeout 75s", "keepalive_timeout 1h")


def _nginx(name, template, directory, core, **values):
    path = os.path.join(directory, name + ".conf")
    with open(path, "w") as f:
        f.write(template.format(name=name, directory=directory, requests=REQUESTS, **values))
    return machine.start(name, ["nginx", "-p", directory, "-e", os.path.join(directory, name + ".log"), "-c", path], directory, core)


def wait_answers(port, host="backend", target="/1k", want=200, seconds=30, first=b""):
    def look():
        with wire.Client(("127.0.0.1", port), first=first) as c:
            return c.get(target, host).status == want

    wait.until(look, f"port {port} answers {want}", seconds)


def backend(directory):
    www = os.path.join(directory, "www")
    os.makedirs(www, exist_ok=True)
    for path, size in BODIES.items():
        with open(www + path, "w") as f:
            f.write("x" * size)
    (port,) = machine.free_ports(1)
    p = _nginx("backend", _BACKEND, directory, machine.LOAD_CORE, port=port, small="x" * BODIES["/1k"])
    p.port = port
    wait_answers(port)
    return p


def certificate(directory):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=bench.test", "-addext", f"subjectAltName=DNS:{HOST},DNS:{LOGGED_HOST}",
                    "-keyout", f"{directory}/tls.key", "-out", f"{directory}/tls.crt"], check=True, capture_output=True)


def nginx(directory, backend_port, trust="", listen="", first=b"", connections=0):
    """`trust` is what it says of real addresses, for all hosts; `listen` more of its plain listener, which then gets `first`. With
    `connections` it has that many and keeps idle ones for an hour."""
    http, https = machine.free_ports(2)
    p = _nginx("nginx", _IDLE if connections else _PROXY, directory, machine.PROXY_CORE, backend=backend_port, http=http, https=https,
               host=HOST, logged=LOGGED_HOST, log=LOG_JSON % "req_id", trust=trust, listen=listen, connections=connections)
    p.http, p.https = http, https
    wait_answers(http, HOST, first=first)
    return p


def nginx_websockets(directory, backend_port):
    http, https = machine.free_ports(2)
    p = _nginx("nginx", _SOCKETS, directory, machine.PROXY_CORE, backend=backend_port, http=http, https=https, host=HOST)
    p.http, p.https = http, https
    wait.until(lambda: wire.Client(("127.0.0.1", http)).close() is None, "nginx listens")
    return p


def write(directory, *objects, name=None):
    """One file for these objects, renamed into place."""
    first = objects[0]
    target = os.path.join(directory, name or f"{first['kind']}-{first['metadata']['name']}.json".lower())
    temporary = os.path.join(os.path.dirname(directory), ".new-" + os.path.basename(target))
    made = objects[0] if len(objects) == 1 else {"apiVersion": "v1", "kind": "List", "items": objects}
    with open(temporary, "w") as f:
        json.dump(made, f)
    os.rename(temporary, target)
    return target


def controller(programs, directory, path, core=None):
    p = machine.start("controller", [os.path.join(programs, "weirlock-controller"), "--manifests", path, "--configmap",
                                     "ingress/controller", "--listen", f"ipc://{directory}/channel", "--insecure", "--admin",
                                     "127.0.0.1:0", "--state-dir", directory], directory, core)
    return p


def proxy(programs, directory, name="weirlock", core=None, options=()):
    state = os.path.join(directory, name + ".state")
    os.makedirs(state, exist_ok=True)
    return machine.start(name, [os.path.join(programs, "weirlock-proxy"), "--controller", f"ipc://{directory}/channel",
                                "--insecure", "--name", name, "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--admin",
                                "127.0.0.1:0", "--state-dir", state, "--workers", "1", *options], directory, core)


def configure(directory, **more):
    """The ConfigMap of Weirlock, written anew."""
    write(os.path.join(directory, "manifests"), manifests.configmap(
        keep_alive_requests=REQUESTS, upstream_keepalive_requests=REQUESTS, server_tokens="false",
        log_format_escape_json="true", log_format_upstream=LOG_JSON % "req_id", **more))


def weirlock(programs, directory, backend_port, settings=None, **annotations):
    """The controller (on the load's core) and a proxy; a list of both, proxy last. `settings` are more keys of the ConfigMap."""
    path = os.path.join(directory, "manifests")
    os.makedirs(path)
    with open(f"{directory}/tls.crt") as crt, open(f"{directory}/tls.key") as key:
        write(path, manifests.secret_text("tls", crt.read(), key.read()))
    write(path, manifests.ingress_class())
    configure(directory, **(settings or {}))
    write(path, manifests.service("app"))
    write(path, manifests.slice_of("app", ("127.0.0.1", backend_port)))
    for host, is_logged in ((HOST, "false"), (LOGGED_HOST, "true")):
        write(path, manifests.ingress(host.split(".")[0], host, "/", "app", tls={"tls": [host]},
                                      annotations={"ssl-redirect": "false", "enable-access-log": is_logged, **annotations}))
    c = controller(programs, directory, path, machine.LOAD_CORE)
    p = proxy(programs, directory, core=machine.PROXY_CORE)
    p.wait_ready(60)
    p.http, p.https = (wire.split(p.ready[k])[1] for k in ("http", "https"))
    return [c, p]


def pair(programs, directory, started):
    """A backend, nginx and Weirlock, put into `started` as they come up; the two proxies by name."""
    os.makedirs(directory)
    started.append(backend(directory))
    certificate(directory)
    started.append(nginx(directory, started[0].port))
    front = started[-1]
    started += weirlock(programs, directory, started[0].port)
    return {"nginx": front, "weirlock": started[-1]}
