"""Sessions by cookie: the same endpoint through any proxy, after changes, scaling and restarts; what a client makes up reaches
nothing else, and no cookie tells an address (SEMANTICS I10 to I16)."""
import re
from collections import Counter

from harness.manifests import ingress

COOKIE = {"affinity": "cookie"}
FIRM = {**COOKIE, "affinity-mode": "persistent", "session-cookie-name": "firm"}


class Moody:
    """An endpoint that answers until it fails."""
    is_down = False

    def __call__(self, connection):
        while request := connection.request():
            if self.is_down:
                return connection.sock.close()
            connection.echo(request)


def begin(c, host, target="/"):
    """A new session: who answered, the pair to send, the whole Set-Cookie."""
    r = c.get(host, target)
    line = r.get("set-cookie")
    return r.get("x-backend"), line.split(";")[0], line


def go(c, host, pair, proxy=0, **rest):
    r = c.get(host, proxy=proxy, headers=["Cookie: a=b; " + pair], **rest)
    return r.get("x-backend"), r.get("set-cookie")


def run(t):
    c = t.cluster()
    old, new = [t.backend(f"b{i}") for i in range(4)], [t.backend(f"n{i}") for i in range(2)]
    hosts = {"bal.test": COOKIE, "firm.test": FIRM}
    for host, notes in hosts.items():
        c.route(host, *old, annotations=notes)
    moody = Moody()
    down, up = t.backend("down", moody), t.backend("up")
    c.route("stay.test", down, up, annotations=FIRM)
    c.route("move.test", down, up, annotations={**FIRM, "session-cookie-change-on-failure": "true"})
    c.route("shared.test", *old, name="shared", annotations={**COOKIE, "session-cookie-path": "/app", "session-cookie-max-age": 60,
                                                             "session-cookie-samesite": "Lax"})
    c.apply(ingress("reader", "reader.test", "/", "shared"))
    c.start(proxies=2)

    sessions = {host: [begin(c, host) for _ in range(24)] for host in hosts}
    for host, made in sessions.items():
        begun = Counter(name for name, _, _ in made)
        t.check(len(begun) == 4 and min(begun.values()) >= 4, f"{host}: sessions begin in turn at each worker: {begun}")

    def all_stay(when, gone=(), moved=0):
        for host, made in sessions.items():
            n_moved = 0
            for number, (name, pair, _) in enumerate(made):
                got, cookie = go(c, host, pair, proxy=number % 2)
                if name in gone:
                    t.check(got not in gone, f"{when}: {host} {name} is gone")
                elif got != name:
                    n_moved += 1
                else:
                    t.equal(cookie, None, f"{when}: {host} no new cookie")
            t.check(n_moved <= (moved if host == "bal.test" else 0), f"{when}: {host} {n_moved} sessions moved")

    all_stay("through both proxies")
    c.route("other.test", *old)
    c.config(keep_alive=30)
    c.settle()
    all_stay("after unrelated changes")
    c.restart(c.controllers[0])
    for p in list(c.proxies):
        p.stop()
    c.proxies.clear()
    c.proxy("again-1")
    c.proxy("again-2")
    all_stay("after all programs began again")
    for host in hosts:
        c.endpoints(host.split(".")[0], *old, *new)
    c.settle()
    all_stay("two more endpoints", moved=18)
    for host in hosts:
        c.endpoints(host.split(".")[0], *old[:3])
    c.settle()
    all_stay("one less", gone={"b3"})

    # what nobody gave out
    names = {b.name for b in old[:3]}
    target = f"127.0.0.1:{up.address[1]}"
    foreign = begin(c, "stay.test")[1].split("=")[1]
    for value in (target, foreign, "../../x", "1|2|3", "", "x" * 2000, "%0d%0aX: y", foreign.split("|")[0]):
        for host, name in (("bal.test", "INGRESSCOOKIE"), ("firm.test", "firm")):
            got, cookie = go(c, host, f"{name}={value}")
            t.check(got in names, f"{host} {value[:20]!r} reached {got}")
            t.check(host != "firm.test" or cookie, "a new session takes the place of one that never was")
    for made in sessions.values():
        for _, pair, _ in made:
            t.check(not re.search(r"127\.0|" + "|".join(str(b.address[1]) for b in old), pair), f"no address in {pair}")

    # attributes, and who sets them
    _, _, line = begin(c, "shared.test")
    t.check(re.fullmatch(r"INGRESSCOOKIE=[0-9a-f]{16}\|[0-9a-f]{24}; Max-Age=60; Path=/app; HttpOnly; SameSite=Lax", line), line)
    t.equal(c.get("reader.test").get("set-cookie"), None, "I14: an Ingress without affinity sets none")
    name, pair, _ = begin(c, "shared.test")
    t.equal({go(c, "reader.test", pair)[0] for _ in range(8)}, {name}, "and reads one")

    # failure
    pairs = {}
    for host in ("stay.test", "move.test"):
        made = [begin(c, host) for _ in range(4)]
        pairs[host] = next(pair for name, pair, _ in made if name == "down")
    moody.is_down = True
    t.equal(go(c, "stay.test", pairs["stay.test"]), ("up", None), "I36: tried elsewhere, and the session stays where it is")
    got, cookie = go(c, "move.test", pairs["move.test"])
    t.equal(got, "up")
    t.check(cookie, "I13: the session moves")
    t.check(begin(c, "stay.test")[2], "a first session is of the one that answered")
    moody.is_down = False
    t.equal(go(c, "stay.test", pairs["stay.test"]), ("down", None))
    t.equal(go(c, "move.test", cookie.split(";")[0]), ("up", None))
    rows = {row["name"]: row["load_balance"] for row in c.inspect("backends")}
    t.equal((rows["default/bal:80"], rows["default/firm:80"]), ("sticky_balanced", "sticky_persistent"))
