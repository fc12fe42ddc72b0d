"""PROXY headers as senders write them, versions 1 and 2."""
import ipaddress
import struct

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL = SIGNATURE + b"\x20\0\0\0"
UNKNOWN = b"PROXY UNKNOWN\r\n"
SOURCE, TARGET = ("192.0.2.7", 4660), ("198.51.100.2", 8080)


def v1(source=SOURCE, target=TARGET):
    family = ipaddress.ip_address(source[0]).version
    return f"PROXY TCP{family} {source[0]} {target[0]} {source[1]} {target[1]}\r\n".encode()


def tlv(kind, value):
    return struct.pack("!BH", kind, len(value)) + value


def v2(source=SOURCE, target=TARGET, tlvs=b""):
    a, b = ipaddress.ip_address(source[0]), ipaddress.ip_address(target[0])
    body = a.packed + b.packed + struct.pack("!HH", source[1], target[1]) + tlvs
    return SIGNATURE + struct.pack("!BBH", 0x21, 0x11 if a.version == 4 else 0x21, len(body)) + body


def text(packed):
    """An address as both versions are compared: a mapped one shows its IPv4 part."""
    address = ipaddress.ip_address(packed)
    mapped = getattr(address, "ipv4_mapped", None)
    return f"::ffff:{mapped}" if mapped else str(address)


def read(reader):
    """The header at the front of a connection, of either version: (version, source, target), or (version, None, None)."""
    first = reader.exactly(6)
    if first == b"PROXY ":
        words = reader.line().split(" ")
        if words[0] == "UNKNOWN":
            return 1, None, None
        return 1, (words[1], int(words[3])), (words[2], int(words[4]))
    head = first + reader.exactly(10)
    if head[:12] != SIGNATURE:
        raise AssertionError(f"no PROXY header: {head!r}")
    command, family, size = struct.unpack("!BBH", head[12:])
    body = reader.exactly(size)
    if command != 0x21:
        return 2, None, None
    n = 4 if family == 0x11 else 16
    ports = struct.unpack("!HH", body[2 * n:2 * n + 4])
    return 2, (text(body[:n]), ports[0]), (text(body[n:2 * n]), ports[1])
