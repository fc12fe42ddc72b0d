"""The webhook says no to a bad Ingress before it is stored, by TLS, with the text of the problem, and survives whoever asks (N10)."""
import os
import shutil
import signal
import socket
import ssl
import time

from harness import process, wait, wire
from harness.manifests import ingress
from harness.reviews import Asker, review

SECONDS = 120


def curl(t, made, address, *words, stdin=None):
    host, port = address
    return process.run(["curl", "-sS", "--max-time", "30", "--cacert", made.cert_path, "--resolve", f"hook.test:{port}:{host}", *words,
                        f"https://hook.test:{port}/validate"], 40, stdin=stdin)


def handshake(address, ca, client=None):
    asker = Asker(address, ca, client)
    try:
        return asker.certificate()
    finally:
        asker.close()


def options(made, files, *more):
    for path, to in ((made.cert_path, "hook.crt"), (made.key_path, "hook.key")):
        shutil.copy(path, os.path.join(files, to))
    return ["--validating-webhook", "127.0.0.1:0", "--validating-webhook-certificate", os.path.join(files, "hook.crt"),
            "--validating-webhook-key", os.path.join(files, "hook.key"), *more]


def questions(t, c, ask):
    """Yes, no, and what is said."""
    answer = ask.ask(review("CREATE", ingress("new", "new.test", "/", "a")))
    t.equal((answer["uid"], answer["allowed"], "warnings" in answer), ("705ab4f5-6393-11e8-b7cc-42010a800002", True, False))
    answer = ask.ask(review("CREATE", ingress("new", "a.test", "/", "a")))
    t.equal(answer["allowed"], False)
    t.contains(answer["status"]["message"], "Ingress default/new: spec.rules[0].http.paths[0]: host a.test has path / from Ingress default/a "
               "already (C9); take the path out of one of them")
    answer = ask.ask(review("CREATE", ingress("new", "new.test", "/", "a", annotations={"proxy-read-timeout": "60s"})))
    t.equal(answer["allowed"], False)
    t.contains(answer["status"]["message"], "proxy-read-timeout: '60s' is not", "; ")
    answer = ask.ask(review("CREATE", ingress("new", "new.test", "/", "a", annotations={"proxy-read-timeuot": "60"})))
    t.equal(answer["allowed"], True)
    t.contains(answer["warnings"][0], "did you mean proxy-read-timeout?")
    t.equal(ask.ask(review("CREATE", ingress("new", "a.test", "/", "a", class_name="other")))["allowed"], True)
    # nothing of all that has left a trace
    t.equal(c.problems(), [])
    # what is stored meanwhile is known at once
    c.apply(ingress("more", "more.test", "/", "a"))
    c.until_serves("more.test")
    t.equal(ask.ask(review("CREATE", ingress("new", "more.test", "/", "a")))["allowed"], False)


def bad_questions(t, made, address, ask):
    status, fields, text = ask.send("POST", "/validate", "{")
    t.equal((status, text), (400, "the body is no JSON\n"))
    t.equal(ask.send("POST", "/", "[]")[0], 400)
    status, fields, text = ask.send("GET", "/validate")
    t.equal((status, fields["Allow"]), (405, "POST"))
    t.equal(ask.send("POST", "/any/path?x", review("CREATE", ingress("new", "new.test", "/", "a")))[0], 200)
    done = curl(t, made, address, "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", "@-", stdin="x" * (4 * 1024 * 1024 + 1))
    t.equal((done.returncode, done.stdout), (0, "413"), done.stderr)
    # in chunks nobody says how much comes
    done = curl(t, made, address, "-o", "/dev/null", "-w", "%{http_code}", "-H", "Transfer-Encoding: chunked", "--data-binary", "@-",
                stdin="x" * (4 * 1024 * 1024 + 1))
    t.contains(done.stdout, "413")
    # in clear
    with socket.create_connection(address, 30) as s:
        s.sendall(b"POST /validate HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}")
        t.contains(s.recv(1000).decode(), "HTTP/1.1 400 ", "Connection: close")


def slow_clients(t, c, made, address, ask):
    """They are closed in their time, and nobody waits for them."""
    context = ssl.create_default_context(cafile=made.cert_path)
    slow = []
    for first in (b"", b"POST /validate HT", b"POST /validate HTTP/1.1\r\nHost: hook.test\r\nContent-Length: 1000\r\n\r\n{"):
        s = context.wrap_socket(socket.create_connection(address, 60), server_hostname="hook.test")
        s.sendall(first)
        slow.append(s)
    slow.append(socket.create_connection(address, 60))  # does not even begin TLS
    t.equal(ask.ask(review("CREATE", ingress("new", "new.test", "/", "a")))["allowed"], True)
    t.equal(c.get("a.test").status, 200)
    for s in slow:
        try:
            t.equal(s.recv(100), b"")
        except ConnectionError:
            pass
        s.close()
    many = [socket.create_connection(address, 30) for _ in range(520)]
    t.equal(c.get("a.test").status, 200)
    for s in many:
        s.close()
    asker = Asker(address, made.cert_path)
    wait.until(lambda: _allowed(asker), "it is heard again", 30)
    asker.close()


