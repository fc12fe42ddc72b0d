"""nghttp and h2load as real clients, by ALPN and with prior knowledge: many streams, many connections, uploads, no failure."""
import os
import re

from harness import process
from harness.manifests import secret


def run(t):
    c = t.cluster()
    cert = t.certificate("a.test")
    b = t.backend()
    c.apply(secret("a", cert)).config(keep_alive_requests="100000", proxy_body_size="8m")
    c.route("a.test", b, tls={"a": ["a.test"]}, annotations={"ssl-redirect": "false"}).start()
    upload = os.path.join(t.directory, "upload")
    with open(upload, "wb") as f:
        f.write(os.urandom(1_000_000))
    bases = {f"https://127.0.0.1:{c.https()[1]}": (), f"http://127.0.0.1:{c.http()[1]}": ()}
    for base in bases:
        done = process.run(["nghttp", "-nv", "-H", ":authority: a.test", base + "/one", base + "/two", base + "/three"])
        t.equal(done.returncode, 0, done.stderr)
        t.equal(done.stdout.count(":status: 200"), 3, base)
        done = process.run(["nghttp", "-H", ":authority: a.test", "-d", upload, base + "/up"])
        t.contains(done.stdout, '"body": 1000000')
        for words in (["-n", "2000", "-c", "4", "-m", "32"], ["-n", "60", "-c", "3", "-m", "4", "-d", upload]):
            done = process.run(["h2load", *words, "-H", ":authority: a.test", base + "/load"], 60)
            n = words[1]
            t.contains(done.stdout, f"{n} succeeded, 0 failed, 0 errored, 0 timeout")
            t.check(re.search(rf"status codes: {n} 2xx, 0 3xx, 0 4xx, 0 5xx", done.stdout), done.stdout)
    text = c.admin("/metrics").body.decode()
    t.contains(text, "weirlock_http2_streams 0", "weirlock_http2_memory_bytes 0")
