"""nginx and HAProxy as backends that want a PROXY header, plain and behind TLS, and answer with what it said."""
import os

from . import haproxy, process, wait, wire

NGINX = """daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/error.log; events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
  uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
  server {{ listen 127.0.0.1:{plain} proxy_protocol; listen 127.0.0.1:{tls} ssl proxy_protocol;
    ssl_certificate {dir}/server.pem; ssl_certificate_key {dir}/server.pem;
    location / {{ return 200 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port"; }} }}
}}
"""
HAPROXY = """defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend all
  bind 127.0.0.1:{plain} accept-proxy
  bind 127.0.0.1:{tls} accept-proxy ssl crt {dir}/server.pem
  http-request return status 200 content-type text/plain lf-string "%ci %cp %[dst] %[dst_port]"
"""


class Receiver:
    def __init__(self, t, name, conf, argv):
        self.name, self.ports = name, {"plain": wait.free_port(), "tls": wait.free_port()}
        folder = os.path.join(t.directory, name)
        os.makedirs(folder)
        made = t.certificate(name + ".test")
        with open(os.path.join(folder, "server.pem"), "w") as f:
            f.write(made.cert + made.key)
        with open(os.path.join(folder, "conf"), "w") as f:
            f.write(conf.format(dir=folder, **self.ports))
        p = t.own(process.Process(name, [word.format(dir=folder) for word in argv], t.directory))
        p.expected_status = None
        wait.until(lambda: wire.Client(("127.0.0.1", self.ports["plain"]), first=b"PROXY UNKNOWN\r\n").get().status == 200,
                   name + " answers")

    def at(self, kind):
        return type("Address", (), {"address": ("127.0.0.1", self.ports[kind])})


def start(t):
    """Both of them."""
    return [Receiver(t, "nginx", NGINX, ["nginx", "-e", "{dir}/early.log", "-p", "{dir}", "-c", "{dir}/conf"]),
            Receiver(t, "haproxy", HAPROXY, [haproxy.PATH, "-db", "-f", "{dir}/conf"])]
