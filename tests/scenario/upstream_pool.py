"""Backend connections are kept and used for other clients; one that the backend closed is replaced unseen (SEMANTICS G16)."""
import threading

from harness import wait


def run(t):
    c = t.cluster()
    b = t.backend()
    c.route("a.test", b).start(workers=1)
    for _ in range(20):
        t.equal(c.get("a.test").status, 200)
    t.equal(b.n_accepted, 1, "one connection serves one client after another")
    # the backend closes its idle connection: the next requests do not notice
    for _ in range(5):
        for connection in list(b.connections.values()):
            try:
                connection.sock.shutdown(2)
            except OSError:
                pass  # it was closed a moment ago
        t.equal(c.get("a.test", method="POST", body="x").status, 200)
    # a connection with an answer left over is not used again: one that came with the right answer, and one that came later
    def chatty(connection):
        while connection.request():
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngoodHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")

    def late(connection):
        while connection.request():
            connection.reply(200, "good").send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")

    for handler in (chatty, late):
        evil = t.backend(handler.__name__, handler)
        c.route(handler.__name__ + ".test", evil).settle()
        for number in range(1, 11):
            t.equal(c.get(handler.__name__ + ".test").text, "good", handler.__name__)
            evil.wait(lambda b: not b.n_open, "the connection with the surplus is closed")
            t.equal(evil.n_accepted, number)
    # as many at once as there are requests
    busy = threading.Barrier(10, timeout=20)

    def together(connection):
        while request := connection.request():
            busy.wait()
            connection.echo(request)

    many = t.backend("many", together)
    c.route("many.test", many).settle()
    clients = [c.client().request(host="many.test") for _ in range(10)]
    t.equal([client.response().status for client in clients], [200] * 10)
    t.equal(many.n_accepted, 10)
    c.config(upstream_keepalive_timeout=1).settle()
    wait.until(lambda: 'weirlock_upstream_connections{state="idle"}' in c.admin("/metrics").text, "a gauge of idle connections")
