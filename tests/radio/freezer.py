"""A wire that can freeze: what a radio whose processor hangs looks like from the node.

While frozen, connections are still accepted (by the kernel) and bytes vanish into buffers; after
the thaw everything is delivered, the old connection first, as with a stopped and continued process.
"""

import asyncio
import contextlib


class Freezer:
    """`async with Freezer(upstream_port) as wire:` then connect to `wire.port`."""

    def __init__(self, upstream_port: int) -> None:
        self.port = 0
        self.connections = 0
        self._upstream_port = upstream_port
        self._running = asyncio.Event()
        self._running.set()

    def freeze(self) -> None:
        self._running.clear()

    def thaw(self) -> None:
        self._running.set()

    async def __aenter__(self) -> "Freezer":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._running.set()
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await self._running.wait()
        with contextlib.suppress(OSError):
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._upstream_port)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(reader, up_writer))
                tasks.create_task(self._pump(up_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(4096):
                await self._running.wait()
                writer.write(data)
                await writer.drain()
        writer.close()
