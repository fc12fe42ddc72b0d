"""Identities of the channel: expired, of another CA, with a name that is no role: refused, and said once. Certificates and CA are
rotated under a running controller and proxies without a session that ends (CHANNEL 3.2, 3.3)."""
import os
import shutil
import time

from harness import process, wait

URIS = {"controller": "spiffe://weirlock/controller", "proxy": "spiffe://weirlock/proxy/default",
        "operator": "spiffe://weirlock/operator"}


def _openssl(*argv):
    done = process.run(["openssl", *argv])
    assert done.returncode == 0, done.stderr


def _make_ca(directory):
    os.makedirs(directory)
    _openssl("req", "-x509", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
             f"{directory}/ca.key", "-out", f"{directory}/ca.crt", "-days", "9", "-subj", "/CN=channel CA",
             "-addext", "basicConstraints=critical,CA:TRUE,pathlen:0", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    return directory


def _issue(directory, ca, uri, days="9"):
    """A key and a certificate, each renamed into place."""
    os.makedirs(directory, exist_ok=True)
    with open(f"{directory}/san", "w") as f:
        f.write(f"subjectAltName=URI:{uri}\nextendedKeyUsage=clientAuth,serverAuth\nkeyUsage=critical,digitalSignature\n")
    _openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x",
             "-keyout", f"{directory}/new.key", "-out", f"{directory}/new.csr")
    _openssl("x509", "-req", "-in", f"{directory}/new.csr", "-CA", f"{ca}/ca.crt", "-CAkey", f"{ca}/ca.key", "-CAcreateserial",
             "-days", days, "-extfile", f"{directory}/san", "-out", f"{directory}/new.crt")
    os.rename(f"{directory}/new.key", f"{directory}/tls.key")
    os.rename(f"{directory}/new.crt", f"{directory}/tls.crt")


def _trust(directory, *cas):
    with open(f"{directory}/new.ca", "w") as out:
        for ca in cas:
            with open(f"{ca}/ca.crt") as f:
                out.write(f.read())
    os.rename(f"{directory}/new.ca", f"{directory}/ca.crt")


def run(t):
    home = os.path.join(t.directory, "own")
    old = _make_ca(os.path.join(t.directory, "old-ca"))
    for who, uri in URIS.items():
        _issue(f"{home}/{who}", old, uri)
        _trust(f"{home}/{who}", old)
    os.environ["WEIRLOCK_TEST_IDENTITY"] = home
    c = t.cluster()
    c.route("a.test", t.backend()).start(proxies=2)
    _strangers(t, c, old)
    _rotation(t, c, home, old)


def _strangers(t, c, ca):
    foreign = _make_ca(os.path.join(t.directory, "foreign-ca"))
    cases = {
        "expired": (ca, URIS["proxy"], "-1", "expired"),
        "foreign": (foreign, URIS["proxy"], "9", "certificate"),
        "pool": (ca, "spiffe://weirlock/proxy/Not_A_Pool", "9", "certificate"),
        "domain": (ca, "spiffe://elsewhere/proxy/default", "9", "certificate"),
        "operator": (ca, URIS["operator"], "9", "PERMISSION_DENIED"),
    }
    started = {}
    for name, (by, uri, days, _) in cases.items():
        directory = os.path.join(t.directory, "identity-" + name)
        _issue(directory, by, uri, days)
        _trust(directory, ca)
        started[name] = c.proxy(name, identity=directory, wait_ready=False)
        c.proxies.remove(started[name])
    for name, p in started.items():
        word = cases[name][3]
        wait.until(lambda: word in p.err(), f"{name}: says why\n{p.err()}")
    time.sleep(4)  # long enough for a loop of retries to show
    for name, p in started.items():
        t.check("ready " not in p.out(), f"{name} must not be served")
        said = [line for line in p.err().splitlines() if cases[name][3] in line]
        t.check(len(said) <= 2, f"{name}: said once, and not with each attempt:\n" + p.err())
        p.stop()
    t.equal(sorted(r["name"] for r in c.proxy_rows()), ["proxy-1", "proxy-2"])
    t.check(c.controllers[0].err().count("handshake refused") < 12, "the controller says it once a reason\n" + c.controllers[0].err())
    c.route("b.test", t.backend())
    c.until_serves("b.test")


def _rotation(t, c, home, old):
    """Trust both, renew the leaves, trust the new one alone: an operator comes in at each step, and nobody loses a session."""
    new = _make_ca(os.path.join(t.directory, "new-ca"))
    controller = c.controllers[0]
    shutil.copytree(f"{home}/proxy", os.path.join(t.directory, "left-behind"))
    begun = controller.err().count("proxy connected")

    def until_read(n):
        for p in (controller, *c.proxies):
            wait.until(lambda: c.weirctl("status", of=p, status=None).returncode == 0 and p.err().count("identity read again") >= n,
                       f"{p.name} reads its identity again")

    for who in URIS:
        _trust(f"{home}/{who}", old, new)
    until_read(1)
    for who, uri in URIS.items():
        _issue(f"{home}/{who}", new, uri)
    until_read(2)
    for who in URIS:
        _trust(f"{home}/{who}", new)
    until_read(3)
    c.route("c.test", t.backend())
    c.until_serves("c.test")
    t.equal(controller.err().count("proxy connected"), begun, "no session began anew")
    for p in c.proxies:
        t.check("controller lost" not in p.err(), "no session ended: " + p.err())
    c.proxy("new")
    t.equal(c.get("c.test", proxy=2).status, 200)
    left = c.proxy("left", identity=os.path.join(t.directory, "left-behind"), wait_ready=False)
    wait.until(lambda: "certificate" in left.err(), "who stayed with the old CA is not let in")
    t.check("ready " not in left.out(), "not served")
