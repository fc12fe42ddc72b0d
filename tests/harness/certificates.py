"""Keys and certificates by the openssl command: P-256, made where a scenario asks for them."""
import base64
import os

from . import process


class Certificate:
    """Self-signed for its names; `cert` and `key` are PEM text, the files lie in `directory`."""

    def __init__(self, directory, *names, days=30):
        self.names = names
        stem = os.path.join(directory, names[0].replace("*", "star"))
        self.cert_path, self.key_path = stem + ".crt", stem + ".key"
        done = process.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-days", days, "-subj", "/CN=" + names[0], "-addext",
                            "subjectAltName=" + ",".join("DNS:" + n for n in names),
                            "-keyout", self.key_path, "-out", self.cert_path])
        if done.returncode:
            raise RuntimeError(done.stderr)
        with open(self.cert_path) as c, open(self.key_path) as k:
            self.cert, self.key = c.read(), k.read()

    @property
    def der(self):
        body = self.cert.split("-----")[2]
        return base64.b64decode("".join(body.split()))

    def key_bytes(self):
        """A piece of the private key as it would show in text that leaked it."""
        return self.key.splitlines()[1]
