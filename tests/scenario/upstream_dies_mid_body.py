"""A backend that dies within a body: the client's connection is cut so that it can tell, never ended as if whole (SEMANTICS D3)."""
from harness import wire


def run(t):
    def length(connection):
        connection.request()
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        connection.sock.close()

    def chunks(connection):
        connection.request()
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        connection.sock.close()

    def bad_chunk(connection):
        connection.request()
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzzz\r\n")
        connection.request()

    c = t.cluster()
    handlers = {"length.test": length, "chunks.test": chunks, "bad.test": bad_chunk}
    for host, handler in handlers.items():
        c.route(host, t.backend(handler=handler))
    c.start()
    for host in handlers:
        for tls in (None, host):
            with c.client(tls=tls) as client:
                try:
                    r = client.get(host=host)
                    # what is seen to be broken before its head went on may become a 502
                    t.check(r.status == 502, f"{host}: taken for whole: {r}")
                except (wire.Closed, OSError):
                    pass
    c.wait_access("length.test" if "length.test" in "".join(c.access_log()) else "default-length-80")
