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


class Authority:
    """A CA, perhaps signed by another one, that issues certificates and revokes them. `cert` is PEM text."""

    def __init__(self, directory, name, by=None):
        self.directory, self.name, self.by = directory, name, by
        self.key_path, self.cert_path = self._path(name + ".key"), self._path(name + ".crt")
        self._sign(name, "/CN=" + name, "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign", by)
        with open(self.cert_path) as f:
            self.cert = f.read()

    def _path(self, name):
        return os.path.join(self.directory, name)

    def _sign(self, stem, subject, extensions, by, days="30"):
        request, ext = self._path(stem + ".csr"), self._path(stem + ".ext")
        with open(ext, "w") as f:
            f.write(extensions + "\n")
        _openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject, "-utf8",
                 "-keyout", self._path(stem + ".key"), "-out", request)
        signer = ["-CA", by.cert_path, "-CAkey", by.key_path, "-CAcreateserial"] if by else ["-signkey", self._path(stem + ".key")]
        _openssl("x509", "-req", "-in", request, *signer, "-days", days, "-extfile", ext, "-out", self._path(stem + ".crt"))

    def issue(self, name, subject=None, names=(), days="30", extensions=""):
        """A Certificate of `names` (default: the name) with its chain but for the root; `extensions`: more lines of openssl."""
        made = Certificate.__new__(Certificate)
        made.names = list(names) or [name]
        stem = f"{self.name}-{name}"
        alternative = ",".join("DNS:" + n for n in made.names if " " not in n)
        self._sign(stem, subject or "/CN=" + name, ("subjectAltName=" + alternative if alternative else "basicConstraints=CA:FALSE") + "\n" + extensions,
                   self, days)
        made.cert_path, made.key_path = self._path(stem + ".crt"), self._path(stem + ".key")
        with open(made.cert_path) as c, open(made.key_path) as k:
            made.cert, made.key = c.read() + self._between(), k.read()
        with open(made.cert_path, "w") as c:
            c.write(made.cert)
        return made

    def _between(self):
        """The certificates of authorities from this one up to the root, without that."""
        return self.cert + self.by._between() if self.by else ""

    def revocations(self, *revoked):
        """The list of those, as PEM text."""
        database, config, out = self._path(self.name + ".index"), self._path(self.name + ".cnf"), self._path(self.name + ".crl")
        open(database, "w").close()
        with open(config, "w") as f:
            f.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={database}\ndefault_md=sha256\ndefault_crl_days=30\n"
                    f"private_key={self.key_path}\ncertificate={self.cert_path}\n")
        for certificate in revoked:
            _openssl("ca", "-config", config, "-revoke", certificate.cert_path)
        _openssl("ca", "-config", config, "-gencrl", "-out", out)
        with open(out) as f:
            return f.read()


def _openssl(*words):
    done = process.run(["openssl", *words])
    if done.returncode:
        raise RuntimeError(done.stderr)
