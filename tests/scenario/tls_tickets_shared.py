"""Any proxy resumes any session: ticket keys come from the controllers, rotate, and show nowhere (SEMANTICS F2; openssl s_client)."""
import os

from harness import process, wait
from harness.manifests import secret

OWN = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk8="


def run(t):
    c = t.cluster()
    c.apply(secret("a", t.certificate("a.test"))).route("a.test", t.backend(), tls={"a": ["a.test"]})
    c.config(ssl_session_tickets="true", ssl_session_ticket_rotation="1h")
    c.controller()
    c.controller()
    c.proxy(controllers=[c.controllers[0].listen])
    c.proxy(controllers=[c.controllers[1].listen])

    def connect(proxy, version, session, take=True):
        host, port = c.https(proxy)
        words = ["-sess_in", session] if take and os.path.exists(session) else []
        done = process.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", "a.test", version, "-ign_eof", *words,
                            "-sess_out", session], stdin="GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
        t.contains(done.stdout, "HTTP/1.1 200")
        return "Reused, TLSv1" in done.stdout

    def across(text):
        for version in ("-tls1_2", "-tls1_3"):
            session = os.path.join(t.directory, "session" + version)
            t.check(not connect(0, version, session, take=False), "a first connection resumed")
            for proxy in (1, 0, 1):
                t.check(connect(proxy, version, session), f"{text}: proxy {proxy + 1} did not resume {version}")

    def ids():
        return [c.inspect("snapshot", "list", of=of)[0]["id"] for of in c.controllers]

    across("keys of the controllers")
    wait.until(lambda: len(set(ids())) == 1, f"two controllers, one id: {ids()}")
    first = ids()[0]

    # rotated: another snapshot by itself, and what was sealed before opens still
    session = os.path.join(t.directory, "old")
    c.config(ssl_session_tickets="true", ssl_session_ticket_rotation="3s", ssl_session_timeout="1h").settle()
    connect(0, "-tls1_3", session, take=False)
    before = ids()[0]
    t.check(first != before, "other settings have the same id")
    wait.until(lambda: ids()[0] != before, "the keys were rotated")
    wait.until(lambda: len(set(ids())) == 1, "two controllers, one id after rotation")
    t.check(connect(1, "-tls1_3", session), "a ticket from before the rotation was not taken")

    # the operator's own
    c.config(ssl_session_tickets="true", ssl_session_ticket_key=OWN).settle()
    across("the operator's key")
    shown = "".join(c.weirctl(*verb, "-o", "json", of=of, status=None).stdout for of in (c.controllers[0], c.proxies[0])
                    for verb in (["settings"], ["problems"], ["snapshot", "show"], ["snapshot", "diff"]))
    shown += c.weirctl("snapshot", "show", "-o", "yaml").stdout + c.controllers[0].err() + c.proxies[0].err()
    t.check(OWN[:12] not in shown and "101112131415" not in shown, "the key shows in an answer or a log")
    c.config(ssl_session_tickets="true", ssl_session_ticket_key="c2VjcmV0").settle()
    told = c.weirctl("problems", status=None).stdout
    t.contains(told, "ssl-session-ticket-key")
    t.check("c2VjcmV0" not in told and OWN[:12] not in told, "the key shows in a problem")

    # neither tickets nor a cache
    c.config(ssl_session_cache="false").settle()
    session = os.path.join(t.directory, "none")
    connect(0, "-tls1_2", session, take=False)
    t.check(not connect(0, "-tls1_2", session), "resumed without tickets and cache")
