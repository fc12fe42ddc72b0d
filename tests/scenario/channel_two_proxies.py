"""Two proxies follow one controller: same snapshot id, each acknowledged, seen by weirctl status (DESIGN: channel)."""
from harness import wait


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend()).start(proxies=2)
    for n in range(5):
        c.route(f"h{n}.test", t.backend()).settle()

    def in_step():
        status = c.inspect("status")
        return (len(status) == 3 and len({row.get("snapshot_id") for row in status}) == 1
                and {row["state"] for row in status if row["role"] == "proxy"} == {"synced"})

    wait.until(in_step, f"both in step: {c.inspect('status')}")
    c.proxies[1].stop()
    wait.until(lambda: [row["name"] for row in c.proxy_rows() if row["state"] == "synced"] == ["proxy-1"], "the one that left is told")
    c.route("last.test", t.backend())
    c.until_serves("last.test")
