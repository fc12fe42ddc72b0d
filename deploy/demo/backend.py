#!/usr/bin/env python3
"""A small backend for the demo: says who it is and what it was asked, and echoes WebSocket messages on any path.

    backend.py NAME [--listen 127.0.0.1:0]      prints "ready ADDRESS:PORT" and serves until it is told to stop
"""
import argparse
import base64
import hashlib
import http.server
import signal
import socketserver
import struct
import sys

TOLD = ("Host", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Original-Forwarded-For")
CLOSE, PING, PONG = 8, 9, 10


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.echo_messages()
            return
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        lines = [f"{self.server.name}: {self.command} {self.path}"]
        if self.path.startswith("/whoami"):
            lines += [f"  {name}: {self.headers[name]}" for name in TOLD if name in self.headers]
        body = ("\n".join(lines) + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    def echo_messages(self):
        key = self.headers.get("Sec-WebSocket-Key", "") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.close_connection = True
        while True:
            head = self.rfile.read(2)
            if len(head) < 2:
                return
            opcode, size = head[0] & 15, head[1] & 127
            if size == 126:
                size = struct.unpack("!H", self.rfile.read(2))[0]
            elif size == 127:
                return  # a demo takes no message beyond 64 KiB
            mask = self.rfile.read(4) if head[1] & 128 else bytes(4)
            text = bytes(b ^ mask[i % 4] for i, b in enumerate(self.rfile.read(size)))
            if opcode not in (CLOSE, PING):
                text = f"{self.server.name} heard: ".encode() + text
            length = struct.pack("!B", len(text)) if len(text) < 126 else struct.pack("!BH", 126, len(text))
            self.wfile.write(bytes([128 | (PONG if opcode == PING else opcode)]) + length + text)
            if opcode == CLOSE:
                return

    def log_message(self, *_):
        pass  # the proxy writes the access log


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        pass  # a connection that was reset

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)  # without asking DNS for our name


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("name")
    options.add_argument("--listen", default="127.0.0.1:0")
    args = options.parse_args()
    host, _, port = args.listen.rpartition(":")
    server = Server((host, int(port)), Handler)
    server.name = args.name
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("ready %s:%d" % server.server_address[:2], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
