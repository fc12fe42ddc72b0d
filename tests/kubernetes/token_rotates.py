"""A token is read again when its file changes; one that has expired is told, what is known keeps serving, and a new one is taken."""
from harness import manifests, wait
from harness.kubernetes import Refused

SECONDS = 300


def run(t):
    c = t.kube_cluster()
    c.route("a.test", c.backend("a"))
    c.kubeconfig, token_path = c.api.kubeconfig(*c.account, seconds=15)
    c.start()
    c.until_serves("a.test")
    controller = c.controllers[0]

    # rotated in time: the old one is refused, and nobody notices
    old = token_of(token_path)
    c.api.write_token(token_path, c.api.token(*c.account, seconds=40))
    wait.until(lambda: is_refused(c, old), "the first token has expired", 60, 0.5)
    c.api.restart()
    c.apply(manifests.ingress("b", "b.test", "/", "a"))
    c.until_serves("b.test", seconds=60)
    controller.wait_log("credentials have changed and were read again")
    t.check("(401)" not in controller.err(), "no 401 was told")

    # not rotated in time
    wait.until(lambda: is_refused(c, token_of(token_path)), "the token has expired", 60, 0.5)
    c.api.restart()
    controller.wait_log(r"problem: Kubernetes API: .*the credentials are not taken \(401\)", seconds=60)
    t.equal(c.get("a.test").status, 200)
    c.api.write_token(token_path, c.api.token(*c.account))
    c.apply(manifests.ingress("c", "c.test", "/", "a"))
    c.until_serves("c.test", seconds=90)
    wait.until(lambda: c.problems() == [], "the problems are gone", 60)


def token_of(path):
    with open(path) as f:
        return f.read()


def is_refused(c, token):
    try:
        c.api.request("GET", "/apis/networking.k8s.io/v1/ingresses", token=token)
    except Refused as error:
        return error.status == 401
    return False
