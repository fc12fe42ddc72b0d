"""A real OCSP responder, openssl's, for the certificates of one authority; and what a client is stapled."""
import os

from . import process, wait


class Responder:
    """Says of each serial number of `authority` what `say` was told: "good" or "revoked"; of others that it knows nothing."""

    def __init__(self, t, authority, name="responder"):
        self.t, self.authority, self.name, self.port = t, authority, name, wait.free_port()
        self.index = os.path.join(t.directory, name + ".index")
        self.url = f"http://127.0.0.1:{self.port}"
        self.extensions = f"authorityInfoAccess=OCSP;URI:{self.url}/"
        self.states = {}
        self._write()

    def say(self, certificate, state):
        done = process.run(["openssl", "x509", "-in", certificate.cert_path, "-noout", "-serial"])
        self.states[done.stdout.strip().split("=")[1]] = state
        self._write()

    def _write(self):
        with open(self.index, "w") as f:
            for serial, state in self.states.items():
                word, when = ("V", "") if state == "good" else ("R", "240101000000Z")
                f.write(f"{word}\t491231235959Z\t{when}\t{serial}\tunknown\t/CN=any\n")

    def start(self):
        ca = self.authority
        self.process = self.t.own(process.Process(self.name, [
            "openssl", "ocsp", "-index", self.index, "-port", str(self.port), "-CA", ca.cert_path, "-rsigner", ca.cert_path, "-rkey",
            ca.key_path, "-ndays", "2"], self.t.directory))
        self.process.expected_status = None  # SIGTERM is how it ends
        return self

    def stop(self):
        self.process.stop()


def stapled(c, name, ca_path, *words, proxy=0):
    """What openssl s_client says of the OCSP answer: its lines."""
    host, port = c.https(proxy)
    done = process.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", name, "-status", "-CAfile", ca_path,
                        "-verify_return_error", *words], stdin="")
    return done.stdout
