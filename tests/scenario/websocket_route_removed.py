"""A removed route ends the WebSockets that run through it, and only those (DESIGN: the proxy)."""
from harness.manifests import ingress
from harness.websocket import WebSocket


def run(t):
    c = t.cluster()
    b = t.backend()
    c.route("a.test", b).route("b.test", b).start()
    gone, stays = WebSocket(c.http(), "a.test"), WebSocket(c.http(), "b.test")
    gone.echo("1")
    c.delete(ingress("a", "a.test"))
    t.equal(gone.client.wait_closed(), b"", "ended")
    stays.echo("2")
    c.until_serves("a.test", want=404)
    stays.echo("3")
    c.wait_access(" 101 ")
    t.contains(c.admin("/metrics").text, "route_removed")
