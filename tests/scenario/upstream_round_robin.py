"""Round robin spreads evenly over the endpoints of several slices; the same address in two slices counts once (SEMANTICS H2, I2)."""
from collections import Counter

from harness.manifests import slice_of


def run(t):
    c = t.cluster()
    backends = [t.backend(f"b{i}") for i in range(4)]
    c.route("a.test", *backends)
    c.apply(slice_of("a", backends[0].address, number=9))
    c.start(workers=1)
    with c.client() as client:
        counts = Counter(client.get(host="a.test").get("x-backend") for _ in range(80))
    t.equal(counts, {f"b{i}": 20 for i in range(4)})
