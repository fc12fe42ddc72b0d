"""`weirctl snapshot export --anonymize`: no name, path or address of the cluster is in the file, and what leads where is the same
(USERS 2.2: no secrets in tooling)."""
import json
import os

from harness.manifests import ingress, secret


def run(t):
    c = t.cluster()
    b = t.backend()
    certificate = t.certificate("shop.customer.example")
    c.apply(secret("payroll-tls", certificate, "finance"))
    c.expose("ledger", b, namespace="finance")
    c.apply(ingress("intranet", "shop.customer.example", ["/salaries", "/bonus"], "ledger", namespace="finance",
                    tls={"payroll-tls": ["shop.customer.example"]},
                    annotations={"upstream-vhost": "mainframe.internal", "proxy-read-timeout": "91", "server-alias": "old.customer.example"}))
    c.start()
    path = os.path.join(t.directory, "shared.snapshot")
    c.weirctl("snapshot", "export", path, "--anonymize")
    with open(path, "rb") as f:
        data = f.read()
    for word in (b"customer", b"finance", b"ledger", b"intranet", b"salaries", b"bonus", b"payroll", b"mainframe", b"BEGIN", b"old.",
                 bytes([127, 0, 0, 1])):
        t.check(word not in data, f"{word} shows")
    t.contains(c.weirctl("--file", path, "snapshot", "verify", of="").stdout, "good: the id")
    ours, theirs = c.inspect("routes"), json.loads(c.weirctl("--file", path, "routes", "-o", "json", of="").stdout)
    t.equal(len(theirs), len(ours))
    mine = {tuple(r.get(k) for k in ("ready_endpoints", "path_type", "read_timeout")) for r in ours}
    t.equal({tuple(r.get(k) for k in ("ready_endpoints", "path_type", "read_timeout")) for r in theirs}, mine)
    hosts = [r for r in theirs if r.get("service")]
    t.equal((len(hosts), len({r["host"] for r in hosts}), len({r["backend"] for r in hosts})), (2, 1, 1), str(theirs))
    t.check(hosts[0]["host"].count(".") == 2 and hosts[0]["backend"].endswith(":80"), str(hosts))
    again = os.path.join(t.directory, "again.snapshot")
    c.weirctl("snapshot", "export", again, "--anonymize")
    with open(again, "rb") as f:
        t.check(f.read() != data, "another key each time")
