"""Every key about the client and its fields acts on an open connection, both ways (SEMANTICS A2, A7, A25, A26, A29)."""

TRUST = {"proxy_real_ip_cidr": "127.0.0.0/8"}
CHAIN = ["X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: https", "CF-Connecting-IP: 4.4.4.4", "X-Edge-Host: edge.test", "under_score: 1"]

# (keys, what the backend then sees)
STEPS = [
    ({}, {"x-real-ip": "127.0.0.1", "x-forwarded-proto": "http", "x-original-forwarded-for": "9.9.9.9", "under_score": None}),
    ({"use_forwarded_headers": "true"}, {"x-real-ip": "9.9.9.9", "x-forwarded-for": "9.9.9.9", "x-forwarded-proto": "https"}),
    ({"use_forwarded_headers": "true", "compute_full_forwarded_for": "true"},
     {"x-real-ip": "9.9.9.9", "x-forwarded-for": "9.9.9.9, 127.0.0.1"}),
    ({"compute_full_forwarded_for": "true"}, {"x-forwarded-for": "127.0.0.1"}),
    ({"enable_real_ip": "true"}, {"x-real-ip": "9.9.9.9", "x-forwarded-for": "9.9.9.9", "x-forwarded-proto": "http"}),
    ({"enable_real_ip": "true", "forwarded_for_header": "CF-Connecting-IP"},
     {"x-real-ip": "4.4.4.4", "x-original-forwarded-for": "4.4.4.4", "cf-connecting-ip": "4.4.4.4"}),
    ({"use_forwarded_headers": "true", "forwarded_for_header": "CF-Connecting-IP", "compute_full_forwarded_for": "true"},
     {"x-real-ip": "4.4.4.4", "x-forwarded-for": "9.9.9.9, 127.0.0.1"}),
    ({"forwarded_host_header": "X-Edge-Host"}, {"x-original-forwarded-host": "edge.test"}),
    ({"proxy_add_original_uri_header": "true"}, {"x-original-uri": "/p?q=1"}),
    ({"proxy_add_original_uri_header": "false"}, {"x-original-uri": "/forged"}),
    ({"enable_underscores_in_headers": "true"}, {"under_score": "1"}),
    ({"generate_request_id": "false"}, {"x-request-id": None}),
    ({"generate_request_id": "true"}, {"x-request-id": lambda v: len(v) == 32}),
]


def run(t):
    c = t.cluster()
    b = t.backend()
    c.config(**TRUST)
    c.route("a.test", b, annotations={"ssl-redirect": "false"}).start()
    client = c.client()
    for keys, expected in [*STEPS, *reversed(STEPS)]:
        c.config(**TRUST, **keys).settle()
        t.equal(client.get("/p?q=1", host="a.test", headers=[*CHAIN, "X-Original-URI: /forged"]).status, 200)
        for name, value in expected.items():
            got = b.last.get(name)
            t.check(value(got) if callable(value) else got == value, f"{keys}: {name} is {got!r}, expected {value!r}")
    t.check(client.is_open(), "all of it on one connection")
