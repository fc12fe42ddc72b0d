"""proxy-read-timeout from ConfigMap and annotation counts for WebSockets that are open already: lowered it ends an idle one,
raised it lets one live that would have ended (SEMANTICS G1, G11; USERS 1)."""
from harness import websocket
from harness.manifests import ingress
from harness.websocket import WebSocket

FORMAT = "$host$request_uri|$end_limit|"


def run(t):
    c = t.cluster()
    b = t.backend(handler=websocket.serve_silence)
    c.config(log_format_upstream=FORMAT)
    c.route("configmap.test", b).route("annotation.test", b, annotations={"proxy-read-timeout": "50"})
    c.route("clock.test", b, annotations={"proxy-read-timeout": "4"}).start()

    def opened(host, target="/"):
        return t.own(WebSocket(c.http(), host, target)).client

    def ended(client, host, target="/"):
        t.equal(client.wait_closed(30), b"", "no close frame")
        t.check(c.wait_access(f"{host}{target}|proxy-read-timeout|"), f"{host}{target}")

    def annotated(seconds):
        c.apply(ingress("annotation", "annotation.test", "/", "annotation", {"proxy-read-timeout": seconds}))

    by_configmap, by_annotation = opened("configmap.test"), opened("annotation.test")
    c.config(proxy_read_timeout=2, log_format_upstream=FORMAT)  # from 60
    ended(by_configmap, "configmap.test")
    t.check(by_annotation.is_open(), "the annotation is stronger than the ConfigMap")
    annotated("2")
    ended(by_annotation, "annotation.test")

    annotated("5")
    c.config(proxy_read_timeout=5, log_format_upstream=FORMAT).settle()
    raised = opened("configmap.test", "/raised"), opened("annotation.test", "/raised")
    annotated("50")
    c.config(proxy_read_timeout=50, log_format_upstream=FORMAT).settle()
    for turn in range(2):  # twice the 4 s of a tunnel that nobody changes: more than the 5 s they were opened with
        ended(opened("clock.test", f"/{turn}"), "clock.test", f"/{turn}")
    for client, what in zip(raised, ("ConfigMap", "annotation")):
        t.check(client.is_open(), f"raised by the {what}")
    t.check(not any("/raised" in line for line in c.access_log()), "their records come when they end")
