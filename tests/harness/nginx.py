"""nginx from Debian as a neighbour: `body` is what stands in http { }."""
import os
import socket

from . import process, wait

CONF = """daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/error.log; events {{ worker_connections 256; }}
http {{
  access_log off; default_type text/plain; client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
  uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
  {body}
}}
"""


class Nginx:
    """`{port}` in the body is its port."""

    def __init__(self, t, body, name="nginx"):
        self.name, self.address = name, ("127.0.0.1", wait.free_port())
        folder = os.path.join(t.directory, name)
        os.makedirs(folder)
        with open(os.path.join(folder, "nginx.conf"), "w") as f:
            f.write(CONF.format(dir=folder, body=body.replace("{port}", str(self.address[1]))))
        self.process = t.own(process.Process(name, ["nginx", "-e", folder + "/early.log", "-p", folder, "-c",
                                                    folder + "/nginx.conf"], t.directory))
        wait.until(lambda: socket.create_connection(self.address).close() is None, name + " listens")
