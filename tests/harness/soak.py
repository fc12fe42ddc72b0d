"""Many clients at once on one loop in a thread: keep-alive clients and WebSockets that notice every failure, and a backend
for them. Pacing keeps Python from being what is measured."""
import asyncio
import base64
import os
import threading

from . import websocket


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def call(self, coroutine, seconds=60):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(seconds)

    def spawn(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)


class Backend:
    """Answers every request with its name; echoes WebSocket messages."""

    def __init__(self, loop, name):
        self.name = name
        self.server = loop.call(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024))
        self.address = self.server.sockets[0].getsockname()

    async def _serve(self, reader, writer):
        answer = (f"HTTP/1.1 200 OK\r\nContent-Length: {len(self.name)}\r\n\r\n{self.name}").encode()
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if b"pgrade: websocket" in head:
                    await self._echo(head, reader, writer)
                    return
                writer.write(answer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    async def _echo(self, head, reader, writer):
        key = next(line.split(b":", 1)[1].strip().decode() for line in head.split(b"\r\n")
                   if line.lower().startswith(b"sec-websocket-key:"))
        writer.write(websocket.switching(key).encode())
        while True:
            _, text = await read_small(reader)
            writer.write(websocket.frame(text))


async def read_small(reader):
    """(opcode, payload) of a frame below 126 bytes."""
    first, second = await reader.readexactly(2)
    mask = await reader.readexactly(4) if second & 0x80 else b"\0\0\0\0"
    payload = await reader.readexactly(second & 0x7F)
    return first & 0x0F, bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


class Clients:
    """`n` connections that each do one thing again and again; .failures says what went wrong, .done counts what went well.
    "requests" keep their connection; "visits" take a new one when an answer says that it was the last of the old one;
    "calls" take one for each request."""

    def __init__(self, loop, address, host, every, seconds=20):
        self.loop, self.address, self.host, self.every, self.seconds = loop, address, host, every, seconds
        self.failures, self.done, self.open = [], 0, 0
        self.stopping = False
        self.tasks = []

    def start(self, n, what):
        run = {"requests": self._requests, "posts": self._posts, "visits": self._visits, "calls": self._calls,
               "websocket": self._websocket}[what]
        self.tasks += [self.loop.spawn(self._guard(run, i, n)) for i in range(n)]
        return self

    def stop(self):
        self.stopping = True
        for task in self.tasks:
            task.result(self.seconds + 10)
        return self

    async def _guard(self, run, number, n):
        await asyncio.sleep(self.every * number / n)
        writer = None
        try:
            reader, writer = await asyncio.open_connection(*self.address)
            self.open += 1
            await run(reader, writer, number)
        except Exception as error:
            self.failures.append(f"client {number}: {error!r}")
        finally:
            if writer:
                self.open -= 1
                writer.close()

    async def _requests(self, reader, writer, number):
        await self._repeat(reader, writer, f"GET /client/{number} HTTP/1.1\r\nHost: {self.host}\r\n\r\n")

    async def _posts(self, reader, writer, number):
        await self._repeat(reader, writer, f"POST /client/{number} HTTP/1.1\r\nHost: {self.host}\r\n"
                                           f"Content-Length: {number + 1}\r\n\r\n" + (number + 1) * "p")

    async def _repeat(self, reader, writer, ask):
        while not self.stopping:
            if await self._ask(reader, writer, ask):
                raise RuntimeError("an answer says that it is the last")

    async def _calls(self, reader, writer, number):
        await self._visits(reader, writer, number, "Connection: close\r\n")

    async def _visits(self, reader, writer, number, field=""):
        ask = f"GET /client/{number} HTTP/1.1\r\nHost: {self.host}\r\n{field}\r\n"
        own = None  # the first connection is closed by who opened it
        try:
            while not self.stopping:
                if await self._ask(reader, own or writer, ask):
                    if own:
                        own.close()
                    reader, own = await asyncio.open_connection(*self.address)
        finally:
            if own:
                own.close()

    async def _ask(self, reader, writer, ask):
        """True when the answer is the last of its connection."""
        writer.write(ask.encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), self.seconds)
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"not as it should be: {head[:200]!r}")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        await asyncio.wait_for(reader.readexactly(length), self.seconds)
        self.done += 1
        await asyncio.sleep(self.every)
        return b"onnection: close" in head

    async def _websocket(self, reader, writer, number):
        """Messages until the stop; a server that says 1001 is left for a new connection, with every message answered."""
        n = 0
        while not self.stopping:
            if n:
                reader, writer = await asyncio.open_connection(*self.address)
            try:
                await self._upgrade(reader, writer)
                n = await self._messages(reader, writer, number, n)
            finally:
                writer.close()

    async def _upgrade(self, reader, writer):
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(f"GET /ws HTTP/1.1\r\nHost: {self.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), self.seconds)
        if not head.startswith(b"HTTP/1.1 101 "):
            raise RuntimeError(f"no upgrade: {head[:200]!r}")

    async def _messages(self, reader, writer, number, n):
        left = False
        while not self.stopping and not left:
            text = b"%d/%d" % (number, n)
            n += 1
            writer.write(websocket.frame(text, masked=True))
            while True:
                opcode, got = await asyncio.wait_for(read_small(reader), self.seconds)
                if opcode != websocket.CLOSE:
                    break
                left = True  # it says so once, and goes on to answer until we close
            if got != text:
                raise RuntimeError(f"sent {text!r}, got {got!r}")
            self.done += 1
            if not left:
                await asyncio.sleep(self.every)
        writer.write(websocket.frame(b"\x03\xe8", websocket.CLOSE, masked=True))
        return n
