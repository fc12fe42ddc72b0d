"""Every word of proxy-next-upstream alone, tries and timeout (SEMANTICS I30 to I35): what each tries elsewhere, and what it does not."""
import time

from harness import wait
from harness.manifests import ingress

STATUSES = (500, 502, 503, 504, 403, 404, 429)


def hang_up(connection):
    connection.request()
    connection.sock.close()


def quiet(connection):
    connection.request()
    connection.wait_closed(60)


def nonsense(connection):
    connection.request()
    connection.send("no response at all\r\n\r\n")
    connection.wait_closed(60)


def says(status):
    def handler(connection):
        while request := connection.request():
            connection.reply(status, "bad", head_only=request.method == "HEAD")
    return handler


def run(t):
    c = t.cluster()
    good = t.backend("good")
    bad = {"error": t.backend("error", hang_up), "timeout": t.backend("timeout", quiet),
           "invalid_header": t.backend("invalid", nonsense)}
    bad.update({f"http_{status}": t.backend(f"http-{status}", says(status)) for status in STATUSES})
    plain = {"error": 502, "timeout": 504, "invalid_header": 502, **{f"http_{status}": status for status in STATUSES}}
    # a hash that is the same for all: the ring says who is first, which may be the good one; so several keys are asked
    notes = {"upstream-hash-by": "$arg_k", "proxy-read-timeout": 1}
    for name, backend in bad.items():
        c.expose(name.replace("_", "-"), backend, good)

    def route(host, service, words, **more):
        more = {key.replace("_", "-"): value for key, value in more.items()}
        c.apply(ingress(host, host + ".test", "/", service, annotations={**notes, "proxy-next-upstream": words, **more}))

    others = {"error": "timeout http_503", "timeout": "error http_504", "invalid_header": "error timeout"}
    for name in bad:
        service = name.replace("_", "-")
        route(service + "-on", service, name)
        route(service + "-other", service, others.get(name, "error timeout invalid_header"))
        route(service + "-off", service, "off")
    route("post", "http-503", "error http_503")
    route("twice", "http-503", "error http_503 non_idempotent")
    c.config(keep_alive_requests=100000).start(workers=1)

    def key_of(host, backend):
        """A key whose first endpoint is the bad one."""
        for k in range(64):
            n = backend.n_accepted, len(backend.requests)
            c.get(host, f"/?k={k}")
            if (backend.n_accepted, len(backend.requests)) != n:
                return k
        raise AssertionError("the ring has one endpoint")

    for name, backend in bad.items():
        service = name.replace("_", "-")
        key = key_of(service + "-off.test", backend)
        got = {what: c.get(f"{service}-{what}.test", f"/?k={key}").status for what in ("on", "other", "off")}
        t.equal(got, {"on": 200, "other": plain[name], "off": plain[name]}, name)

    key = key_of("post.test", bad["http_503"])
    for method in ("POST", "LOCK", "PATCH"):  # I32
        t.equal(c.get("post.test", f"/?k={key}", method=method, body="x").status, 503, method)
        t.equal(c.get("twice.test", f"/?k={key}", method=method, body="x").status, 200, method)
    for method in ("GET", "PUT", "DELETE", "OPTIONS", "HEAD"):
        t.equal(c.get("post.test", f"/?k={key}", method=method).status, 200, method)

    # tries: all attempts, the first included (I30); the last one's status is the answer (I35)
    several = [t.backend(f"s{i}", says(503)) for i in range(5)]
    c.expose("several", *several)
    for tries, want in ((1, 1), (2, 2), (3, 3), (4, 4), (9, 5), (0, 5)):
        c.apply(ingress(f"tries-{tries}", f"tries-{tries}.test", "/", "several",
                        annotations={"proxy-next-upstream": "http_503", "proxy-next-upstream-tries": tries}))
    c.settle()
    for tries, want in ((1, 1), (2, 2), (3, 3), (4, 4), (9, 5), (0, 5)):
        before = [len(b.requests) for b in several]
        t.equal(c.get(f"tries-{tries}.test").status, 503)
        asked = [len(b.requests) - n for b, n in zip(several, before)]
        if tries <= 5:
            t.equal(sorted(asked, reverse=True)[:want], [1] * want, f"{tries} tries: each once")
            t.equal(sum(asked), want, f"{tries} tries")
        else:  # more tries than endpoints: nobody a second time before everybody was asked
            t.equal(sum(asked), tries, f"{tries} tries")
            t.check(max(asked) - min(asked) <= 1, f"{tries} tries: {asked}")

    # timeout (I34): the span in which a retry may begin
    slow = [t.backend(f"slow{i}", quiet) for i in range(3)]
    c.expose("slow", *slow)
    for name, timeout in (("short", 1), ("long", 60)):
        c.apply(ingress(name, name + ".test", "/", "slow", annotations={"proxy-read-timeout": 1, "proxy-next-upstream-timeout": timeout}))
    c.settle()
    began = time.monotonic()
    t.equal(c.get("short.test").status, 504)
    t.equal(sum(len(b.requests) for b in slow), 1, "the first took all of the time")
    t.equal(c.get("long.test").status, 504)
    t.equal(sum(len(b.requests) for b in slow), 4, "three tries")
    t.check(time.monotonic() - began >= 3.5, "each waited for its second")
    wait.until(lambda: "504, 504, 504" in "\n".join(c.access_log()), "all attempts are in the log")
