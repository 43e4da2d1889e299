"""A whole node (database, radio desk, web) inside the test, on the clock of the simulated mesh."""

import contextlib
import itertools
import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.node import open_node
from kimnode.radio.sim.device import Device
from tests.waiting import until

T = TypeVar("T")
_starts = itertools.count()  # a node that starts again must not draw the same packet ids


@dataclass(frozen=True, slots=True)
class Gateway:
    """A node that runs: where its pages are, and its file for a look from outside."""

    url: str
    path: Path

    def look(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work(connection)` on a connection of its own that cannot write."""
        with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as database:
            return work(database)

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return self.look(lambda c: c.execute(sql, values).fetchall())

    async def health(self) -> dict[str, Any]:
        async with aiohttp.ClientSession() as session:
            async with session.get(self.url + "healthz") as response:
                return await response.json()

    async def metrics(self) -> str:
        async with aiohttp.ClientSession() as session:
            async with session.get(self.url + "metrics") as response:
                return await response.text()

    async def radio_is_up(self) -> None:
        """Returns once the pages say that the radio answers."""

        async def up() -> bool:
            return (await self.health())["radio"] == "up"

        await until(up)


@contextlib.asynccontextmanager
async def open_gateway(
    path: Path, clock: Clock, radio_port: int | None, **settings
) -> AsyncIterator[Gateway]:
    """A node on `path`; radio on that port of this machine, or none."""
    radio = "none" if radio_port is None else f"tcp:127.0.0.1:{radio_port}"
    config = Config(radio=radio, database=str(path), port=0, **settings)
    async with open_node(config, clock, random.Random(next(_starts))) as url:
        yield Gateway(url, path)


@contextlib.contextmanager
def hanging(device: Device):
    """The radio's side of the cable hangs, whoever connects: open, nothing read, nothing said.

    A radio that goes on hands what it kept to the connection it has, even to one that the node has
    just given up: such a text is lost, and no node can help it. So what waits is kept from that.
    """
    connect = device.connect

    def connect_wedged(sink):
        api = connect(sink)
        api.wedge(True)
        return api

    device.connect = connect_wedged
    if device.client:
        device.client.wedge(True)
    try:
        yield
    finally:
        device.connect = connect
        if device.firmware.service.to_phone:
            device.drop_client()
        elif device.client:
            device.client.wedge(False)
