"""HAProxy as a neighbour, in front of us or behind."""
import os

from . import process

PATH = "/usr/sbin/haproxy"


def need(t):
    if not os.path.exists(PATH):
        t.skip("HAProxy is not installed (deploy/packages test)")


def start(t, conf, name="haproxy"):
    """With this configuration; the caller waits until it answers."""
    path = os.path.join(t.directory, name + ".cfg")
    with open(path, "w") as f:
        f.write(conf)
    p = t.own(process.Process(name, [PATH, "-db", "-f", path], t.directory))
    p.expected_status = None  # it ends by the signal
    return p
