"""Without a last good snapshot a proxy alone is not ready; a damaged, cut, foreign or later one is refused with a line, and replaced."""
import os
import shutil

from harness import scenario, wait


def _flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend()).start()
    first, controller = c.proxies[0], c.controllers[0]
    path = os.path.join(first.state, "last-good.sealed")
    wait.until(lambda: os.path.exists(path), "the last good snapshot is written")
    with open(path, "rb") as f:
        good = f.read()
    controller.kill()
    first.kill()
    c.proxies.clear()
    other = os.path.join(t.directory, "other")
    scenario.make_identity(other)

    cases = {
        "none": (None, "there is no last good snapshot yet", None),
        "empty": (b"", "it is empty", None),
        "text": (b"apiVersion: v1\n" * 10, "it is no sealed file", None),
        "head": (good[:40], "it is cut off within its head", None),
        "cut": (good[:-100], "it is cut off", None),
        "damaged": (_flip(good, len(good) // 2), "it is damaged", None),
        "age": (_flip(good, 23), "it is damaged", None),  # the time in the head is sealed too
        "format": (_flip(good, 11), "it is of another format", None),
        "schema": (good[:12] + b"\0\0\0\x63" + good[16:], "it is of a later schema", None),
        "foreign": (good, "it was sealed with another key", os.path.join(other, "proxy")),
    }
    for name, (data, line, identity) in cases.items():
        state = os.path.join(t.directory, name + ".state")
        os.mkdir(state)
        if data is not None:
            with open(os.path.join(state, "last-good.sealed"), "wb") as f:
                f.write(data)
        p = c.proxy(name, controllers=[controller.listen], identity=identity, wait_ready=False)
        p.wait_log(line)
        p.wait_log("waiting for a controller")
        t.check("ready " not in p.out(), f"{name}: not ready")
        t.equal(p.stop(), 0, name)
        if data is not None:
            with open(os.path.join(state, "last-good.sealed"), "rb") as f:
                t.equal(f.read(), data, f"{name}: what could not be read is left as it was")
    # a directory in its place, and a link: refused as well, and the file of another is not followed
    for name, make in (("link", lambda at: os.symlink(path, at)), ("folder", os.mkdir)):
        state = os.path.join(t.directory, name + ".state")
        os.mkdir(state)
        make(os.path.join(state, "last-good.sealed"))
        p = c.proxy(name, controllers=[controller.listen], wait_ready=False)
        p.wait_log("the last good snapshot is not used")
        p.wait_log("waiting for a controller")
        t.equal(p.stop(), 0)

    # a damaged one is replaced as soon as there is a controller; one from an earlier day is caught up from
    c.proxies.clear()
    c.controllers.clear()
    c.controller("controller-2", controller.listen)
    p = c.proxy("damaged", controllers=[controller.listen])
    path = os.path.join(p.state, "last-good.sealed")
    wait.until(lambda: b"weirlock_last_good_writes_total 1" in c.admin("/metrics", of=p).body, "written anew")
    t.contains(c.admin("/metrics", of=p).body.decode(), "weirlock_last_good_refused_total 1\n")
    shutil.copy(path, path + ".old")
    c.route("b.test", t.backend()).until_serves("b.test")
    p.kill()
    c.proxies.clear()
    os.rename(path + ".old", path)
    p = c.proxy("damaged", controllers=[controller.listen])
    c.until_serves("b.test")

    # a directory that is none: said at once
    with open(os.path.join(t.directory, "file"), "w"):
        pass
    p = c.proxy("nowhere", controllers=[controller.listen], wait_ready=False,
                options=["--state-dir", os.path.join(t.directory, "file")])
    t.equal(p.wait_end(), 5)
    t.contains(p.err(), "--state-dir", "nothing can be kept there")
    p.expected_status = 5
