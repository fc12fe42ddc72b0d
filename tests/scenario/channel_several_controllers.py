"""Several controllers: a proxy watches one, by an order of its own, and turns to another at once when that one is killed, hangs, leaves or
is behind a line that passes nothing any more; nothing is sent by the other one, since it serves the same (CHANNEL: 4.4, acceptance 8)."""
import signal
import time

from harness import wait
from harness.candidates import name_for
from harness.relay import Relay


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend())
    one, two, three = (c.controller(name) for name in ("one", "two", "three"))
    relay = Relay(int(one.listen.rsplit(":", 1)[1]))
    through = "tcp://{}:{}".format(*relay.address)

    def sessions(p):
        row = c.inspect("status", of=p, status=None)[0]
        return row.get("watches"), row.get("standby")

    def received():
        """Answers with configuration, ever, of both proxies."""
        return sum(c.metric(f'weirlock_snapshots_received_total{{form="{form}"}}', i) for i in (0, 1) for form in ("delta", "repair", "whole"))

    def until_at(p, *want, seconds=wait.SECONDS):
        wait.until(lambda: sessions(p) == want, f"{p.name} watches and holds {want}", seconds)

    try:
        p = c.proxy(name_for("p", through, two.listen), [two.listen, through])
        q = c.proxy(name_for("q", three.listen, two.listen), [two.listen, three.listen])
        until_at(p, "one", "two")
        until_at(q, "three", "two")
        rows = c.inspect("status", of=two, status=None)
        t.equal(sorted((r["name"], r["state"], r["watches"], r["standby"]) for r in rows if r["role"] == "proxy"),
                sorted([(p.name, "standby", "one", "two"), (q.name, "standby", "three", "two")]))
        c.weirctl("status", of=two)  # which is no finding
        before = received()

        # a line that passes nothing, and a controller that hangs; meanwhile changes go to who is not behind them
        n = relay.n_connections
        relay.freeze()
        three.signal(signal.SIGSTOP)
        began = time.monotonic()
        c.proxies.append(c.proxies.pop(0))  # a third one that is at neither
        r = c.proxy("r", [two.listen])
        until_at(p, "two", "", seconds=60)
        t.say(f"a line that passes nothing was left after {time.monotonic() - began:.1f} s; {relay.n_connections - n} connection since")
        t.check(relay.n_connections - n <= 2, f"{relay.n_connections - n} connections")
        until_at(q, "two", "", seconds=60)
        t.equal(received(), before, "nothing was sent for that")
        relay.thaw()
        three.signal(signal.SIGCONT)
        until_at(p, "two", "one", seconds=60)
        until_at(q, "two", "three", seconds=60)
        c.route("b.test", t.backend())
        c.until_serves("b.test")

        # killed, then told to leave
        before = received()
        c.controllers.remove(two)
        two.kill()
        until_at(p, "one", "")
        until_at(q, "three", "")
        t.equal(received(), before, "nothing was sent for that")
        two = c.controller("two-again", two.listen)
        until_at(p, "one", "two-again")
        until_at(q, "three", "two-again")
        wait.until(lambda: [r["standby"] for r in c.inspect("status", of=three, status=None) if r["role"] == "proxy" and r["name"] == q.name] == ["two-again"],
                   "it has said where it would turn")
        before = received()
        three.stop()
        until_at(q, "two-again", "")
        t.equal(received(), before, "nothing was sent for that")
        q.wait_log("the controller is leaving.*to=two-again", "it was told where to go")
        t.check(r.is_running and c.get("b.test", proxy=2).status == 200, "the third one never noticed")

        # both of a proxy, one after the other, while the cluster changes
        one.kill()
        two.kill()
        c.route("c.test", t.backend())
        c.controller("one-again", one.listen)
        c.controller("two-once-more", two.listen)
        c.until_serves("c.test", seconds=60)
        t.equal(c.get("a.test").status, 200)
    finally:
        relay.close()
