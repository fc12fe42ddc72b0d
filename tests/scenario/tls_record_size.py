"""ssl-buffer-size bounds the plaintext of every TLS record, seen on the wire; auto is small, then large, then small after
idleness (SEMANTICS F2)."""
import ssl

from harness import records, wait

SMALL, LARGE, SMALL_RUN = 1349, 16384, 40 * 1349
EXTRA = {ssl.TLSVersion.TLSv1_2: 29, ssl.TLSVersion.TLSv1_3: 22}  # AES-GCM: 5 + 8 + 16, and 5 + 1 + 16


def serve(connection):
    """/N answers with N bytes."""
    while request := connection.request():
        size = int(request.target[1:])
        connection.reply(200, bytes(i % 251 for i in range(size)))


def full(t, client, size, what):
    """Records are as large as they may be: all but the last of each write, and a write is large."""
    t.check(max(client.sizes) == size, f"{what}: the largest record is {max(client.sizes)}, not {size}")
    t.check(client.sizes.count(size) >= len(client.sizes) * 3 // 4, f"{what}: {client.sizes}")


def shown(c):
    return next(row["shown"] for row in c.inspect("settings") if row["setting"] == "ssl-buffer-size")


def fixed(t, c, version):
    client = t.own(records.Client(c.https(), "a.test", version))
    for key, size in (("4k", 4096), ("16k", 16384), ("1000", 1000), ("9999", 9999), ("512", 512)):
        c.config(ssl_buffer_size=key).settle()
        for which, x in (("new", t.own(records.Client(c.https(), "a.test", version))), ("open", client)):
            _, body = x.get("/300000", "a.test")
            t.equal(body, bytes(i % 251 for i in range(300000)))
            full(t, x, size, f"{version.name} {key}, {which} connection")
            t.equal({w - s for w, s in zip(x.wire, x.sizes)}, {EXTRA[version]}, "what TLS adds to a record")


def automatic(t, c, version):
    c.config(ssl_buffer_size="auto").settle()
    t.equal(shown(c), "auto")
    client = t.own(records.Client(c.https(), "a.test", version))
    for what in ("a new connection", "after idleness"):
        client.get("/5000", "a.test")
        t.check(max(client.sizes) == SMALL and len(client.sizes) <= 5, f"{what}: {client.sizes}")
        _, body = client.get("/1000000", "a.test")
        t.equal(len(body), 1000000)
        sent, small = 0, [s for s in client.sizes if s <= SMALL]
        for number, size in enumerate(client.sizes):
            if size > SMALL:
                break
            sent += size
        t.check(SMALL_RUN - 8000 <= sent <= SMALL_RUN + SMALL, f"{what}: small for {sent} bytes: {client.sizes}")
        t.check(all(s >= SMALL * 0.9 for s in small[:number - 3]), f"{what}: small ones are full: {client.sizes}")
        t.check(client.sizes[number:].count(LARGE) > len(client.sizes[number:]) * 3 // 4, f"{what}: then large: {client.sizes}")
        client.get("/5000", "a.test")
        t.check(len(client.sizes) == 1, f"right after bulk: {client.sizes}")
        wait.pause(1.2)  # what is tested is that a second without a byte counts


def run(t):
    c = t.cluster()
    c.config(ssl_buffer_size="4k").route("a.test", t.backend(handler=serve), annotations={"ssl-redirect": "false"}).start()
    for version in EXTRA:
        fixed(t, c, version)
        automatic(t, c, version)
    c.config(ssl_buffer_size="automatic").settle()
    t.contains(str(c.problems()), "or auto", "ssl-buffer-size")
    client = t.own(records.Client(c.https(), "a.test", ssl.TLSVersion.TLSv1_3))
    client.get("/5000", "a.test")
    t.equal(max(client.sizes), SMALL, "a bad value keeps the last good one")
