"""A 64 MiB upload arrives whole; when the backend does not read, the proxy stops reading too: memory stays bounded."""
import hashlib
import threading

from harness import wait

SIZE = 64 * 1024 * 1024
PIECE = bytes(range(256)) * 256


def run(t):
    gate = threading.Event()
    seen = {}

    def answer(connection):
        request = connection.head()
        gate.wait(60)
        left, digest = int(request.get("content-length")), hashlib.sha256()
        while left:
            data = connection.reader.exactly(min(left, 65536))
            digest.update(data)
            left -= len(data)
        seen["sum"] = digest.hexdigest()
        connection.reply(200, "got it")

    c = t.cluster()
    b = t.backend(handler=answer)
    c.route("a.test", b, annotations={"proxy-body-size": "0", "proxy-request-buffering": "off"}).start()
    before = c.proxies[0].rss_kib()
    client = c.client(seconds=60)
    client.request("/up", method="POST", headers=[f"Content-Length: {SIZE}"])
    sent = {"bytes": 0}
    digest = hashlib.sha256()

    def upload():
        while sent["bytes"] < SIZE:
            client.send(PIECE)
            digest.update(PIECE)
            sent["bytes"] += len(PIECE)

    uploading = threading.Thread(target=upload, daemon=True)
    uploading.start()
    b.wait(lambda b: b.n_open, "the proxy asks the backend")
    stuck = {"at": -1, "times": 0}

    def is_stuck():
        stuck["times"] = stuck["times"] + 1 if sent["bytes"] == stuck["at"] and sent["bytes"] > 0 else 0
        stuck["at"] = sent["bytes"]
        return stuck["times"] >= 10

    wait.until(is_stuck, "the upload stops because nobody reads it", every=0.1)
    grown = c.proxies[0].rss_kib() - before
    t.check(sent["bytes"] < SIZE // 2, f"{sent['bytes']} bytes were taken although the backend reads none")
    t.check(grown < 16 * 1024, f"the proxy grew by {grown} KiB")
    t.say(f"stuck after {sent['bytes'] // 1024} KiB, proxy grew by {grown} KiB")
    gate.set()
    t.equal(client.response().text, "got it")
    uploading.join()
    t.equal(seen["sum"], digest.hexdigest())
