"""A server that tells many phones the same news: python -m benchmarks.fanout_server VARIANT FOLDER

node     the node's own web application over its own database; a message enters by intake.accept()
aiohttp  a bare aiohttp broadcast: one prepared text, send_str() to one socket after the other
stored   the same, after one committed row in bare SQLite (WAL, FULL, in a thread)
raw      an asyncio socket loop: one prepared frame, write() to one transport after the other

First answer: the port. Commands: `say FIRST COUNT EVERY_MS`, `cpu`.
"""

import asyncio
import contextlib
import struct
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import aiosqlite
from aiohttp import web

from benchmarks.processes import obey, own_cpu_s
from benchmarks.talk import author
from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.intake import Intake
from kimnode.metrics import Metrics
from kimnode.record import Body, Kind, Notice, RadioState, Via
from kimnode.store.db import Signal, open_database
from kimnode.web.app import Bounds, Site, create_app
from kimnode.wire.records import written

KEEPALIVE_S = 10.0
MAX_PHONES = 2000
# What the node's phones get for one message, so that all variants send the same number of bytes.
LIKE_THE_NODE = (
    '[{"t":"message","rev":0,"seq":1234,"kind":"chat","room":"warung","mark":"0011aabb",'
    '"name":"Warga","tag":"K7Q","text":"%s","cid":"00112233445566778899aabbccddeeff",'
    '"time":"08.14","day":"Senin, 22 November","state":"saved","state_words":"Tersimpan di pos"}]'
)

Say = Callable[[int, str], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[int]:
    """The port on which the application is served."""
    runner = web.AppRunner(
        app, access_log=None, keepalive_timeout=KEEPALIVE_S, shutdown_timeout=0.1
    )
    await runner.setup()
    try:
        listener = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await listener.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def node(folder: Path) -> AsyncIterator[tuple[int, Say]]:
    """Everything a message passes in the node, from accept() on; without a radio."""
    clock, metrics = Clock(), Metrics()
    quiet = Notice(RadioState.NONE, 0.0, "", 0, 0.0, 1.0, 0, 0)
    async with open_database(folder / "village.db", int(clock.now())) as db:
        intake = Intake(db, clock, metrics)
        site = Site(
            config=Config(),
            db=db,
            intake=intake,
            clock=clock,
            metrics=metrics,
            notice=lambda: quiet,
            noticed=Signal(),
            wait_s=lambda _size: 0.0,
            price_s=lambda _size: 0.0,
        )
        many = Bounds(per_device=1, per_address=MAX_PHONES, overall=MAX_PHONES)

        async def say(number: int, text: str) -> None:
            body, nonce = Body("Warga", text), number.to_bytes(16, "big")
            record = written(
                Kind.CHAT, author(number), "warung", int(clock.now()), nonce, body, bytes(8)
            )
            await intake.accept(record, Via.WEB)

        async with serving(create_app(replace(site, bounds=many))) as port:
            yield port, say


@contextlib.asynccontextmanager
async def bare_aiohttp(_folder: Path) -> AsyncIterator[tuple[int, Say]]:
    """What anybody writes first."""
    sockets: set[web.WebSocketResponse] = set()

    async def socket(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        sockets.add(ws)
        async for _ in ws:
            pass
        sockets.discard(ws)
        return ws

    async def say(_number: int, text: str) -> None:
        prepared = LIKE_THE_NODE % text
        for ws in sockets:
            await ws.send_str(prepared)

    app = web.Application()
    app.add_routes([web.get("/ws", socket)])
    async with serving(app) as port:
        yield port, say


@contextlib.asynccontextmanager
async def stored_aiohttp(folder: Path) -> AsyncIterator[tuple[int, Say]]:
    """The broadcast of a server that keeps what it confirms."""
    async with (
        bare_aiohttp(folder) as (port, broadcast),
        aiosqlite.connect(folder / "bare.db", isolation_level=None) as db,
    ):
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            await db.execute(f"PRAGMA {pragma}")
        await db.execute("CREATE TABLE message (number INTEGER PRIMARY KEY, text TEXT)")

        async def say(number: int, text: str) -> None:
            await db.execute("INSERT INTO message VALUES (?, ?)", (number, text))
            await broadcast(number, text)

        yield port, say


class Plain(asyncio.Protocol):
    """Answers the upgrade without looking, then only receives frames."""

    def __init__(self, everybody: set[asyncio.Transport]) -> None:
        self._everybody = everybody
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"GET") and self._transport:
            self._transport.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            self._everybody.add(self._transport)

    def connection_lost(self, _error: Exception | None) -> None:
        self._everybody.discard(self._transport)


@contextlib.asynccontextmanager
async def raw(_folder: Path) -> AsyncIterator[tuple[int, Say]]:
    """The floor: nothing but writes."""
    transports: set[asyncio.Transport] = set()

    async def say(_number: int, text: str) -> None:
        payload = (LIKE_THE_NODE % text).encode()
        frame = struct.pack(">BBH", 0x81, 126, len(payload)) + payload
        for transport in transports:
            transport.write(frame)

    loop = asyncio.get_running_loop()
    async with await loop.create_server(
        lambda: Plain(transports), "127.0.0.1", 0, backlog=1024
    ) as server:
        yield server.sockets[0].getsockname()[1], say


VARIANTS = {"node": node, "aiohttp": bare_aiohttp, "stored": stored_aiohttp, "raw": raw}


async def main(variant: str, folder: str) -> None:
    async with VARIANTS[variant](Path(folder)) as (port, say):

        async def paced(first: str, count: str, every_ms: str) -> str:
            start = time.monotonic()
            for done in range(int(count)):
                await asyncio.sleep(start + done * int(every_ms) / 1000 - time.monotonic())
                number = int(first) + done
                await say(number, f"pesan {number} pukul {time.monotonic_ns()}")
            return "said"

        async def cpu() -> float:
            return own_cpu_s()

        await obey({"say": paced, "cpu": cpu}, port)


if __name__ == "__main__":
    asyncio.run(partial(main, *sys.argv[1:])())
