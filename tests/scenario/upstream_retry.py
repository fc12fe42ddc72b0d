"""A refused or lost endpoint is tried elsewhere; POST only while nothing was sent (SEMANTICS I30-I32)."""
from harness.manifests import slice_of



def hang_up(connection):
    connection.request()
    connection.sock.close()


def run(t):
    c = t.cluster()
    good = t.backend("good")
    c.route("refused.test", t.refusing(), good)
    c.route("lost.test", t.backend("lost", hang_up), good)
    one, two = t.backend("one", hang_up), t.backend("two", hang_up)
    c.route("post.test", one, two)
    c.route("at-once.test", good)
    c.apply(slice_of("at-once", ("255.255.255.255", 80), number=1))
    c.start(workers=1)
    for _ in range(4):  # a connect() that fails before it waits is retried before anything waits
        t.equal(c.get("at-once.test").get("x-backend"), "good")
    for _ in range(8):
        t.equal(c.get("refused.test").get("x-backend"), "good")
        t.equal(c.get("lost.test").get("x-backend"), "good")
        t.equal(c.get("refused.test", method="POST", body="x").get("x-backend"), "good", "nothing was sent yet")
    t.equal(c.get("post.test").status, 502)
    t.equal(one.n_accepted + two.n_accepted, 3, "GET: three attempts, both were tried (I30)")
    t.equal(c.get("post.test", method="POST", body="x").status, 502)
    t.check(one.n_accepted and two.n_accepted, "both")
    t.equal(one.n_accepted + two.n_accepted, 4, "POST: one attempt (I31b)")
    t.contains(c.wait_access('"POST / HTTP/1.1" 502'), "502")
    line = next(line for line in c.access_log() if '"GET / HTTP/1.1" 200' in line and "default-refused-80" in line
                and ", " in line.split("] ")[-1])
    t.contains(line, f"127.0.0.1:{good.address[1]}")
