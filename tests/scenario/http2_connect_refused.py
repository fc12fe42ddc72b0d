"""Extended CONNECT (RFC 8441) is not spoken: it is not announced, and who asks all the same gets 501, never a tunnel and never a
backend; the connection goes on."""
from harness import http2
from harness.http2 import request_fields


def run(t):
    c = t.cluster()
    b = t.backend()  # it would accept an upgrade
    c.route("a.test", b).start(workers=1)
    for address, options in ((c.http(), {}), (c.https(), {"tls": "a.test"})):
        with http2.Client(address, **options) as client:
            client.until(lambda: client.settings, "SETTINGS")
            t.equal(client.settings.get(http2.ENABLE_CONNECT_PROTOCOL), None, "not announced")
            for end in (True, False):
                asked = client.open(request_fields(method="CONNECT", target="/chat", extra=[
                    (":protocol", "websocket"), ("sec-websocket-version", "13")]), end=end)
                t.equal(client.answer(asked).status, 501)
            t.equal([r.target for r in b.requests if r.target == "/chat"], [], "no backend is asked")
            t.equal(client.ask(target="/next").status, 200, "the connection goes on")
    t.contains(c.wait_access(" 501 "), "CONNECT /chat HTTP/2.0")
