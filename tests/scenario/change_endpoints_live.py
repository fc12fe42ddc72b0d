"""Endpoints come and go while a connection is kept: every request finds a living one, no request fails (SEMANTICS G12, H)."""
import threading

from harness import wait


def run(t):
    c = t.cluster()
    backends = [t.backend(f"b{i}") for i in range(3)]
    c.config(keep_alive_requests=1_000_000).route("a.test", backends[0]).start(proxies=2)
    stop, failed, counts = threading.Event(), [], []

    def load(proxy):
        n = 0
        with c.client(proxy) as client:
            while not stop.is_set():
                r = client.get(host="a.test")
                n += 1
                if r.status != 200:
                    failed.append(r)
        counts.append(n)

    loads = [threading.Thread(target=load, args=(p,), daemon=True) for p in (0, 1)]
    for thread in loads:
        thread.start()
    for step in ([0, 1], [1], [1, 2], [2], [0, 1, 2], [0]):
        c.endpoints("a", *(backends[i] for i in step))
        for proxy in (0, 1):
            wanted = {f"b{i}" for i in step}
            seen = set()

            def all_seen():
                seen.clear()
                for _ in range(12):
                    seen.add(c.get("a.test", proxy=proxy).get("x-backend"))
                return seen == wanted
            wait.until(all_seen, f"proxy {proxy} uses {wanted} (saw {seen})")
    stop.set()
    for thread in loads:
        thread.join(20)
    t.equal(failed, [])
    t.check(len(counts) == 2 and min(counts) > 10, f"requests made meanwhile: {counts}")
