"""The one place that reads time. Everything that waits takes a Clock.

`speed` > 1 makes a node and its simulated mesh live faster than the wall: journeys and campaigns
run an hour of radio pacing in seconds with the code that ships, unchanged.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Clock:
    """Seconds as the node lives them: `now()` unix time that people read, `steady()` for what
    waits, `monotonic()` for intervals."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._epoch = time.time()
        self._start = time.monotonic()

    def now(self) -> float:
        """Unix seconds. At speed 1 the system's clock, whatever happens to it meanwhile."""
        return time.time() if self.speed == 1.0 else self.steady()

    def monotonic(self) -> float:
        """Seconds since this clock was made; never goes back."""
        return (time.monotonic() - self._start) * self.speed

    def steady(self) -> float:
        """Unix seconds that no setting of the system's clock moves: its time when this clock was
        made, and the seconds since.

        For times on disk of what waits or is counted by the hour (outbox, airtime), never for what
        people read. A node that starts again begins with the system's time again: `outbox.resume`.
        """
        return self._epoch + self.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0.0) / self.speed)

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncIterator[None]:
        """TimeoutError when the block takes longer than `seconds` of this clock."""
        async with asyncio.timeout(seconds / self.speed):
            yield
