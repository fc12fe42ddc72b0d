"""A proxy away for many changes gets one delta; what an unknown controller serves differently is repaired, not sent whole (CHANNEL 4)."""
import re
import signal

from harness import wait

FORMS = ("delta", "repair", "whole")


def received(c, proxy):
    return {form: c.metric(f'weirlock_snapshots_received_total{{form="{form}"}}', proxy) for form in FORMS}


def sent_bytes(c):
    text = c.admin("/metrics", c.controllers[0]).text
    return {form: float(re.search(rf'^weirlock_controller_sent_bytes_total{{form="{form}"}} (\S+)$', text, re.M).group(1)) for form in FORMS}


def in_step(c, n):
    rows = c.inspect("status")
    return len({row.get("snapshot_id") for row in rows}) == 1 and [row["state"] for row in rows].count("synced") == n


def run(t):
    c = t.cluster()
    backend = t.backend()
    for n in range(40):
        c.route(f"h{n}.test", backend)
    c.start(proxies=2)
    wait.until(lambda: in_step(c, 2), "both in step")
    t.equal(received(c, 0)["whole"], 1)

    # one of two stands still while the other follows, change by change
    before = [received(c, 0), received(c, 1)]
    bytes_before = sent_bytes(c)
    c.proxies[1].signal(signal.SIGSTOP)
    for n in range(12):
        c.route(f"late{n}.test", backend)
        wait.until(lambda n=n: c.get(f"late{n}.test").status == 200, f"the other proxy serves late{n}.test")
    c.proxies[1].signal(signal.SIGCONT)
    c.until_serves("late11.test")
    wait.until(lambda: in_step(c, 2), "both in step again")
    after = [received(c, 0), received(c, 1)]
    followed, caught_up = (after[i]["delta"] - before[i]["delta"] for i in (0, 1))
    t.check(followed >= 12, f"{followed:.0f} deltas for twelve changes")
    # the answer that was on its way when it was stopped, and one for all the rest
    t.check(1 <= caught_up <= 2, f"{caught_up:.0f} deltas for the one that was away")
    t.equal([after[i]["whole"] + after[i]["repair"] for i in (0, 1)], [1, 1], "nothing else was sent")
    sent = sent_bytes(c)["delta"] - bytes_before["delta"]
    t.say(f"{followed:.0f} deltas to one, {caught_up:.0f} to the other, {sent:.0f} bytes in all")
    t.check(0 < sent < bytes_before["whole"] / 2, f"{sent:.0f} bytes of deltas, {bytes_before['whole']:.0f} of two wholes")

    # a controller that never had what the proxies serve: only what differs goes over the wire
    old = c.controllers[0]
    old.kill()
    c.route("new.test", backend)
    c.controllers.clear()
    c.controller("controller-2", old.listen)
    c.until_serves("new.test")
    wait.until(lambda: in_step(c, 2), "both in step with the new controller")
    now = [received(c, 0), received(c, 1)]
    t.equal([n["whole"] for n in now], [1, 1], "no whole snapshot was sent again")
    t.equal([n["repair"] for n in now], [1, 1])
    sent = sent_bytes(c)
    t.say(f"repairs {sent['repair'] / 2:.0f} bytes each, the whole was {bytes_before['whole'] / 2:.0f}")
    t.check(0 < sent["repair"] < bytes_before["whole"] / 2, f"{sent}")
    t.equal(sent["whole"], 0)
    c.route("last.test", backend)
    c.until_serves("last.test")
    t.check(received(c, 0)["delta"] > now[0]["delta"], "deltas again")
