"""Bytes of a response go on as they come: an event stream is seen event by event (SEMANTICS G7)."""
import threading


def run(t):
    go = [threading.Semaphore(0)]

    def answer(connection):
        while connection.request():
            connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            for i in range(5):
                event = b"data: %d\n\n" % i
                connection.send(b"%x\r\n%b\r\n" % (len(event), event))
                go[0].acquire(timeout=30)
            connection.send("0\r\n\r\n")

    c = t.cluster()
    c.route("a.test", t.backend(handler=answer)).start()
    for tls in (None, "a.test"):
        with c.client(tls=tls) as client:
            client.request("/events")
            t.equal(client.head().status, 200)
            for i in range(5):
                size = int(client.reader.line(), 16)
                t.equal(client.reader.exactly(size + 2), b"data: %d\n\n\r\n" % i)
                go[0].release()  # the next event is sent only now
            t.equal(client.reader.line(), "0")
