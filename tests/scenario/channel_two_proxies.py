"""Two proxies follow one controller: same snapshot id, each acknowledged, seen by weirctl status (DESIGN: channel)."""
from harness import wait


def rows(status):
    return status["proxies"] if isinstance(status, dict) else [r for r in status if "proxy" in str(r.get("name", ""))]


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend()).start(proxies=2)
    for n in range(5):
        c.route(f"h{n}.test", t.backend()).settle()

    def in_step():
        found = rows(c.inspect("status"))
        ids = {str(r.get("snapshot") or r.get("applied_id") or r.get("snapshot_id")) for r in found}
        states = {str(r.get("state")) for r in found}
        return len(found) == 2 and len(ids) == 1 and "None" not in ids and states == {"synced"}

    wait.until(in_step, f"both in step: {c.inspect('status')}")
    c.proxies[1].stop()
    wait.until(lambda: len(rows(c.inspect("status"))) == 1 or "silent" in str(c.inspect("status")), "the one that left is told")
    c.route("last.test", t.backend())
    c.until_serves("last.test")
