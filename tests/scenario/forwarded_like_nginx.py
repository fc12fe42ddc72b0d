"""Beside a real nginx with the same trust list: the same chain gives the same client, whatever it holds (SEMANTICS A3, A5-A7)."""
import os
import random

from harness import process, wait, wire

CONF = """daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/error.log; events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
  uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
  real_ip_header {header}; real_ip_recursive on; {trusted}
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 "$remote_addr"; }} }}
}}
"""
ELEMENTS = ["1.2.3.4", "8.8.8.8", "10.0.0.5", "10.1.1.1", "127.0.0.9", "192.168.7.7", "2001:db8::1", "::1", "::ffff:10.2.2.2", "1.1.1.1:123",
            "[2001:db8::7]:5", "[2001:db8::7]", "unknown", "bad", "unix:", "999.1.1.1", "10.1.1.1:99999", "1.2.3", "-", "10.0.0.5:0"]
EXAMPLES = [["1.2.3.4, 10.0.0.5, 8.8.8.8, 10.1.1.1"], ["10.9.9.9, 10.1.1.1"], ["1.2.3.4, bad, 5.6.7.8"], ["2001:db8::1, 3.3.3.3"], [""],
            ["1.1.1.1,,"], ["1.1.1.1,, ,"], ["1.2.3.4", "9.9.9.9"], ["10.1.1.1", "1.2.3.4 10.0.0.5"], []]


def chains():
    """Lines of one request's field: the examples of the rules, then mixtures, the same ones each time."""
    rng = random.Random(4)
    yield from EXAMPLES
    for _ in range(150):
        yield [rng.choice([", ", ",", " "]).join(rng.choices(ELEMENTS, k=rng.randint(1, 4))) for _ in range(rng.randint(1, 2))]


def nginx(t, name, header, trusted):
    folder = os.path.join(t.directory, name)
    port = wait.free_port()
    os.makedirs(folder)
    with open(folder + "/nginx.conf", "w") as f:
        f.write(CONF.format(dir=folder, port=port, header=header, trusted=" ".join(f"set_real_ip_from {n};" for n in trusted)))
    t.own(process.Process(name, ["nginx", "-e", folder + "/early.log", "-p", folder, "-c", folder + "/nginx.conf"], t.directory))
    client = wait.until(lambda: wire.Client(("127.0.0.1", port)), "nginx listens")
    return t.own(client)


def compare(t, c, b, name, header, trusted):
    theirs = nginx(t, name, header, trusted)
    n = 0
    with c.client() as ours:
        for lines in chains():
            fields = [f"{header}: {line}" for line in lines]
            # what we write on purpose: an IPv4-mapped address is an IPv4 address
            expected = theirs.get("/", host="a.test", headers=fields).text.removeprefix("::ffff:")
            t.equal(ours.get("/", host="a.test", headers=fields).status, 200)
            t.equal(b.last.get("x-real-ip"), expected, f"{name}: {fields}")
            n += 1
    t.say(f"{name}: {n} chains, nginx and we agree")


def run(t):
    c = t.cluster()
    b = t.backend()
    ours = ["127.0.0.0/8", "10.0.0.0/8"]
    c.config(use_forwarded_headers="true", proxy_real_ip_cidr=",".join(ours))
    c.route("a.test", b).start()
    compare(t, c, b, "named", "X-Forwarded-For", ours)
    c.config(enable_real_ip="true", forwarded_for_header="CF-Connecting-IP", proxy_real_ip_cidr=",".join(ours)).settle()
    compare(t, c, b, "other", "CF-Connecting-IP", ours)
    c.config(use_forwarded_headers="true", compatibility="ingress-nginx").settle()
    compare(t, c, b, "compatible", "X-Forwarded-For", ["0.0.0.0/0"])
    c.config(use_forwarded_headers="true", proxy_real_ip_cidr="192.168.0.0/16").settle()
    compare(t, c, b, "stranger", "X-Forwarded-For", ["192.168.0.0/16"])
