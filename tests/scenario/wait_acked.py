"""`weirctl wait`: 0 once proxies serve an object's newest version, 1 with the problem when it is set aside, 3 with who is behind,
4 without a controller; deletions too (USERS 2.2: wait --acked)."""
import json
import signal
import threading

from harness import wait
from harness.manifests import ingress


def run(t):
    c = t.cluster()
    a, b = t.backend("a"), t.backend("b")
    c.route("a.test", a).expose("b", b).start(proxies=2)
    c.weirctl("wait", "--acked", "ingress/default/a")
    c.weirctl("wait", "--acked", "ing/a", "--acked", "svc/a", "--acked", "cm/ingress/controller", "--proxies", "2")
    # every change is live on both when the command returns, and not only nearly so
    for n in range(8):
        c.apply(ingress("a", "a.test", f"/v{n}", "a"))
        wait.until(lambda: f"/v{n}" in json.dumps(c.inspect("routes")), "the controller has seen it")
        c.weirctl("wait", "--acked", "ingress/default/a")
        for proxy in range(2):
            t.equal(c.get("a.test", f"/v{n}", proxy).status, 200, f"change {n} on proxy {proxy}")
    _waits_for_what_comes(t, c)
    _set_aside(t, c)
    _behind(t, c)
    _deleted(t, c)
    _histogram(t, c)
    c.weirctl("wait", "--acked", "pod/default/a", status=2)
    c.weirctl("wait", "--acked", "ingress/default/a", "--proxies", "none", status=2)
    c.weirctl("wait", status=2)
    nobody = f"tcp://127.0.0.1:{wait.free_port()}"
    c.weirctl("--controller", nobody, "wait", "--acked", "ingress/default/a", of="", status=4)


def _waits_for_what_comes(t, c):
    """Not there yet: waited for."""
    done = []
    waiting = threading.Thread(target=lambda: done.append(c.weirctl("wait", "--acked", "ingress/default/late", "--timeout", "60s",
                                                                    seconds=90)))
    waiting.start()
    c.apply(ingress("late", "late.test", "/", "b"))
    waiting.join()
    t.check(done, "it came")
    for proxy in range(2):
        t.equal(c.get("late.test", proxy=proxy).status, 200)
    never = c.weirctl("wait", "--acked", "ingress/default/never", "--timeout", "1", status=1)
    t.contains(never.stderr, "Ingress default/never", "has not seen it")
    c.apply(ingress("other", "other.test", "/", "b", class_name="other"))
    wait.until(lambda: "by its class it is another's" in
               c.weirctl("wait", "--acked", "ingress/default/other", "--timeout", "1", status=1).stderr, "of another class")


def _set_aside(t, c):
    c.apply(ingress("a", "a.test", "/new", "b", annotations={"load-balance": "best please"}))
    wait.until(lambda: c.problems(), "the controller has seen it")
    done = c.weirctl("wait", "--acked", "ingress/default/a", status=1)
    t.contains(done.stderr, "set aside", "load-balance", "best please")
    # a fault that does not keep it from being served is told as well, once it is served so
    c.apply(ingress("a", "a.test", "/", "nowhere"))
    wait.until(lambda: "load-balance" not in json.dumps(c.problems()), "seen")
    c.weirctl("wait", "--acked", "ingress/default/a", status=None)
    c.apply(ingress("a", "a.test", "/", "a")).settle()
    c.weirctl("wait", "--acked", "ingress/default/a")


def _behind(t, c):
    """A stopped proxy is behind, and named; one of two is enough where one is asked for."""
    c.proxies[1].signal(signal.SIGSTOP)
    try:
        c.apply(ingress("a", "a.test", "/stopped", "a"))
        wait.until(lambda: "/stopped" in json.dumps(c.inspect("routes")), "seen")
        c.weirctl("wait", "--acked", "ingress/default/a", "--proxies", "1")
        done = c.weirctl("wait", "--acked", "ingress/default/a", "--timeout", "2s", "-o", "json", status=3)
        t.contains(done.stderr, "1 of 2", "proxy-2")
        t.check("proxy-1" not in done.stderr, "it is not behind")
        t.equal(json.loads(done.stdout)[0]["behind"], ["proxy-2"])
        # what it has already is not waited for, however far it is behind otherwise
        c.weirctl("wait", "--acked", "service/default/a", "--timeout", "2s")
        done = c.weirctl("wait", "--acked", "service/default/a", "--proxies", "3", "--timeout", "1s", status=3)
        t.contains(done.stderr, "2 proxies are connected, 3 wanted")
    finally:
        c.proxies[1].signal(signal.SIGCONT)
    c.weirctl("wait", "--acked", "ingress/default/a", "--timeout", "60s", seconds=90)
    t.equal(c.get("a.test", "/stopped", 1).status, 200)


def _deleted(t, c):
    late = ingress("late", "late.test", "/", "b")
    done = c.weirctl("wait", "--deleted", "ingress/default/late", "--timeout", "1", status=3)
    t.contains(done.stderr, "still there")
    c.delete(late)
    c.weirctl("wait", "--deleted", "ingress/default/late", "--timeout", "60s", seconds=90)
    for proxy in range(2):
        t.equal(c.get("late.test", proxy=proxy).status, 404)


def _histogram(t, c):
    text = c.admin("/metrics", c.controllers[0]).text
    values = {}
    for line in text.splitlines():
        if line.startswith("weirlock_propagation_seconds_count"):
            values[line.split('"')[1]] = int(line.split()[-1])
    t.check(values["built"] >= 8 and values["sent"] >= 2 * 8 and values["acked"] >= 8, f"each stage is counted: {values}")
