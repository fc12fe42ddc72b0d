"""All that is measured of the data path on one page: ours, nginx's, the ratio, its goal and its spread."""

NAME = "all-datapath"
SAYS = "every scenario of the data path, and one table of ours, nginx's, ratio, goal and spread: some ten minutes"
NAMES = ["keepalive", "keepalive-log", "newconn", "tls", "http2", "100k", "10m", "tls-100k", "handshakes", "messages", "proxyheaders",
         "hosts", "latency", "websockets", "instructions"]
RATIOS = {"keepalive": 1.6, "keepalive-log": 1.6, "newconn": 1.2, "tls": 1.6, "http2": 1.4, "100k": 1.35, "10m": 3.0, "tls-100k": 1.0}
OTHER_RATIOS = {"handshakes": 1.0, "messages": 1.0}
PROXY_RATIO, HOSTS_RATIO, LOOK_UP_RATIO, HOSTS_MIB = 1.2, 1.6, 1.5, 60
ADDED = {"seconds": ("until it is served", "s", 0.05), "peak_mib": ("memory at most", "MiB", 100),
         "failed": ("requests that failed", "", 0)}
WEBSOCKET_KIB = {"plain": 3, "tls": 15}
COSTS = {"instructions": ("instructions of our own", 6000, 0), "calls": ("system calls", 4.3, 2)}
BEGIN, END = "<!-- tests/bench/run all-datapath --page README.md -->\n", "<!-- end of the page -->\n"


def _row(what, ours, nginx, goal, is_met, ratio=None, spread=""):
    said = f"{ratio:.2f} ×" if ratio is not None else ""
    return f"| {what} | {ours} | {nginx} | {said} | {goal} | {spread} | {'yes' if is_met else 'NO'} |"


def _compared(what, r, goal):
    """A result of traffic.compared: ratios of requests per CPU-second."""
    us, (low, high) = r["us_per_request"], r["ratio_range"]
    spread = f"{low:.2f}–{high:.2f}" + (f", {r['disturbed']} disturbed" if r["disturbed"] else "")
    return _row(what, f"{us['weirlock']:.2f} µs", f"{us['nginx']:.2f} µs", f"≥ {goal}", r["ratio"] >= goal, r["ratio"], spread)


def _at_most(what, ours, nginx, unit, goal, digits=0):
    said = ["" if n is None else f"{n:,.{digits}f} {unit}".strip() for n in (ours, nginx)]
    return _row(what, *said, f"≤ {goal:,}", ours <= goal)


def _proxyheaders(r):
    for v, ratio in r["ratio"].items():
        one = {"us_per_request": {who: r["us_per_request"][f"{who} {v}"] for who in ("nginx", "weirlock")}, "ratio": ratio,
               "ratio_range": r["ratio_range"][v], "disturbed": r["disturbed"]}
        yield _compared(f"PROXY header {v}, a connection a request", one, PROXY_RATIO)


def _hosts(r):
    beside, found = r["beside"], r["look_up"]
    yield _compared(f"{r['hosts']:,} hosts, two routes each", beside, HOSTS_RATIO)
    yield _at_most("memory of the proxy with them", beside["memory_mib"]["weirlock"], beside["memory_mib"]["nginx"], "MiB", HOSTS_MIB)
    for what, (says, unit, goal) in ADDED.items():
        yield _at_most(f"one host added: {says}", *(beside["added"][who][what] for who in ("weirlock", "nginx")), unit, goal,
                       3 if what == "seconds" else 0)
    low, high = found["ratio_range"]
    yield _row("a request with them all against one with 10", f"{found['us_per_request']['many']:.2f} µs",
               f"{found['us_per_request']['few']:.2f} µs (ours, 10 hosts)", f"≤ {LOOK_UP_RATIO}", found["ratio"] <= LOOK_UP_RATIO,
               found["ratio"], f"{low:.2f}–{high:.2f}")


def _latency(r):
    for q, ratios in r["ratio"].items():
        ordered = sorted(ratios)
        yield _row(f"latency at half load, {q}", f"{r['us']['weirlock'][q]:.0f} µs", f"{r['us']['nginx'][q]:.0f} µs", "no worse",
                   r["us"]["weirlock"][q] <= r["us"]["nginx"][q], ordered[len(ordered) // 2], f"{ordered[0]:.2f}–{ordered[-1]:.2f}")


def _websockets(r):
    for kind, goal in WEBSOCKET_KIB.items():
        yield _at_most(f"an idle WebSocket, {kind}", r["kib"]["weirlock"][kind], r["kib"]["nginx"][kind], "KiB", goal, 2)


def _instructions(r):
    for what, (says, goal, digits) in COSTS.items() if r else ():
        yield _at_most(f"{says}, a keep-alive request", r[what]["weirlock"]["keepalive"], r[what]["nginx"]["keepalive"], "", goal, digits)


def table(result):
    lines = ["| what | Weirlock | nginx | ratio | goal | spread | met |", "|---|---|---|---|---|---|---|"]
    lines += [_compared(f"{r['says']} (`{name}`)", r, RATIOS[name]) for name, r in result.get("traffic", {}).items()]
    for name, goal in OTHER_RATIOS.items():
        lines += [_compared(f"{name}, {kind}" if kind != name else name, r, goal) for kind, r in result.get(name, {}).items()]
    for name, rows in (("proxyheaders", _proxyheaders), ("hosts", _hosts), ("latency", _latency), ("websockets", _websockets),
                       ("instructions", _instructions)):
        if name in result:
            lines += rows(result[name])
    return "\n".join(lines) + "\n"


def can_write(path):
    """A file has a place for the page."""
    with open(path) as f:
        text = f.read()
    return 0 <= text.find(BEGIN) < text.find(END)


def write(path, result):
    """The page into the place that a file has for it, in place of the last one."""
    with open(path) as f:
        before, rest = f.read().split(BEGIN, 1)
    with open(path, "w") as f:
        f.write(f"{before}{BEGIN}{result['machine']['text']}\n\n{table(result)}{END}{rest.split(END, 1)[1]}")