def _allowed(asker):
    try:
        return asker.ask(review("CREATE", ingress("new", "new.test", "/", "a")))["allowed"]
    finally:
        asker.connection.close()


def renewed(t, c, made, address, files):
    other = t.certificate("renewed.test", "hook.test")
    t.equal(handshake(address, made.cert_path), made.der)
    with open(os.path.join(files, "new"), "w") as f:
        f.write("nonsense")
    os.rename(os.path.join(files, "new"), os.path.join(files, "hook.key"))
    def complains():
        t.equal(handshake(address, made.cert_path), made.der, "the old one stays")
        return "certificate changed and is bad, the old one stays" in c.controllers[0].err()
    wait.until(complains, "the bad key is told")
    options(other, files)
    wait.until(lambda: _served(address, other), "the new certificate is served")


def _served(address, made):
    try:
        return handshake(address, made.cert_path) == made.der
    except ssl.SSLError as error:
        raise OSError(str(error)) from error


def _timed(ask):
    began = time.monotonic()
    ask()
    return (time.monotonic() - began) * 1000


def leaves(t, c, made, files):
    """A rollout: not ready, but who asks is answered, and told to ask another; a second signal ends the wait."""
    p = c.controller(options=options(made, files, "--shutdown-grace-period", "600"))
    ask = Asker(wire.split(p.ready["admission"]), made.cert_path)
    question = review("CREATE", ingress("new", "new.test", "/", "a"))
    t.check(ask.ask(question)["allowed"], "asked on a connection that is kept")
    took = sorted(_timed(lambda: ask.ask(question)) for _ in range(200))
    t.say(f"an answer takes {took[100]:.1f} ms, p99 {took[198]:.1f} ms, with sanitizers")
    p.signal(signal.SIGTERM)
    p.wait_log("leaving: not ready, answering the API server for another 600 s")
    t.equal(c.admin("/readyz", p).status, 503)
    status, fields, _ = ask.send("POST", "/validate", question)
    t.equal((status, fields.get("connection")), (200, "close"))
    ask.close()
    ask = Asker(wire.split(p.ready["admission"]), made.cert_path)
    t.check(ask.ask(question)["allowed"], "a new connection is answered too")
    ask.close()
    p.signal(signal.SIGTERM)
    t.equal(p.wait_end(), 0)

    p = c.controller(options=options(made, files, "--shutdown-grace-period", "1"))
    t.equal(p.stop(), 0)
    t.contains(p.err(), "leaving: not ready", "stopping: proxies keep serving")


def run(t):
    c = t.cluster()
    files = os.path.join(t.directory, "hook")
    os.mkdir(files)
    made, client, stranger = t.certificate("hook.test"), t.certificate("client"), t.certificate("stranger")
    c.route("a.test", t.backend())
    c.controller(options=options(made, files))
    c.proxy()
    address = wire.split(c.controllers[0].ready["admission"])
    ask = t.own(Asker(address, made.cert_path))
    questions(t, c, ask)
    bad_questions(t, made, address, ask)
    t.contains(c.admin("/metrics", c.controllers[0]).text, 'weirlock_controller_admission_reviews_total{answer="denied"}')
    slow_clients(t, c, made, address, ask)
    renewed(t, c, made, address, files)
    t.equal(c.get("a.test").status, 200)
    t.equal(c.problems(), [])

    # only who has a certificate of these CAs
    second = c.controller(options=options(made, files, "--admission-client-ca", client.cert_path))
    address = wire.split(second.ready["admission"])
    for who, heard in ((client, True), (stranger, False), (None, False)):
        asker = Asker(address, made.cert_path, who)
        try:
            answer = asker.ask(review("CREATE", ingress("new", "new.test", "/", "a")))
            t.check(heard and answer["allowed"], f"{who and who.names[0]} is heard")
        except (ssl.SSLError, ConnectionError) as error:
            t.check(not heard, f"{who and who.names[0]} is not heard: {error}")
        asker.close()

    leaves(t, c, made, files)

    # what is asked for and cannot be is said at once
    for words, status, text in (
            (["--admission", "127.0.0.1:0"], 2, "give --validating-webhook-certificate"),
            (["--admission", "nowhere", *options(made, files)[2:]], 2, "'nowhere' is not ADDR:PORT"),
            (["--admission-client-ca", "x"], 2, "give that too"),
            (["--admission", second.ready["admission"], *options(made, files)[2:]], 4, "address already in use"),
            (["--admission", "127.0.0.1:0", "--validating-webhook-certificate", "/nothing", "--validating-webhook-key", "/nothing"], 5, "/nothing: ")):
        done = process.run([t.program("weirlock-controller"), *c.source_options(), "--listen", f"tcp://127.0.0.1:{wait.free_port()}", "--identity",
                            t.identity("controller"), "--admin", "127.0.0.1:0", *words], 30)
        t.equal(done.returncode, status, done.stderr)
        t.contains(done.stderr, text)

