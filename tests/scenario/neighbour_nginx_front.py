"""nginx in front, as a load balancer is: keep-alive to us, X-Forwarded-For believed when configured (SEMANTICS A5, A20)."""
import os

from harness import process, wait, wire

CONF = """daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/error.log; events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
  uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
  upstream weirlock {{ server 127.0.0.1:{to}; keepalive 8; }}
  server {{ listen 127.0.0.1:{port};
    location / {{ proxy_pass http://weirlock; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For "203.0.113.7"; proxy_set_header X-Forwarded-Proto https; }} }}
}}
"""


def run(t):
    c = t.cluster()
    b = t.backend()
    c.route("a.test", b).start()
    address = ("127.0.0.1", wait.free_port())
    folder = os.path.join(t.directory, "nginx")
    os.makedirs(folder)
    with open(os.path.join(folder, "nginx.conf"), "w") as f:
        f.write(CONF.format(dir=folder, port=address[1], to=c.http()[1]))
    t.own(process.Process("nginx", ["nginx", "-e", folder + "/early.log", "-p", folder, "-c", folder + "/nginx.conf"], t.directory))
    wait.until(lambda: wire.Client(address).get("/").status == 200, "nginx answers")
    t.equal((b.last.get("x-real-ip"), b.last.get("x-forwarded-proto")), ("127.0.0.1", "http"), "not believed by default")
    c.config(use_forwarded_headers="true", proxy_real_ip_cidr="127.0.0.0/8").settle()
    with wire.Client(address) as client:
        for _ in range(20):
            t.equal(client.get("/").status, 200)
    t.equal((b.last.get("x-real-ip"), b.last.get("x-forwarded-for"), b.last.get("x-forwarded-proto")),
            ("203.0.113.7", "203.0.113.7", "https"))
