"""http2-max-concurrent-streams and http2-connection-memory: over them a stream is refused (REFUSED_STREAM, so that a client may
ask again), the connection lives (SEMANTICS F2)."""
import threading

from harness import backend, http2


def run(t):
    gate = threading.Event()
    c = t.cluster()
    b = t.backend(handler=backend.holding(gate))
    c.config(http2_max_concurrent_streams=5).route("a.test", b).start(workers=1)
    with http2.Client(c.http()) as client:  # it cannot know the limit so far
        streams = [client.open(target="/slow") for _ in range(5)]
        t.equal(client.ask(target="/sixth").reset, http2.REFUSED_STREAM)
        t.equal(client.settings[http2.MAX_CONCURRENT_STREAMS], 5)
        b.wait(lambda b: len(b.requests) == 5, "five are at work")
        # streams that the client gave up count no longer once their work has ended
        client.rst(streams.pop())
        client.ping()  # in one read with the reset, the next one would still be one too many
        streams.append(client.open(target="/slow"))
        b.wait(lambda b: len(b.requests) == 6, "another one is")
        gate.set()
        for s in streams:
            t.equal(client.answer(s).status, 200)
        t.equal(client.ask(target="/next").status, 200)
        gate.clear()
        for _ in range(6):  # it knows: this breaks the protocol
            client.open(target="/slow")
        t.equal(client.drain()[1], http2.PROTOCOL_ERROR)
        t.check(all(r.target != "/sixth" for r in b.requests), "the sixth reached nobody")
    c.config(http2_connection_memory="128k").settle()
    with http2.Client(c.http()) as client:
        streams = [client.open(target="/slow", extra=[("x-a", "v" * 7000)] * 3) for _ in range(8)]
        client.ping()
        gate.set()
        ends = [(client.answer(s).status, client.streams[s].reset) for s in streams]
        refused = ends.count((None, http2.REFUSED_STREAM))
        t.check(1 <= refused < 8, f"{refused} of 8 are refused")
        t.equal(ends.count((200, None)), 8 - refused)
        t.equal(client.ask(target="/next").status, 200, "memory is back")
    text = c.admin("/metrics").body.decode()
    t.contains(text, 'weirlock_http2_refused_total{reason="streams"} 1', f'weirlock_http2_refused_total{{reason="memory"}} {refused}')
