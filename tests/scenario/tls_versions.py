"""TLS 1.2 and 1.3 are spoken, 1.1 is not; ssl-protocols narrows them for new connections, and ssl-ecdh-curve the groups
(SEMANTICS F1)."""
import ssl

from harness import process, wire


def context(version):
    made = wire.any_certificate()
    made.set_ciphers("ALL:@SECLEVEL=0")
    made.minimum_version = made.maximum_version = version
    return made


def speaks(c, version):
    try:
        with wire.Client(c.https(), tls="a.test", context=context(version)) as client:
            return client.get(host="a.test").status == 200
    except (ssl.SSLError, ConnectionResetError):
        return False


def agreed(c, groups):
    """The group of the handshake's key, or "" where client and proxy have none in common."""
    host, port = c.https()
    said = process.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", "a.test", "-groups", groups], stdin="")
    return next((line.split(": ")[1] for line in said.stdout.splitlines() if line.startswith("Server Temp Key")), "")


def run(t):
    from warnings import simplefilter
    simplefilter("ignore", DeprecationWarning)
    c = t.cluster()
    c.route("a.test", t.backend()).start()
    versions = {v: getattr(ssl.TLSVersion, v) for v in ("TLSv1_1", "TLSv1_2", "TLSv1_3")}
    t.equal({v: speaks(c, n) for v, n in versions.items()}, {"TLSv1_1": False, "TLSv1_2": True, "TLSv1_3": True})
    c.config(ssl_protocols="TLSv1.3").settle()
    t.equal({v: speaks(c, n) for v, n in versions.items()}, {"TLSv1_1": False, "TLSv1_2": False, "TLSv1_3": True})
    t.equal([agreed(c, "X25519:P-384"), agreed(c, "P-384")], ["X25519, 253 bits", "ECDH, secp384r1, 384 bits"])
    c.config(ssl_ecdh_curve="P-256:P-384").settle()
    t.equal([agreed(c, "X25519:P-384"), agreed(c, "X25519")], ["ECDH, secp384r1, 384 bits", ""])
