"""A bare aiohttp socket that answers every text at once: python -m benchmarks.echo_server

The floor of an echo: no database, no rules. It imports what a node must import, so its idle memory
is the floor of a node's.
"""

import asyncio
import time

import aiosqlite
from aiohttp import web
from meshtastic.protobuf import mesh_pb2

from benchmarks.processes import obey

HEARTBEAT_S = 25.0  # as any server that must notice a phone that walked away
MUST_IMPORT = (aiosqlite, mesh_pb2)


async def socket(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse(heartbeat=HEARTBEAT_S)
    await ws.prepare(request)
    async for message in ws:
        await ws.send_str(message.data)
    return ws


async def page(_request: web.Request) -> web.Response:
    return web.Response(text="halo")


async def main() -> None:
    app = web.Application()
    app.add_routes([web.get("/", page), web.get("/ws", socket)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()

    async def clock() -> int:
        return time.monotonic_ns()

    await obey({"clock": clock}, runner.addresses[0][1])
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
