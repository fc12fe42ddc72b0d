"""What TLS does not do: no early data, whatever is asked for; no DHE without ssl-dh-param, whose Secret may come and change (SEMANTICS F1)."""
import os

from harness import process, wait
from harness.manifests import secret_data


def run(t):
    c = t.cluster()
    c.config(ssl_session_tickets="true", ssl_early_data="true")
    c.route("a.test", t.backend()).start()
    host, port = c.https()

    def s_client(*words, stdin=""):
        return process.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", "a.test", *words], stdin=stdin)

    # a ticket says that no early data is taken, and who sends some all the same has it left out
    session, request = os.path.join(t.directory, "session"), os.path.join(t.directory, "request")
    with open(request, "w") as f:
        f.write("GET /early HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
    first = s_client("-tls1_3", "-sess_out", session, "-ign_eof", stdin="GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
    t.contains(first.stdout, "Max Early Data: 0")
    again = s_client("-tls1_3", "-sess_in", session, "-early_data", request)
    t.contains(again.stdout, "Reused, TLSv1.3", "Early data was not sent")
    t.check(("ConfigMap ingress/controller", "ssl-early-data") in {(p["object"], p["field"]) for p in c.problems()}, "it is told")

    # DHE
    def temporary_key():
        said = s_client("-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256")
        return next((line for line in said.stdout.splitlines() if line.startswith("Server Temp Key")), "")

    t.equal(temporary_key(), "")
    c.config(ssl_dh_param="ingress/dh").settle()
    t.equal(temporary_key(), "")
    for bits in (2048, 3072):
        made = process.run(["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", f"group:ffdhe{bits}"])
        c.apply(secret_data("dh", "ingress", dhparam_pem=made.stdout))
        wait.until(lambda: temporary_key() == f"Server Temp Key: DH, {bits} bits", f"DHE by {bits} bits")
    c.apply(secret_data("dh", "ingress", dhparam_pem="nonsense")).settle()
    t.equal(temporary_key(), "", "without a group there is no DHE")
    t.equal(c.get("a.test", tls="a.test").status, 200)
