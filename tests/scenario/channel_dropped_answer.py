"""An answer that is lost on the way, as a server that is in a hurry loses it without a word: the next one does not fit the session, which is
begun anew, and the proxy gets what it missed (CHANNEL: acceptance 4)."""
import socket
import threading
import time

from harness import wait

GREETING = 8  # of nanomsg, on each side; then frames with a length of 8 bytes before them


class Dropping:
    """Passes bytes to and from `port`; of the frames to the client it drops one when it is told to."""

    def __init__(self, port):
        self.port, self.drops, self.n_dropped, self.n_connections = port, False, 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "tcp://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                return
            self.n_connections += 1
            threading.Thread(target=self._pass, args=(client, server), daemon=True).start()
            threading.Thread(target=self._pass_frames, args=(server, client), daemon=True).start()

    def _pass(self, source, to):
        try:
            while data := source.recv(65536):
                to.sendall(data)
        except OSError:
            pass
        for s in (source, to):
            s.close()

    def _pass_frames(self, source, to):
        try:
            reader = source.makefile("rb")
            to.sendall(reader.read(GREETING))
            while len(head := reader.read(8)) == 8:
                body = reader.read(int.from_bytes(head, "big"))
                if self.drops:
                    self.drops = False
                    self.n_dropped += 1
                else:
                    to.sendall(head + body)
        except OSError:
            pass
        for s in (source, to):
            s.close()

    def close(self):
        self.listener.close()


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend())
    controller = c.controller()
    relay = Dropping(int(controller.listen.rsplit(":", 1)[1]))
    try:
        p = c.proxy(controllers=[relay.url])
        for n in range(3):
            wait.until(lambda: [r["state"] for r in c.proxy_rows()] == ["synced"], "in step")
            relay.drops = True
            c.route(f"b{n}.test", t.backend())
            wait.until(lambda: relay.n_dropped == n + 1, "an answer is lost")
            began = time.monotonic()
            c.until_serves(f"b{n}.test")
            t.say(f"served {time.monotonic() - began:.1f} s after an answer was lost")
        t.check(p.is_running and controller.is_running, "both live")
        t.equal(relay.n_connections, 1)
    finally:
        relay.close()
