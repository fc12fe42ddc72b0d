"""Garbage, floods and silence on the control port: refused with a reason in the log, proxies and weirctl unharmed (CHANNEL)."""
import os
import socket

from harness import wire


def run(t):
    c = t.cluster()
    c.route("a.test", t.backend()).start()
    controller = c.controllers[0]
    address = wire.split(controller.listen.removeprefix("tcp://"))
    sp = b"\0SP\0\0\x30\0\0"   # nanomsg's own greeting, as a REQ socket sends it
    before = controller.rss_kib()
    hold = []
    for what in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", os.urandom(4096), b"\x16\x03\x01" + os.urandom(200), sp[:3], sp,
                 sp + (2**62).to_bytes(8, "big") + b"x", sp + (5).to_bytes(8, "big") + b"xxxxx", sp + (0).to_bytes(8, "big"),
                 sp + (64).to_bytes(8, "big") + b"\x80\0\0\1" + os.urandom(60),
                 sp + (60000).to_bytes(8, "big") + b"\x80\0\0\1" + os.urandom(59996), b"\0SP\0\0\x20\0\0"):
        for _ in range(8):
            s = socket.create_connection(address, 10)
            s.settimeout(10)
            try:
                s.sendall(what)
            except OSError:
                pass
            hold.append(s)
    t.check(c.inspect("status"), "weirctl gets its answer meanwhile")
    c.route("b.test", t.backend())
    c.until_serves("b.test")
    for s in hold:
        s.close()
    grown = controller.rss_kib() - before
    t.say(f"controller grew by {grown} KiB")
    t.check(grown < 48 * 1024, f"the controller grew by {grown} KiB")
    c.route("c.test", t.backend())
    c.until_serves("c.test")
    t.check(controller.is_running, "the controller lives")
