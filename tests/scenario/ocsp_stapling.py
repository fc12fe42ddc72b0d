"""enable-ocsp: the controller asks a real OCSP responder, proxies staple what it says, and nothing that fails keeps anybody from serving
(SEMANTICS F7)."""
from harness import process, responder, wait
from harness.manifests import secret

GOOD = "Cert Status: good"


def run(t):
    c = t.cluster()
    root = t.authority("root")
    ca = t.authority("ca", root)
    there = responder.Responder(t, ca)
    extensions = there.extensions + ",caIssuers;URI:http://127.0.0.1/ca.crt"
    a, b = (ca.issue(name, extensions=extensions) for name in ("a.test", "b.test"))
    plain = ca.issue("plain.test")
    alone = t.authority("lonely").issue("alone.test", extensions=extensions)
    there.say(a, "good")
    there.say(b, "revoked")
    for name, certificate in (("a", a), ("b", b), ("plain", plain), ("alone", alone)):
        c.apply(secret(name, certificate)).route(name + ".test", t.backend(), tls={name: [name + ".test"]})

    # off, as by default; then on, with a responder that is at no public address and is not allowed, and is not asked
    c.controller(options=["--enable-ssl-chain-completion"])
    c.proxy()
    t.check("OCSP response: no response sent" in responder.stapled(c, "a.test", root.cert_path), "nothing is stapled")
    c.config(enable_ocsp="true")
    wait.until(lambda: count(c, "failed") >= 2, "it failed")
    t.contains(c.controllers[0].err(), "secret=default/a url=" + there.url, "one at an address that may be asked")
    t.equal(c.get("a.test", tls="a.test").status, 200)
    # allowed, and not there yet
    c.config(enable_ocsp="true", ocsp_responder_cidr="127.0.0.0/8")
    wait.until(lambda: count(c, "failed") >= 4, "it was asked")
    t.equal(c.get("a.test", tls="a.test").status, 200)
    t.check(("Secret default/alone", "tls.crt") in problems(c), "a chain without its issuer")
    t.check(("Secret default/plain", "tls.crt") not in problems(c), "a certificate that names nobody")
    # whether or not OCSP is on, and nothing is fetched in its place
    t.equal({row["object"] for row in c.problems() if "a whole chain" in row["rule"]}, {"Secret default/alone"})

    # there
    there.start()
    c.config(enable_ocsp="true", ocsp_responder_cidr="127.0.0.0/8,127.0.0.1")
    for version in ("-tls1_2", "-tls1_3"):
        wait.until(lambda: GOOD in responder.stapled(c, "a.test", root.cert_path, version), "a good answer is stapled")
    host, port = c.https()
    said = process.run(["curl", "-sv", "--cert-status", "--cacert", root.cert_path, "--resolve", f"a.test:{port}:{host}",
                        f"https://a.test:{port}/"])
    t.equal(said.returncode, 0, said.stderr)
    for name in ("b", "plain"):
        t.check("no response sent" in responder.stapled(c, name + ".test", root.cert_path), f"nothing is stapled for {name}")
    wait.until(lambda: ("Secret default/b", "tls.crt") in problems(c), "a revoked certificate is told of")
    t.check(c.metric("weirlock_tls_stapled_total") >= 3, "handshakes that had one")
    t.equal(c.get("b.test", tls="b.test").status, 200, "it is served all the same")

    # another controller has answers of its own, and the same snapshot
    second = c.controller("second")
    wait.until(lambda: count(c, "good", 1) >= 1, "the second one asked too")
    ids = {c.inspect("snapshot", "list", of=one)[0]["id"] for one in c.controllers}
    t.equal(len(ids), 1, "one id")

    # nobody is there: what was heard is stapled on
    there.stop()
    for one in c.controllers:
        one.kill()
    c.controllers.remove(second)
    t.contains(responder.stapled(c, "a.test", root.cert_path), GOOD)
    # a new controller hears that it is revoked, and the proxy forgets what was good
    there.say(a, "revoked")
    there.start()
    c.restart(c.controllers[0], kill=True)
    wait.until(lambda: "no response sent" in responder.stapled(c, "a.test", root.cert_path), "it is stapled no more")
    t.check(("Secret default/a", "tls.crt") in problems(c), "it is told of")
    # off again
    c.config().settle()
    t.check(("Secret default/a", "tls.crt") not in problems(c), "nobody asked")


def count(c, result, controller=0):
    series = 'weirlock_controller_ocsp_questions_total{result="%s"} ' % result
    for line in c.admin("/metrics", c.controllers[controller]).text.splitlines():
        if line.startswith(series):
            return int(line.split()[-1])
    raise AssertionError(f"no series {series}")


def problems(c):
    return {(row["object"], row["field"]) for row in c.problems()}
