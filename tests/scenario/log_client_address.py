"""The access log can say who vouched for whom: the chain and the reason, in a format and in the built-in JSON line (SEMANTICS A5, N1)."""
import json


def run(t):
    c = t.cluster()
    b = t.backend()
    c.config(use_forwarded_headers="true", proxy_real_ip_cidr="127.0.0.0/8,10.0.0.0/8",
             log_format_upstream="$req_id $remote_addr $client_address_reason [$client_address_chain] $pass_access_scheme $best_http_host $pass_port")
    c.route("a.test", b, annotations={"ssl-redirect": "false"}).start()
    p = c.proxy("json", options=["--log-format", "json"])
    cases = {
        "k1": ("1.2.3.4, 10.0.0.5, 8.8.8.8, 10.1.1.1", "8.8.8.8", "first_untrusted",
               "127.0.0.1 < 10.1.1.1 < *8.8.8.8 < (10.0.0.5) < (1.2.3.4)"),
        "k2": ("10.9.9.9, 10.1.1.1", "10.9.9.9", "all_trusted", "127.0.0.1 < 10.1.1.1 < *10.9.9.9"),
        "k3": ("1.2.3.4, bad\"\\, 10.1.1.1", "10.1.1.1", "bad_element", "127.0.0.1 < *10.1.1.1 < (bad\"\\) < (1.2.3.4)"),
        "k4": ("", "127.0.0.1", "no_chain", "*127.0.0.1"),
    }
    for key, (chain, client, reason, shown) in cases.items():
        for number in (0, 1):
            c.get("a.test", "/", proxy=number, headers=[f"X-Request-ID: {key}", f"X-Forwarded-For: {chain}", "X-Forwarded-Proto: https",
                                                        "X-Forwarded-Host: front.test", "X-Forwarded-Port: 444"])
        escaped = shown.replace("\\", "\\x5C").replace('"', "\\x22")
        t.equal(c.wait_access(key), f"{key} {client} {reason} [{escaped}] https front.test 444")
        record = json.loads(c.wait_access(f'"{key}"', proxy=1))
        t.equal((record["remote_addr"], record["client_address_reason"], record["client_address_chain"]), (client, reason, shown))
    c.config(log_format_upstream="$req_id $client_address_reason [$client_address_chain]").settle()
    for number in (0, 1):
        c.get("a.test", "/", proxy=number, headers=["X-Request-ID: k5", "X-Forwarded-For: 6.6.6.6"])
    t.equal(c.wait_access("k5"), "k5 off [*127.0.0.1 < (6.6.6.6)]")
    record = json.loads(c.wait_access('"k5"', proxy=1))
    t.equal((record["client_address_reason"], "client_address_chain" in record), ("off", False))
    t.equal(p.is_running, True)
