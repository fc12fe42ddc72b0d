"""Where we are safer than ingress-nginx, both ways: by default, with `compatibility: ingress-nginx`, and each key alone, live on one
connection (SEMANTICS A3, A9, A24, A26, A28)."""

HEADERS = ["X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.test", "X-Forwarded-Port: 444",
           "X_Real_IP: 6.6.6.6", "ssl-client-verify: SUCCESS", "Connection: X-Forwarded-For, X-Real-IP, keep-alive"]
STRANGER = "192.0.2.0/24"  # not the peer
UNDERSCORES = {"use_forwarded_headers": "true", "enable_underscores_in_headers": "true", "compute_full_forwarded_for": "true"}

# key -> what the backend then sees, beside the safe answers
SAFE = {"x-real-ip": "127.0.0.1", "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http", "x-forwarded-host": "a.test",
        "x_real_ip": None, "ssl-client-verify": None}
KEYS = {
    "forwarded_headers_from_anyone": {"x-forwarded-proto": "https", "x-forwarded-host": "evil.test", "x-forwarded-port": "444"},
    "keep_untrusted_forwarded_for": {"x-forwarded-for": "6.6.6.6, 127.0.0.1"},
    "pass_lookalike_headers": {"x_real_ip": "6.6.6.6"},
    "pass_ssl_client_headers": {"ssl-client-verify": "SUCCESS"},
}


def run(t):
    c = t.cluster()
    b = t.backend()
    c.config(proxy_real_ip_cidr=STRANGER, **UNDERSCORES)
    c.route("a.test", b, annotations={"ssl-redirect": "false"}).start()
    client = c.client()

    def seen(what, expected):
        t.equal(client.get("/", host="a.test", headers=HEADERS).status, 200)
        for name, value in expected.items():
            t.equal(b.last.get(name), value, f"{what}: {name}")

    seen("by default", SAFE)
    for key, differs in KEYS.items():
        c.config(proxy_real_ip_cidr=STRANGER, **UNDERSCORES, **{key: "true"}).settle()
        seen(key, {**SAFE, **differs})
    everything = {**SAFE, **{k: v for differs in KEYS.values() for k, v in differs.items()}}
    c.config(proxy_real_ip_cidr=STRANGER, compatibility="ingress-nginx", **UNDERSCORES).settle()
    seen("compatibility", everything)
    c.config(compatibility="ingress-nginx", **UNDERSCORES).settle()  # and upstream's own default trust
    seen("compatibility, everybody trusted", {**everything, "x-real-ip": "6.6.6.6"})
    t.contains(str(c.problems()), "each client can forge its address")
    c.config(compatibility="ingress-nginx", forwarded_headers_from_anyone="false", pass_ssl_client_headers="false",
             proxy_real_ip_cidr=STRANGER, **UNDERSCORES).settle()
    seen("single keys count more", {**everything, "x-forwarded-proto": "http", "x-forwarded-host": "a.test", "x-forwarded-port": str(c.http()[1]),
                                    "ssl-client-verify": None})
    c.config(proxy_real_ip_cidr=STRANGER, **UNDERSCORES).settle()
    seen("and back", SAFE)
    t.check(client.is_open(), "all of it on one connection")
