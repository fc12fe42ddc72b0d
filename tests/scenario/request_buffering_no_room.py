"""Where bodies cannot be kept (no directory, a full disk, --body-mib) they stream, that is said once, and nothing fails (G6)."""
import os

from harness import process, wait

SIZE = 3 * 1024 * 1024


def upload(t, c, i):
    with c.client(i) as client:
        client.request("/", method="POST", headers=[f"Content-Length: {SIZE}"]).send(b"x" * SIZE)
        t.equal(client.response().status, 200)


def run(t):
    c = t.cluster()
    b = t.backend()
    c.config(proxy_body_size="0")
    c.route("a.test", b).controller()
    c.proxy("little", options=["--body-mib", "1"], workers=1)
    upload(t, c, 0)
    c.proxies[0].wait_log("request bodies are streamed.*--body-mib is reached")
    upload(t, c, 0)
    t.equal(c.metric("weirlock_bodies_not_kept_total", 0), 2)
    t.equal(c.proxies[0].err().count("request bodies are streamed"), 1, "lines about it in a minute")
    t.equal(c.metric("weirlock_body_file_bytes", 0), 0)
    t.equal(b.requests[-1].get("content-length"), str(SIZE))

    nowhere = os.path.join(t.directory, "nowhere")
    done = t.keep(process.run([t.program("weirlock-proxy"), "--controller", "tcp://127.0.0.1:1", "--identity", t.identity("proxy"), "--http",
                               "127.0.0.1:0", "--https", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--body-dir", nowhere]))
    t.equal(done.returncode, 5)
    t.contains(done.stderr, "--body-dir: cannot write in " + nowhere + ": no such file or directory")

    if process.run(["unshare", "-m", "true"]).returncode:
        t.say("no mount namespace can be made: a full disk was not tried")
        return
    small = os.path.join(t.directory, "small")
    os.makedirs(small)
    c.proxy("full", options=["--body-dir", small], workers=1,
            wrap=["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=1m none "$0" && exec "$@"', small])
    upload(t, c, 1)
    c.proxies[1].wait_log("request bodies are streamed.*no space left on device")
    wait.until(lambda: c.metric("weirlock_body_file_bytes", 1) == 0, "the disk is free again")
    with c.client(1) as client:
        client.request("/", method="POST", headers=["Content-Length: 500000"]).send(b"y" * 500000)
        t.equal(client.response().status, 200)
    t.equal(c.metric("weirlock_bodies_not_kept_total", 1), 1, "a smaller one fits")
