"""docs/security.md is true: every row has an id of its own and a test that is there, or says why none is needed and that still holds."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PLANES = ("common", "controlplane", "dataplane", "cli", "proto")
HEAD = ["id", "attack", "what Weirlock does", "tests"]
NAMED = re.compile(r"`([^`]+)`(?: \(([^)]*)\))?")
ABSENT = re.compile(r"no `([a-z0-9_]+)` in the proxy")


def read(*parts):
    path = os.path.join(ROOT, *parts)
    if not os.path.isfile(path):
        return None
    with open(path, errors="replace") as f:
        return f.read()


def sources(*planes, ends=(".c", ".h")):
    for plane in planes:
        for folder, _, names in os.walk(os.path.join(ROOT, plane)):
            yield from (os.path.join(folder, name) for name in names if name.endswith(ends))


def room_of(room):
    """A room's folder, seen from the root: the first part of a test's name, as ctest has it."""
    return next((p for plane in PLANES for p in (os.path.join(plane, room), plane) if os.path.basename(p) == room
                 and os.path.isdir(os.path.join(ROOT, p))), None)


def unit_test(name):
    """The text of ROOM/test_FILE and of the functions asked for, or what is wrong."""
    name, _, function = name.partition(":")
    room, _, stem = name.partition("/")
    folder = room_of(room)
    text = read(folder, stem + ".c") if folder else read("tests", room, stem + ".c")
    built = read(folder or os.path.join("tests", room), "CMakeLists.txt") or ""
    if text is None or not re.search(rf"\b{re.escape(stem)}\b", built):
        return None, f"{name} is no test that is built"
    if function and not (re.search(rf"^static void {function}\(", text, re.M) and len(re.findall(rf"\b{function}\(", text)) > 1):
        return None, f"{name} has no {function} that is called"
    return text, None


def fuzz_target(name):
    found = [path for path in sources("common", "controlplane", "dataplane") if os.path.basename(path) == name + ".c"]
    corpus = os.path.join(ROOT, "tests", "fuzz", "corpus", name.removeprefix("fuzz_"))
    if not found or name not in (read(os.path.dirname(found[0]), "CMakeLists.txt") or "") or not os.path.isdir(corpus) or not os.listdir(corpus):
        return None, f"{name} is no fuzz target with seeds"
    return read(found[0]), None


def text_of(name):
    part, _, rest = name.partition("/")
    if part in ("scenario", "kubernetes"):
        text = read("tests", part, rest + ".py")
        return (text, None) if text else (None, f"{name} is not there")
    if part == "fuzz":
        return fuzz_target(rest)
    if part == "translate" and rest != "hostile":
        pair = read("tests", "translate", rest + ".in.yaml"), read("tests", "translate", rest + ".out.txt")
        return ("".join(pair), None) if all(pair) else (None, f"{name} is no pair")
    return unit_test(name)


def wrong_with(row):
    """What is wrong with one row of the table."""
    if len(row) != len(HEAD) or not all(row):
        return [f"{len(row)} cells, or an empty one"]
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row[0]):
        return ["its id is no word"]
    if row[2].startswith("not applicable: "):
        words = ABSENT.findall(row[3])
        held = [f"it is applicable now, {os.path.relpath(path, ROOT)} holds {w}: name its tests" for path in sources("common", "dataplane")
                for w in words if re.search(rf"(?i)\b{w}|_{w}", read(path))]
        return held if words else ["which word tells that it is applicable?"]
    named = NAMED.findall(row[3])
    wrong = [] if named else ["no test is named"]
    for name, words in named:
        text, why = text_of(name)
        wrong += [why] if why else [f"{name} has no {word!r}" for word in words.split("; ") if word and word not in text]
    return wrong


def rows(text):
    """The cells of all tables' rows."""
    return [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in text.splitlines()
            if line.startswith("| ") and not line.startswith("| ---") and not line.startswith("| id |")]


def complaints(text):
    found, seen = [], set()
    for row in rows(text):
        found += [f"{row[0]}: {why}" for why in wrong_with(row)]
        if row[0] in seen:
            found.append(f"{row[0]}: twice")
        seen.add(row[0])
    return found if seen else ["no row"]


def uncited(text):
    """Tests that call themselves one of SECURITY and are in no row."""
    scenarios = sources(os.path.join("tests", "scenario"), ends=(".py",))
    units = (path for path in sources(*PLANES, ends=(".c",)) if os.path.basename(path).startswith(("test_", "fuzz_")))
    return [f"{os.path.relpath(path, ROOT)} says SECURITY and is in no row" for path in (*scenarios, *units)
            if "SECURITY" in read(path) and not re.search(rf"/{os.path.splitext(os.path.basename(path))[0]}[`:]", text)]


def can_fail():
    """Each way in which a sheet may be false is noticed."""
    good = "| a-b | x | y | `scenario/http_smuggling` (CL plus), `http1/test_body:test_bounds`, `fuzz/fuzz_http1`, `translate/snippet` |"
    assert complaints(good) == [], complaints(good)
    for bad in ("", "| a | x | y |", "| a | x | y | nothing |", good + "\n" + good, good.replace("CL plus", "CL moon"), good.replace("a-b", "A b"),
                good.replace("http_smuggling", "http_moon"), good.replace("test_bounds", "test_moon"), good.replace("/test_body", "/test_moon"),
                good.replace("fuzz_http1", "fuzz_moon"), good.replace("/snippet", "/moon"), "| a | x | not applicable: why | never |",
                "| a | x | not applicable: why | no `http2` in the proxy |"):
        assert complaints(bad), bad
    assert uncited(good)


def main():
    can_fail()
    text = read("docs", "security.md")
    found = complaints(text) + uncited(text)
    print("\n".join(found) or f"{len(rows(text))} rows")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
