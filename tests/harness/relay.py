"""A relay before a server: as slow as a bad line, cut off, or silent without a word."""
import asyncio

from . import soak

PIECE = 4096


class Relay:
    """Passes bytes to and from `port` of 127.0.0.1; `bytes_per_s` bounds what each connection gets (None: nothing does)."""

    def __init__(self, port, bytes_per_s=None):
        self.port, self.bytes_per_s = port, bytes_per_s
        self.n_connections = self.n_bytes = 0
        self._writers = set()
        self._loop = soak.Loop()
        self._flows = self._loop.call(self._make_event())
        self._server = self._loop.call(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.address = self._server.sockets[0].getsockname()[:2]
        self.url = "https://{}:{}".format(*self.address)

    async def _make_event(self):
        made = asyncio.Event()
        made.set()
        return made

    def freeze(self):
        """From now on nothing goes either way; connections stay, and new ones are taken and stay silent."""
        self._loop.loop.call_soon_threadsafe(self._flows.clear)

    def thaw(self):
        self._loop.loop.call_soon_threadsafe(self._flows.set)

    def cut(self):
        """All connections end, in the middle of whatever they carry."""
        self._loop.call(self._cut())

    async def _cut(self):
        for w in list(self._writers):
            w.transport.abort()

    async def _serve(self, reader, writer):
        self.n_connections += 1
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, there_writer}
        await asyncio.gather(self._pass(reader, there_writer, None), self._pass(there_reader, writer, lambda: self.bytes_per_s))
        self._writers -= {writer, there_writer}

    async def _pass(self, reader, writer, rate):
        try:
            while data := await reader.read(PIECE):
                await self._flows.wait()
                if rate and rate():
                    await asyncio.sleep(len(data) / rate())
                writer.write(data)
                await writer.drain()
                self.n_bytes += len(data)
        except OSError:
            pass
        finally:
            writer.close()

    def close(self):
        self._loop.call(self._end())
        self._loop.loop.call_soon_threadsafe(self._loop.loop.stop)

    async def _end(self):
        self._server.close()
        await self._cut()
