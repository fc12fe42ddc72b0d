"""One answer to who the client is: allow list, deny list, block-cidrs, hashing, access log and backend all have it (SEMANTICS A12, I4,
J20, J21)."""

CHAIN = "X-Forwarded-For: 6.6.6.6, {client}, 10.1.1.1"


def endpoints_of(client, address):
    """The endpoints that ten requests of this client come to, where the address is the key."""
    asked = [client.get("/", host="hash.test", headers=[CHAIN.format(client=address)]) for _ in range(10)]
    return {answer.get("x-backend") for answer in asked}


def run(t):
    c = t.cluster()
    b, other = t.backend("b"), t.backend("other")
    keys = {"use_forwarded_headers": "true", "proxy_real_ip_cidr": "127.0.0.0/8,10.0.0.0/8",
            "log_format_upstream": "$req_id $remote_addr $status"}
    c.config(**keys)
    c.route("allow.test", b, annotations={"allowlist-source-range": "203.0.113.0/24"})
    c.route("deny.test", b, annotations={"denylist-source-range": "203.0.113.0/24"})
    c.route("hash.test", b, other, annotations={"upstream-hash-by": "$remote_addr"})
    c.route("open.test", b).start()
    client = c.client()
    records = []

    def ask(host, address, want):
        request_id = f"id-{len(records)}"
        records.append(f"{request_id} {address} {want}")
        status = client.get("/", host=host, headers=[CHAIN.format(client=address), f"X-Request-ID: {request_id}"]).status
        t.equal(status, want, f"{host} for {address}")
        if status == 200:
            t.equal((b.last.get("x-real-ip"), b.last.all("x-forwarded-for")), (address, [address]), "the backend")

    ask("allow.test", "203.0.113.7", 200)
    ask("allow.test", "198.51.100.7", 403)
    ask("deny.test", "203.0.113.7", 403)
    ask("deny.test", "198.51.100.7", 200)
    ask("open.test", "203.0.113.7", 200)
    owners = [endpoints_of(client, f"203.0.113.{i}") for i in range(1, 21)]
    t.check(all(len(found) == 1 for found in owners), f"a client has one endpoint: {owners}")
    t.equal(set().union(*owners), {"b", "other"}, "clients have not all the same")
    c.config(**keys, block_cidrs="203.0.113.7,2001:db8::/32").settle()
    ask("open.test", "203.0.113.7", 403)
    ask("open.test", "2001:db8::5", 403)
    ask("open.test", "203.0.113.8", 200)
    # nobody is believed: the same words change nothing
    c.config(log_format_upstream=keys["log_format_upstream"]).settle()
    t.equal(client.get("/", host="allow.test", headers=[CHAIN.format(client="203.0.113.7")]).status, 403)
    t.equal(client.get("/", host="deny.test", headers=[CHAIN.format(client="203.0.113.7")]).status, 200)
    t.equal(len(set().union(*(endpoints_of(client, f"203.0.113.{i}") for i in range(1, 21)))), 1, "all of these are one peer")
    for record in records:
        t.equal(c.wait_access(record.split()[0] + " "), record, "the log")
