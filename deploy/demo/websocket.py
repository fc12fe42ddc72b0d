#!/usr/bin/env python3
"""Holds one WebSocket open: says something every second and prints what comes back.

    websocket.py ADDRESS:PORT HOST [--path /ws] [--every 1]      ends with status 1 when the socket is closed
"""
import argparse
import base64
import os
import socket
import struct
import sys
import time


def upgrade(stream, host, path):
    key = base64.b64encode(os.urandom(16)).decode()
    stream.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
    stream.flush()
    status = stream.readline().decode().strip()
    while stream.readline().strip():
        pass
    return status


def say(stream, text):
    mask = os.urandom(4)
    data = text.encode()
    stream.write(struct.pack("!BB", 0x81, 0x80 | len(data)) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))
    stream.flush()


def hear(stream):
    head = stream.read(2)
    if len(head) < 2 or head[0] & 15 == 8:
        return None
    size = head[1]
    if size == 126:
        size = struct.unpack("!H", stream.read(2))[0]
    return stream.read(size).decode()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("address")
    options.add_argument("host")
    options.add_argument("--path", default="/ws")
    options.add_argument("--every", type=float, default=1.0, metavar="SECONDS")
    args = options.parse_args()
    host, _, port = args.address.rpartition(":")
    with socket.create_connection((host, int(port)), 10) as sock:
        sock.settimeout(30)
        stream = sock.makefile("rwb")
        status = upgrade(stream, args.host, args.path)
        print(status, flush=True)
        if " 101 " not in status:
            return 1
        n, started = 0, time.monotonic()
        while True:
            n += 1
            say(stream, f"message {n}")
            heard = hear(stream)
            if heard is None:
                print(f"closed after {time.monotonic() - started:.0f} s", flush=True)
                return 1
            print(f"{time.monotonic() - started:5.1f} s  {heard}", flush=True)
            time.sleep(args.every)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        pass
    except OSError as error:
        sys.exit(f"websocket: {error}")
