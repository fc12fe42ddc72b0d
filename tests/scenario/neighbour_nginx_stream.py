"""nginx's stream module in front with `proxy_protocol on`, plain and through TLS: the client comes through (A34)."""
import os

from harness import process, wait, wire

MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"
CONF = """load_module {module};
daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/error.log; events {{ worker_connections 256; }}
stream {{
  proxy_protocol on;
  server {{ listen 127.0.0.1:{plain}; proxy_pass 127.0.0.1:{http}; }}
  server {{ listen 127.0.0.1:{tls}; proxy_pass 127.0.0.1:{https}; }}
  server {{ listen 127.0.0.1:{ends}; proxy_pass 127.0.0.1:{https}; proxy_ssl on; proxy_ssl_server_name on; proxy_ssl_name a.test; }}
}}
"""


def run(t):
    if not os.path.exists(MODULE):
        t.skip("nginx's stream module is not installed (deploy/packages test)")
    c = t.cluster()
    b = t.backend()
    c.config(use_proxy_protocol="true", proxy_real_ip_cidr="127.0.0.1", ssl_redirect="false")
    c.route("a.test", b).start()
    folder = os.path.join(t.directory, "nginx")
    os.makedirs(folder)
    ports = {name: wait.free_port() for name in ("plain", "tls", "ends")}
    with open(os.path.join(folder, "nginx.conf"), "w") as f:
        f.write(CONF.format(module=MODULE, dir=folder, http=c.http()[1], https=c.https()[1], **ports))
    t.own(process.Process("nginx", ["nginx", "-e", folder + "/early.log", "-p", folder, "-c", folder + "/nginx.conf"], t.directory))
    wait.until(lambda: wire.Client(("127.0.0.1", ports["plain"])).get().status == 200, "nginx forwards")
    for name, tls, scheme in (("plain", None, "http"), ("tls", "a.test", "https"), ("ends", None, "https")):
        with wire.Client(("127.0.0.1", ports[name]), tls=tls, source="127.0.0.44") as one:
            for _ in range(3):
                t.equal(one.get().status, 200)
                t.equal((b.last.get("x-real-ip"), b.last.get("x-forwarded-port"), b.last.get("x-forwarded-proto")),
                        ("127.0.0.44", str(ports[name]), scheme), name)
    t.equal(c.metric('weirlock_proxy_headers_total{result="v1"}'), 4)
