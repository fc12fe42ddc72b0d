"""Every way around a client certificate that we know of is shut: SNI and Host, sessions, old connections, a lost Secret (SECURITY.md)."""
import socket
import ssl

from harness import http2, wait, wire
from harness.manifests import ingress, secret, secret_data


def run(t):
    c = t.cluster()
    b = t.backend()
    ours, other = t.authority("ours"), t.authority("other")
    alice, stranger = ours.issue("alice"), other.issue("stranger")
    everywhere = t.certificate("open.test", "closed.test", "twin.test", "strange.test", "alias.test", "late.test")
    c.apply(secret("tls", everywhere), secret_data("ca", ca_crt=ours.cert), secret_data("strange", ca_crt=other.cert))
    asks = {"auth-tls-secret": "default/ca"}
    c.route("open.test", b, tls={"tls": ["open.test"]})
    c.route("closed.test", b, tls={"tls": ["closed.test"]}, annotations={**asks, "server-alias": "alias.test"})
    c.route("twin.test", b, tls={"tls": ["twin.test"]}, annotations=asks)
    c.route("strange.test", b, tls={"tls": ["strange.test"]}, annotations={"auth-tls-secret": "default/strange"})
    c.route("late.test", b, tls={"tls": ["late.test"]})
    c.config(ssl_session_tickets="true").start(workers=1)

    def context(certificate=None, version=None):
        made = wire.any_certificate()
        if certificate:
            made.load_cert_chain(certificate.cert_path, certificate.key_path)
        if version:
            made.minimum_version = made.maximum_version = version
        return made

    def connect(sni, certificate=None, version=None, of=None):
        return t.own(wire.Client(c.https(), tls=sni, context=of or context(certificate, version)))

    def status(sni, host, certificate=None):
        with connect(sni, certificate) as client:
            return client.get("/", host).status

    def sni_of_an_open_host():
        t.equal(status("open.test", "closed.test", alice), 421)
        t.equal(status("open.test", "CLOSED.test.:443", alice), 421)
        t.equal(status("open.test", "alias.test", alice), 421)

    def sni_of_another_host_that_asks():
        t.equal(status("strange.test", "closed.test", stranger), 421)
        t.equal(status("twin.test", "closed.test", alice), 421, "the same authorities, yet another host (E9)")

    def no_sni():
        t.equal(status("", "closed.test", alice), 400)

    def absolute_target_names_another_host():
        with connect("open.test", alice) as client:
            t.equal(client.get("http://closed.test/", "open.test").status, 421)

    def keep_alive_begins_with_an_open_host():
        with connect("open.test", alice) as client:
            t.equal(client.get("/", "open.test").status, 200)
            r = client.get("/", "closed.test")
            t.equal((r.status, r.get("connection")), (421, "close"))

    def http2_coalesces_hosts():
        with http2.Client(c.https(), tls="open.test", context=context(alice)) as client:
            t.equal([client.ask(host=h, scheme="https").status for h in ("open.test", "closed.test", "open.test")], [200, 421, 200])

    def alias_asks_too():
        t.equal((status("alias.test", "alias.test"), status("alias.test", "alias.test", alice)), (400, 200))

    def sessions_of_other_hosts():
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for first, certificate in (("open.test", None), ("twin.test", alice), ("strange.test", stranger)):
                with_certificate = context(certificate, version)
                with wire.Client(c.https(), tls=first, context=with_certificate) as client:
                    t.equal(client.get("/", first).status, 200)
                    session = client.sock.session
                bare = context(None, version)
                raw = socket.create_connection(c.https())
                try:
                    tls = with_certificate.wrap_socket(raw, server_hostname="closed.test", session=session)
                    t.check(not tls.session_reused, f"a session of {first} was resumed at closed.test, {version}")
                finally:
                    raw.close()
                with wire.Client(c.https(), tls="closed.test", context=bare) as client:
                    t.equal(client.get("/", "closed.test").status, 400)

    def connection_from_before_the_host_asked():
        with connect("late.test") as client:
            t.equal(client.get("/", "late.test").status, 200)
            c.apply(ingress("late", "late.test", "/", "late", tls={"tls": ["late.test"]}, annotations=asks)).settle()
            t.equal(client.get("/", "late.test").status, 421)
        t.equal((status("late.test", "late.test"), status("late.test", "late.test", alice)), (400, 200))

    def connection_from_before_the_authority_changed():
        kept, doomed = connect("closed.test", alice), connect("closed.test", alice)
        t.equal((kept.get("/", "closed.test").status, doomed.get("/", "closed.test").status), (200, 200))
        c.apply(secret_data("ca", ca_crt=other.cert + ours.cert)).settle()
        t.equal(kept.get("/", "closed.test").status, 200, "an authority more: nobody is cut")
        c.apply(secret_data("ca", ca_crt=ours.cert, ca_crl=ours.revocations(alice))).settle()
        t.equal(doomed.get("/", "closed.test").status, 400, "revoked: the open connection is worth nothing")
        c.apply(secret_data("ca", ca_crt=ours.cert)).settle()

    def secret_is_lost_or_bad():
        with connect("closed.test", alice) as client:
            t.equal(client.get("/", "closed.test").status, 200)
            c.delete(secret_data("ca")).settle()
            t.equal(client.get("/", "closed.test").status, 403)
        t.equal((status("closed.test", "closed.test", alice), c.get("closed.test").status), (403, 403), "plain http as well (F9)")
        c.apply(secret_data("ca", ca_crt="nonsense")).settle()
        t.equal(status("closed.test", "closed.test", alice), 403)
        t.contains(c.weirctl("problems", status=None).stdout, "ca.crt")
        c.apply(secret_data("ca", ca_crt=ours.cert)).settle()
        t.equal(status("closed.test", "closed.test", alice), 200)

    def any_ingress_of_the_host_with_a_bad_secret():
        c.apply(ingress("more", "closed.test", "/more", "closed", annotations={"auth-tls-secret": "default/none"})).settle()
        t.equal(status("closed.test", "closed.test", alice), 403)
        c.delete(ingress("more")).settle()
        t.equal(status("closed.test", "closed.test", alice), 200)

    for attempt in (sni_of_an_open_host, sni_of_another_host_that_asks, no_sni, absolute_target_names_another_host,
                    keep_alive_begins_with_an_open_host, http2_coalesces_hosts, alias_asks_too, sessions_of_other_hosts,
                    connection_from_before_the_host_asked, connection_from_before_the_authority_changed, secret_is_lost_or_bad,
                    any_ingress_of_the_host_with_a_bad_secret):
        try:
            attempt()
        except (AssertionError, OSError, EOFError, wait.Timeout) as error:
            raise AssertionError(f"{attempt.__name__}: {error}") from error
