"""`weirctl snapshot blame` and `diff`: which object says what a host does, where it is written and since which snapshot; and what
changes for requests between two snapshots (USERS 2.2: snapshot time travel)."""
from harness.manifests import ingress, secret


def run(t):
    c = t.cluster()
    b, other = t.backend("b"), t.backend("other")
    c.apply(secret("tls", t.certificate("a.test")))
    c.route("other.test", other)
    c.route("a.test", b, paths=["/", "/api"], name="a", tls={"tls": ["a.test"]}, annotations={"proxy-read-timeout": "90"}).start()
    first = c.inspect("snapshot", "list")[0]["id"]
    rows = c.inspect("snapshot", "blame", "a.test/api/users")
    backend = next(r for r in rows if r["what"] == "backend")
    t.equal((backend["where"], backend["value"], backend["object"]), ("a.test/api", "default/a:80", "Ingress default/a"))
    t.contains(backend["manager"], "ingress-default-a.json")
    t.check(backend["time"].endswith("Z"), str(backend))
    timeout = next(r for r in rows if r["what"].endswith("proxy-read-timeout"))
    t.equal((timeout["value"], timeout["object"]), ("90", "Ingress default/a"))
    t.equal(next(r for r in rows if r["what"] == "certificate")["object"], "Secret default/tls")
    t.equal({r["where"] for r in c.inspect("snapshot", "blame", "a.test")}, {"a.test", "a.test/", "a.test/api"})
    t.contains(c.weirctl("snapshot", "blame", "a.test").stdout, "a.test is so since snapshot")

    c.apply(ingress("a", "a.test", ["/", "/new"], "other", tls={"tls": ["a.test"]}, annotations={"proxy-read-timeout": "60"}))
    c.expose("b", b).endpoints("other", b).settle()
    changed = c.weirctl("snapshot", "blame", "a.test").stdout
    t.check(first[:12] not in changed, "it has changed since: " + changed)
    unchanged = c.weirctl("snapshot", "blame", "other.test").stdout
    t.contains(unchanged, "the history goes back no further")

    found = {(r["change"], r["what"], r["where"], r.get("field")): r for r in c.inspect("snapshot", "diff", first, status=1)}
    t.equal(found["changed", "path", "a.test/ prefix", "backend"]["after"], "default/other:80")
    t.equal(found["changed", "path", "a.test/ prefix", "proxy-read-timeout"]["after"], "60s")
    t.check(("removed", "path", "a.test/api prefix", None) in found and ("added", "path", "a.test/new prefix", None) in found, str(found))
    t.check("other.test" in found["changed", "endpoints", "default/other:80", None]["hosts"], str(found))
    t.check(any(r["kind"] == "host" for r in c.inspect("snapshot", "diff", first, "--raw", status=1)), "--raw")
    c.weirctl("snapshot", "blame", "nobody.test", status=1)
    c.weirctl("snapshot", "blame", status=2)
