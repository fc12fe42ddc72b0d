"""A proxy in a zone uses the endpoints meant for it, all of them where a hint is missing (SEMANTICS H7)."""
from harness.manifests import ingress, service, slice_of


def hinted(name, backend, zone, number):
    made = slice_of(name, backend.address, number=number)
    if zone:
        made["endpoints"][0]["hints"] = {"forZones": [{"name": zone}]}
    return made


def run(t):
    c = t.cluster()
    one, two, three = t.backend("one"), t.backend("two"), t.backend("three")
    for name, zones in {"all": ["a", "b", "a"], "half": ["a", None, "b"]}.items():
        c.apply(service(name), ingress(name, name + ".test", "/", name),
                *(hinted(name, b, z, i) for i, (b, z) in enumerate(zip((one, two, three), zones))))
    c.controller()
    c.proxy(options=["--zone", "a"])
    c.proxy(options=["--zone", "b"])
    c.proxy()

    def used(host, proxy):
        with c.client(proxy) as client:
            return {client.get(host=host).get("x-backend") for _ in range(12)}

    t.equal(used("all.test", 0), {"one", "three"})
    t.equal(used("all.test", 1), {"two"})
    t.equal(used("all.test", 2), {"one", "two", "three"}, "a proxy without a zone")
    for proxy in range(3):
        t.equal(used("half.test", proxy), {"one", "two", "three"}, "never half")
