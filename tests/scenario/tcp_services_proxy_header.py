"""PROXY headers of TCP services: HAProxy sends them, HAProxy and nginx read ours, and what is none ends the session (A50, A30)."""
from harness import haproxy, proxyheader as ph, receivers, stream, wait, wire

FRONT = """defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen v1
  bind 127.0.0.1:{v1}
  server weirlock 127.0.0.1:{port} send-proxy
listen v2
  bind 127.0.0.1:{v2}
  server weirlock 127.0.0.1:{port} send-proxy-v2
"""


def told(connection):
    """Says in a line what the header in front of the connection says."""
    _, source, target = ph.read(connection.reader)
    connection.send(f"{source[0]} {source[1]} {target[0]} {target[1]}\r\n")
    while data := connection.sock.recv(65536):
        connection.send(data)


def run(t):
    haproxy.need(t)
    ends = receivers.start(t)
    c = t.cluster()
    plain, teller = t.backend("plain", stream.echo), t.backend("teller", told)
    ports = {name: wait.free_port() for name in ("decode", "both", "encode", "nginx", "haproxy", "v1", "v2")}
    trust = dict(proxy_real_ip_cidr="127.0.0.0/8", proxy_protocol_header_timeout="1s")
    c.config(**trust)
    c.expose("plain", plain).expose("teller", teller)
    for r in ends:
        c.expose(r.name, r.at("plain"))
    c.apply(stream.services({ports["decode"]: "default/plain:80:PROXY", ports["both"]: "default/teller:80:PROXY:PROXY",
                             ports["encode"]: "default/teller:80::PROXY", ports["nginx"]: "default/nginx:80::PROXY",
                             ports["haproxy"]: "default/haproxy:80::PROXY"}))
    stream.tcp(c)

    # read: whole, byte by byte, of both versions, with the first bytes behind it
    for header in (ph.v1(), ph.v2(), ph.LOCAL, ph.UNKNOWN):
        with stream.until_open(ports["decode"], first=header + b"at once") as s:
            t.equal(s.reader.exactly(7), b"at once")
            s.echo("hello")
    with stream.Stream(ports["decode"], greets=False) as s:
        for byte in ph.v2():
            s.sock.sendall(bytes([byte]))
            wait.pause(0.002)
        t.equal(s.reader.line(), "plain")
    t.contains(c.wait_access(f"[{ph.SOURCE[0]}]"), f" {ports['decode']} ")

    # HAProxy in front
    haproxy.start(t, FRONT.format(port=ports["both"], v1=ports["v1"], v2=ports["v2"]), "front")
    for name in ("v1", "v2"):
        with stream.until_open(ports[name], source="127.0.0.61") as s:
            t.equal(s.name, f"127.0.0.61 {s.address[1]} 127.0.0.1 {ports[name]}", "passed on as it came")
            s.echo("through both")

    # written: who the client is, to our own backend, to nginx and to HAProxy
    with stream.Stream(ports["encode"], source="127.0.0.62") as s:
        t.equal(s.name, f"127.0.0.62 {s.address[1]} 127.0.0.1 {ports['encode']}")
    for r in ends:
        with wire.Client(("127.0.0.1", ports[r.name]), source="127.0.0.63") as one:
            t.equal(one.get("/", r.name).text.split(), ["127.0.0.63", str(one.address[1]), "127.0.0.1", str(ports[r.name])])

    # none, a bad one, and one that does not come: closed without a byte, and counted
    for first, result in ((b"GET / HTTP/1.1\r\n\r\n", "missing"), (b"PROXY TCP9 x\r\n", "malformed_v1"), (b"PROXY TC", "late")):
        with stream.Stream(ports["decode"], first=first, greets=False) as s:
            t.equal(s.wait_closed(), b"")
        wait.until(lambda: c.metric(f'weirlock_proxy_headers_total{{result="{result}"}}') == 1, f"{result} is counted")
    wait.until(lambda: sum("bad_proxy_header" in line and "] TCP 400 " in line for line in c.access_log()) == 3, "three records")

    # a sender that is not believed: its header must be there, and says nothing
    c.config(proxy_real_ip_cidr="10.0.0.0/8").settle()
    with stream.Stream(ports["both"], first=ph.v1()) as s:
        t.equal(s.name, f"127.0.0.1 {s.address[1]} 127.0.0.1 {ports['both']}")
    # whom block-cidrs names gets nothing
    c.config(block_cidrs="127.0.0.66/32").settle()
    with stream.Stream(ports["encode"], source="127.0.0.66", greets=False) as s:
        t.equal(s.wait_closed(), b"")
    t.contains(c.wait_access(" denied -"), "[127.0.0.66]", "] TCP 403 ")
    t.equal(plain.errors + teller.errors, [])
