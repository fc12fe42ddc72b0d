"""HAProxy in front with send-proxy, send-proxy-v2, TLVs and health checks: the client, its TLS and its id come through (A30-A36)."""
import os
import socket
import ssl

from harness import haproxy, wait, wire

CONF = """global
  stats socket {dir}/stats.sock mode 600
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen v1
  bind 127.0.0.1:{v1}
  server s 127.0.0.1:{http} send-proxy check check-send-proxy inter 200ms
listen v1tls
  bind 127.0.0.1:{v1tls}
  server s 127.0.0.1:{https} send-proxy
listen v2
  bind 127.0.0.1:{v2}
  server s 127.0.0.1:{http} send-proxy-v2 check check-send-proxy inter 200ms
listen v2tls
  bind 127.0.0.1:{v2tls}
  server s 127.0.0.1:{https} send-proxy-v2 proxy-v2-options crc32c
listen tlvs
  bind 127.0.0.1:{tlvs} ssl crt {dir}/server.pem ca-file {dir}/client.pem verify required
  unique-id-format id-%ci-7
  server s 127.0.0.1:{http} send-proxy-v2 proxy-v2-options ssl,cert-cn,ssl-cipher,cert-sig,cert-key,authority,unique-id,crc32c
listen sslcn
  bind 127.0.0.1:{sslcn} ssl crt {dir}/server.pem ca-file {dir}/client.pem verify required
  server s 127.0.0.1:{https} send-proxy-v2-ssl-cn ssl verify none sni str(a.test)
"""
FORMAT = ("pp $request_uri $proxy_protocol_tlv_unique_id $proxy_protocol_tlv_authority $proxy_protocol_tlv_ssl_version "
          "$proxy_protocol_tlv_ssl_cn $proxy_protocol_tlv_ssl_cipher $proxy_protocol_tlv_ssl_sig_alg "
          "$proxy_protocol_tlv_ssl_key_alg $proxy_protocol_tlv_ssl_verify")
SERIES = 'weirlock_proxy_headers_total{result="%s"}'
CLIENT = "127.0.0.33"


def run(t):
    haproxy.need(t)
    c = t.cluster()
    b = t.backend()
    c.config(use_proxy_protocol="true", proxy_real_ip_cidr="127.0.0.1", log_format_upstream=FORMAT, ssl_redirect="false")
    c.route("a.test", b).start()
    ports = balancers(t, c)

    def asked(name, **rest):
        with wire.Client(("127.0.0.1", ports[name]), source=CLIENT, **rest) as one:
            for _ in range(2):
                t.equal(one.get("/" + name).status, 200)
            t.equal(b.last.get("x-real-ip"), CLIENT, name)
            t.equal(b.last.get("x-forwarded-port"), str(ports[name]), name)

    asked("v1")
    asked("v2")
    asked("v1tls", tls="a.test")
    asked("v2tls", tls="a.test")
    t.check(c.metric(SERIES % "v1") >= 3 and c.metric(SERIES % "v2") >= 2, "both versions are counted")

    context = wire.any_certificate()
    context.load_cert_chain(os.path.join(t.directory, "leafy.test.crt"), os.path.join(t.directory, "leafy.test.key"))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    for name in ("tlvs", "sslcn"):
        asked(name, tls="a.test", context=context)
    words = c.wait_access("pp /tlvs").split()
    t.equal(words[2:6], [f"id-{CLIENT}-7", "a.test", "TLSv1.3", "leafy.test"])
    t.check(words[6].startswith("TLS_") and "-" not in words[7:9], f"cipher and algorithms: {words}")
    t.equal(words[9], "0", "the client's certificate was verified")
    t.equal(c.wait_access("pp /sslcn").split()[4:6], ["TLSv1.3", "leafy.test"])

    # health checks: with version 2 they are LOCAL, and HAProxy takes the proxy for up
    checked = c.metric(SERIES % "none")
    wait.until(lambda: c.metric(SERIES % "none") >= checked + 6, "health checks come")
    stats = stat(t)
    t.equal([line.split(",")[17] for line in stats.splitlines() if line.startswith(("v1,s,", "v2,s,"))], ["UP", "UP"])
    t.equal([c.metric(SERIES % bad) for bad in ("missing", "malformed_v1", "malformed_v2", "malformed_tlv", "checksum")], [0] * 5)


def balancers(t, c):
    server, client = t.certificate("a.test"), t.certificate("leafy.test")
    folder = t.directory
    with open(os.path.join(folder, "server.pem"), "w") as f:
        f.write(server.cert + server.key)
    with open(os.path.join(folder, "client.pem"), "w") as f:
        f.write(client.cert)
    ports = {}
    for name in ("v1", "v1tls", "v2", "v2tls", "tlvs", "sslcn"):
        ports[name] = wait.free_port()
    p = haproxy.start(t, CONF.format(dir=folder, http=c.http()[1], https=c.https()[1], **ports))
    wait.until(lambda: wire.Client(("127.0.0.1", ports["v1"])).get().status == 200, "HAProxy forwards\n" + p.err())
    return ports


def stat(t):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(os.path.join(t.directory, "stats.sock"))
        s.sendall(b"show stat\n")
        return wire.Reader(s).rest().decode()
