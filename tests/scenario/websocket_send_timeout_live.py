"""proxy-send-timeout from ConfigMap and annotation counts for open WebSockets whose other end reads no more: lowered it ends
them, raised they live on (SEMANTICS G1, G11)."""
import threading

from harness import websocket
from harness.manifests import ingress
from harness.websocket import WebSocket

FORMAT = "$host$request_uri|$end_reason|$end_limit|"


def run(t):
    done = threading.Event()

    def stuck(connection):
        """Takes the upgrade and neither reads nor writes from then on."""
        websocket.accept(connection, connection.request())
        done.wait(60)

    c = t.cluster()
    b = t.backend(handler=stuck)
    c.config(log_format_upstream=FORMAT)
    c.route("configmap.test", b).route("annotation.test", b, annotations={"proxy-send-timeout": "50"})
    c.route("clock.test", b, annotations={"proxy-send-timeout": "4"}).start()

    def blocked(host, target="/"):
        """Open, and full of bytes that nobody takes."""
        client = t.own(WebSocket(c.http(), host, target)).client
        client.sock.settimeout(0.3)
        try:
            while True:
                client.sock.send(b"x" * 65536)
        except TimeoutError:
            pass
        return client

    def ended(host, target="/"):
        t.check(c.wait_access(f"{host}{target}|tunnel_send_timeout|proxy-send-timeout|"), f"{host}{target}")

    def annotated(seconds):
        c.apply(ingress("annotation", "annotation.test", "/", "annotation", {"proxy-send-timeout": seconds}))

    blocked("configmap.test")
    by_annotation = blocked("annotation.test")
    c.config(proxy_send_timeout=2, log_format_upstream=FORMAT)  # from 60
    ended("configmap.test")
    t.check(by_annotation.is_open(), "the annotation is stronger than the ConfigMap")
    annotated("2")
    ended("annotation.test")

    annotated("5")
    c.config(proxy_send_timeout=5, log_format_upstream=FORMAT).settle()
    raised = blocked("configmap.test", "/raised"), blocked("annotation.test", "/raised")
    annotated("50")
    c.config(proxy_send_timeout=50, log_format_upstream=FORMAT).settle()
    for turn in range(2):  # more than the 5 s they were opened with
        blocked("clock.test", f"/{turn}")
        ended("clock.test", f"/{turn}")
    for client, what in zip(raised, ("ConfigMap", "annotation")):
        t.check(client.is_open(), f"raised by the {what}")
    t.check(not any("/raised" in line for line in c.access_log()), "their records come when they end")
    done.set()
