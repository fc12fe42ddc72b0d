"""A backend that is a process of its own and stops as a pod does: SIGTERM, drain, exit 0.

Answers every request with its name and the size of the body, and echoes WebSocket messages. Told to stop, it answers with
`Connection: close` and says 1001 to WebSockets. A hasty one closes its listener and idle connections at once, as Go's and
nginx's servers do; a patient one serves until nobody has been connected for a second, as servers made for rolling do.
"""
import asyncio
import signal
import sys

from . import websocket
from .soak import read_small


class Pod:
    def __init__(self, name, is_patient, at="127.0.0.1:0"):
        self.name, self.is_patient, self.at = name, is_patient, at.split(":")
        self.is_draining = False
        self.n_served = 0
        self.idle, self.sockets, self.tasks = set(), set(), set()

    async def run(self):
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        server = await asyncio.start_server(self.serve, *self.at, backlog=1024)
        print("ready http=127.0.0.1:%d" % server.sockets[0].getsockname()[1], flush=True)
        await stop.wait()
        self.is_draining = True
        for writer in self.sockets:
            writer.write(websocket.frame(b"\x03\xe9", websocket.CLOSE))
        if not self.is_patient:
            await asyncio.sleep(0)  # who connected before is taken
            server.close()
            for writer in self.idle:
                writer.close()
        served = None
        while self.tasks or (self.is_patient and served != self.n_served):
            if self.tasks:
                await asyncio.wait(self.tasks)
                served = None
            else:
                served = self.n_served
                await asyncio.sleep(1)

    async def serve(self, reader, writer):
        task = asyncio.current_task()
        self.tasks.add(task)
        self.n_served += 1
        try:
            while not writer.is_closing() and await self.one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self.idle.discard(writer)
            self.sockets.discard(writer)
            self.tasks.discard(task)
            writer.close()

    async def one(self, reader, writer):
        self.idle.add(writer)
        head = await reader.readuntil(b"\r\n\r\n")
        self.idle.discard(writer)
        fields = {n.strip().lower(): v.strip() for n, _, v in (line.partition(b":") for line in head.split(b"\r\n")[1:])}
        if fields.get(b"upgrade") == b"websocket":
            self.sockets.add(writer)
            return await self.echo(fields, reader, writer)
        text = f"{self.name} {await self.body(fields, reader)}"
        last = self.is_draining
        writer.write((f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n" + ("Connection: close\r\n" if last else "")
                      + "\r\n" + text).encode())
        return not last

    async def body(self, fields, reader):
        """Its size."""
        if fields.get(b"transfer-encoding") != b"chunked":
            return len(await reader.readexactly(int(fields.get(b"content-length", b"0"))))
        total = 0
        while size := int(await reader.readuntil(b"\r\n"), 16):
            await reader.readexactly(size + 2)
            total += size
        await reader.readexactly(2)
        return total

    async def echo(self, fields, reader, writer):
        writer.write(websocket.switching(fields[b"sec-websocket-key"].decode()).encode())
        if self.is_draining:
            writer.write(websocket.frame(b"\x03\xe9", websocket.CLOSE))
        while True:
            opcode, text = await read_small(reader)
            if opcode == websocket.CLOSE:
                return False
            writer.write(websocket.frame(text))


if __name__ == "__main__":
    where = [word[3:] for word in sys.argv[2:] if word.startswith("at=")]
    asyncio.run(Pod(sys.argv[1], "patient" in sys.argv[2:], *where).run())
