"""curl as a real client: --resolve, verified TLS, keep-alive, uploads, HEAD, 100-continue."""
import os

from harness import process
from harness.manifests import secret


def run(t):
    c = t.cluster()
    cert = t.certificate("a.test")
    c.apply(secret("a", cert)).route("a.test", t.backend(), tls={"a": ["a.test"]}, annotations={"ssl-redirect": "false"})
    c.start()

    def curl(*words, port=c.http()[1]):
        done = process.run(["curl", "-sS", "--max-time", 20, "--resolve", f"a.test:{port}:127.0.0.1", *words])
        t.equal(done.returncode, 0, f"curl {words}: {done.stderr}")
        return done.stdout

    http, https = f"http://a.test:{c.http()[1]}", f"https://a.test:{c.https()[1]}"
    t.contains(curl(http + "/x"), '"target": "/x"')
    t.contains(curl("--cacert", cert.cert_path, https + "/y", port=c.https()[1]), '"backend"')
    t.contains(curl("--cacert", cert.cert_path, "--http1.1", https + "/y", port=c.https()[1]), '"backend"')
    t.contains(curl("-I", http + "/head"), "HTTP/1.1 200 OK")
    t.equal(curl("-o", "/dev/null", "-w", "%{num_connects}", http + "/1", "-o", "/dev/null", http + "/2", "-o", "/dev/null",
                 http + "/3"), "100", "one connection")
    upload = os.path.join(t.directory, "upload")
    with open(upload, "wb") as f:
        f.write(os.urandom(900_000))
    t.contains(curl("-T", upload, http + "/put"), '"body": 900000')
    t.contains(curl("-T", upload, "-H", "Expect: 100-continue", http + "/put"), '"body": 900000')
    t.contains(curl("-T", upload, "-H", "Transfer-Encoding: chunked", http + "/put"), '"body": 900000')
    t.contains(curl("--compressed", "-H", "Range: bytes=0-1", http + "/r"), '"target": "/r"')
