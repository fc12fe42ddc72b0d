"""TLS sessions are resumed, 1.2 and 1.3, on whichever worker the second connection lands (openssl s_client; SEMANTICS F2)."""
import os

from harness import process
from harness.manifests import secret


def run(t):
    c = t.cluster()
    c.apply(secret("a", t.certificate("a.test"))).route("a.test", t.backend(), tls={"a": ["a.test"]})
    c.start(workers=2)
    host, port = c.https()
    for version in ("-tls1_2", "-tls1_3"):
        session = os.path.join(t.directory, "session" + version)
        base = ["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", "a.test", version, "-ign_eof"]
        ask = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"
        first = process.run([*base, "-sess_out", session], stdin=ask)
        t.contains(first.stdout, "New, TLSv1", "HTTP/1.1 200")
        for attempt in range(6):
            again = process.run([*base, "-sess_in", session], stdin=ask)
            t.contains(again.stdout, "HTTP/1.1 200")
            t.check("Reused, TLSv1" in again.stdout, f"{version}: connection {attempt + 1} was not resumed")
    metrics = c.admin("/metrics").text
    t.contains(metrics, 'result="resumed"')
