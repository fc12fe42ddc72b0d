"""nginx as a real backend: files, ranges, HEAD, 304, gzip, chunked, a body of 8 MiB, keep-alive."""
import hashlib
import os

from harness import process, wait, wire

CONF = """daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/error.log; events {{ worker_connections 256; }}
http {{
  access_log off; default_type text/plain; client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
  uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
  server {{ listen 127.0.0.1:{port}; root {dir}/www;
    location /gzip/ {{ gzip on; gzip_min_length 1; gzip_types text/plain; alias {dir}/www/; }}
    location = /host {{ return 200 "$http_host $http_x_real_ip $connection_requests\\n"; }}
    location = /none {{ return 204; }}
    location = /moved {{ return 302 /host; }} }}
}}
"""


class Nginx:
    name = "nginx"

    def __init__(self, t):
        self.address = ("127.0.0.1", wait.free_port())
        folder = os.path.join(t.directory, "nginx")
        os.makedirs(os.path.join(folder, "www"))
        self.blob = os.urandom(8 * 1024 * 1024)
        for name, data in {"blob": self.blob, "text": b"hello world\n" * 2000}.items():
            with open(os.path.join(folder, "www", name), "wb") as f:
                f.write(data)
        with open(os.path.join(folder, "nginx.conf"), "w") as f:
            f.write(CONF.format(dir=folder, port=self.address[1]))
        self.process = t.own(process.Process("nginx", ["nginx", "-e", folder + "/early.log", "-p", folder, "-c",
                                                       folder + "/nginx.conf"], t.directory))
        wait.until(lambda: wire.Client(self.address).get("/host").status == 200, "nginx answers")


def run(t):
    c = t.cluster()
    nginx = Nginx(t)
    c.route("a.test", nginx).start(workers=1)
    with c.client() as client:
        t.equal(hashlib.sha256(client.get("/blob").body).digest(), hashlib.sha256(nginx.blob).digest())
        r = client.get("/blob", headers=["Range: bytes=100-199"])
        t.equal((r.status, r.body), (206, nginx.blob[100:200]))
        r = client.request("/blob", method="HEAD").response("HEAD")
        t.equal(r.get("content-length"), str(len(nginx.blob)))
        t.equal(client.get("/blob", headers=["If-None-Match: " + r.get("etag")]).status, 304)
        r = client.get("/gzip/text", headers=["Accept-Encoding: gzip"])
        t.equal((r.status, r.get("content-encoding"), r.get("transfer-encoding")), (200, "gzip", "chunked"))
        t.equal(client.get("/none").status, 204)
        t.equal(client.get("/moved").get("location").endswith("/host"), True)
        said = client.get("/host").text.split()
        t.equal(said[:2], ["a.test", "127.0.0.1"])
        t.check(int(said[2]) > 1, f"nginx saw request {said[2]} on its connection")
