"""The same bytes to nginx, HAProxy and us: each difference in what the backend sees is explained (docs/differential.md; SECURITY)."""
import os

from harness import differential, differential_cases, haproxy, scenario

DOCUMENT = os.path.join(scenario.ROOT, "docs", "differential.md")
HEAD = ["case", "nginx", "HAProxy", "Weirlock", "why"]
SECONDS = 180


def cell(text):
    """Text for one cell of a table; what cannot be seen is written as a code."""
    shown = "".join(c if " " <= c <= "~" else f"\\x{ord(c):02x}" for c in text)
    return shown.replace("|", "\\|")


def rows(text):
    """The document's table, by case."""
    found = {}
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            cells = [part.strip() for part in line.strip("|").split(" | ")]
            found[cells[0].strip()] = [part.strip() for part in cells[1:]]
    found.pop(HEAD[0], None)
    return found


def written(text, names, outcomes, why):
    """The document with its table made anew; what explains a row stays."""
    before = text[:text.index("| " + HEAD[0])]
    table = ["| " + " | ".join(HEAD) + " |", "| --- " * len(HEAD) + "|"]
    for name in names:
        table.append(f"| {name} | " + " | ".join(outcomes[name]) + f" | {why.get(name, '')} |")
    return before + "\n".join(table) + "\n"


def run(t):
    haproxy.need(t)
    c = t.cluster()
    recorder = t.own(differential.Recorder())
    c.route("a.test", recorder).start()
    sides = [*differential.peers(t), differential.Side("weirlock", c.http(), recorder, c.proxies[0])]
    names = list(differential_cases.CASES)
    cases = [differential_cases.data(name, n) for n, name in enumerate(names)]
    by_side = [side.outcomes(cases) for side in sides]
    outcomes = {name: [cell(by_side[s][n]) for s in range(3)] for n, name in enumerate(names)}
    with open(DOCUMENT) as f:
        text = f.read()
    known = rows(text)
    if os.environ.get("WEIRLOCK_UPDATE"):
        with open(DOCUMENT, "w") as f:
            f.write(written(text, names, outcomes, {name: row[3] for name, row in known.items() if len(row) > 3}))
        return
    wrong, n_different = [], 0
    for name, now in outcomes.items():
        row = known.get(name, ["", "", "", ""])
        if now[2] != row[2]:
            wrong.append(f"{name}: we gave {now[2]!r}, {row[2]!r} is written")
        if len(set(now)) > 1:
            n_different += 1
            if not row[3]:
                wrong.append(f"{name}: no explanation of nginx {now[0]!r}, HAProxy {now[1]!r}, ours {now[2]!r}")
    t.check(not wrong, "docs/differential.md (WEIRLOCK_UPDATE=1 writes it anew):\n" + "\n".join(wrong))
    t.say(f"{len(names)} requests, {n_different} with a difference, each explained")
