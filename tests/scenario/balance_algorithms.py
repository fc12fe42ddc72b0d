"""Each algorithm by its annotation: turns, hashes that stay through any proxy, the less busy one (SEMANTICS I1 to I6)."""
from collections import Counter

OWN = "weirlock.io/"


def counts(c, host, n=60, proxy=0, **rest):
    with c.client(proxy) as client:
        return Counter(client.get(host=host, **rest).get("x-backend") for _ in range(n))


def run(t):
    c = t.cluster()
    backends = [t.backend(f"b{i}") for i in range(4)]
    names = {b.name for b in backends}
    for name, notes in {"turns": {}, "ewma": {"load-balance": "ewma"}, "least": {OWN + "load-balance": "least_conn"},
                        "random": {OWN + "load-balance": "random_two"},
                        "hash": {"upstream-hash-by": "${http_x_user}-$arg_id-$cookie_s"},
                        "subset": {"upstream-hash-by": "$http_x_user", "upstream-hash-by-subset": "true",
                                   "upstream-hash-by-subset-size": 2}}.items():
        c.route(name + ".test", *backends, annotations=notes)
    c.config(keep_alive_requests=100000).start(proxies=2)
    t.equal(set(counts(c, "turns.test").values()), {15}, "every endpoint in turn")
    for name in ("ewma", "least", "random"):
        t.equal(set(counts(c, name + ".test")), names, name)

    owners = {}
    for user in range(40):
        headers = [f"X-User: u{user}", "Cookie: a=b; s=1"]
        for proxy in (0, 1):
            got = counts(c, "hash.test", 3, proxy, target="/?id=7", headers=headers)
            t.equal(len(got), 1, f"user {user} has one endpoint")
            t.equal(owners.setdefault(user, list(got)[0]), list(got)[0], "the same through both proxies")
    t.equal(set(owners.values()), names)
    t.equal(len(counts(c, "subset.test", headers=["X-User: ann"])), 2, "a group of two")

    c.endpoints("hash", *backends[:3])
    c.settle()
    for user, owner in owners.items():
        now = c.get("hash.test", "/?id=7", headers=[f"X-User: u{user}", "Cookie: s=1"]).get("x-backend")
        t.check(now == owner or owner == "b3", f"only keys of the one that left move: {user} from {owner} to {now}")
