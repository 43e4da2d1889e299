"""A link that runs beside a test, with everything it said in a list."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from kimnode.clock import Clock
from kimnode.radio.link import Link
from kimnode.radio.messages import LinkEvent
from kimnode.radio.transport import parse_address
from tests.waiting import until

E = TypeVar("E")


class Rig:
    """`events` grows by itself; `wait_for` waits for the n-th event of a kind."""

    def __init__(self, link: Link, clock: Clock) -> None:
        self.link = link
        self.clock = clock
        self.events: list[LinkEvent] = []
        self.listeners: list[Callable[[LinkEvent], None]] = []

    def of(self, kind: type[E]) -> list[E]:
        return [e for e in self.events if isinstance(e, kind)]

    async def wait_for(self, kind: type[E], count: int = 1, timeout_s: float = 10.0) -> E:
        await until(lambda: len(self.of(kind)) >= count, timeout_s)
        return self.of(kind)[count - 1]

    async def collect(self) -> None:
        async for event in self.link.events():
            self.events.append(event)
            for listener in self.listeners:
                listener(event)


@contextlib.asynccontextmanager
async def running(address: str, speed: float = 1.0, **terms: Any) -> AsyncIterator[Rig]:
    """A link to `address` and its collector, cancelled at the end."""
    clock = Clock(speed)
    rig = Rig(Link(parse_address(address), clock, rng=random.Random(1), **terms), clock)
    async with asyncio.TaskGroup() as tasks:
        jobs = [tasks.create_task(rig.link.run()), tasks.create_task(rig.collect())]
        try:
            yield rig
        finally:
            for job in jobs:
                job.cancel()
