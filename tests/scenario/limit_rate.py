"""limit-rate gives a response out at so many kilobytes a second after limit-rate-after, buffered or not, live (SEMANTICS J33)."""
import time

SIZE = 1024 * 1024


def answer(connection):
    while request := connection.request():
        connection.reply(200, b"x" * SIZE, head_only=request.method == "HEAD")


def seconds(c, host):
    began = time.monotonic()
    with c.client(seconds=60) as client:
        response = client.get("/", host=host)
    assert len(response.body) == SIZE, len(response.body)
    return time.monotonic() - began


def run(t):
    c = t.cluster()
    b = t.backend(handler=answer)
    slow = {"limit-rate": "512", "limit-rate-after": "256"}  # 768 KiB at 512 KiB a second
    c.route("slow.test", b, annotations=slow).route("buffered.test", b, annotations={**slow, "proxy-buffering": "on"})
    c.route("free.test", b, annotations={"limit-rate": "-1"}).start(workers=1)
    said = []
    for host in ("slow.test", "buffered.test"):
        took = seconds(c, host)
        t.check(took >= 1.2, f"{host}: {took:.2f} s are too few for 768 KiB at 512 KiB a second")
        said.append(f"{host} {took:.2f} s")
    t.equal(len(c.get("free.test").body), SIZE)
    c.config(limit_rate="700").settle()
    c.route("free.test", b).settle()
    took = seconds(c, "free.test")
    t.check(took >= 1.2, f"the ConfigMap's: {took:.2f} s for 1 MiB at 700 KiB a second")
    t.say(", ".join(said))
    t.equal(c.get("slow.test", method="HEAD").status, 200)
