"""Many phones in a process of their own: python -m benchmarks.phones PORT COUNT

Command `wait LAST`: answers when every phone has message LAST, or some time after it should.
"""

import asyncio
import re
import sys
import time
from collections.abc import Mapping
from functools import partial

from benchmarks.measure import quantile
from benchmarks.phone import Phone, connect
from benchmarks.processes import READY, obey

WAIT_S = 30.0
CONNECTING = 50  # at once
MESSAGE = re.compile(rb"pesan (\d+) pukul (\d+)")  # number, monotonic ns when it was accepted


class Crowd:
    """What all phones have heard since the last `wait`."""

    def __init__(self) -> None:
        self.last: dict[int, int] = {}
        self.wrong = 0  # missing, doubled or out of order
        self.delays_ms: list[float] = []
        self.slowest_ms: dict[int, float] = {}
        self.heard = asyncio.Event()

    def take(self, phone: Phone, payload: bytes) -> None:
        for found in MESSAGE.finditer(payload):
            number = int(found[1])
            delay_ms = (time.monotonic_ns() - int(found[2])) / 1e6
            self.wrong += number != self.last[phone.number] + 1
            self.last[phone.number] = number
            self.delays_ms.append(delay_ms)
            self.slowest_ms[number] = delay_ms
            self.heard.set()

    async def wait(self, last: str) -> Mapping[str, float]:
        end = time.monotonic() + WAIT_S
        while min(self.last.values()) < int(last) and time.monotonic() < end:
            self.heard.clear()
            try:
                async with asyncio.timeout(1.0):
                    await self.heard.wait()
            except TimeoutError:
                continue
        behind = sum(int(last) - heard for heard in self.last.values())
        found = {
            "wrong": self.wrong + behind,
            "p50_ms": quantile(self.delays_ms, 0.5),
            "p99_ms": quantile(self.delays_ms, 0.99),
            "all_ms": quantile(list(self.slowest_ms.values()), 0.5),
        }
        self.delays_ms, self.slowest_ms, self.wrong = [], {}, 0
        return found


async def main(port: int, count: int) -> None:
    crowd = Crowd()
    crowd.last = dict.fromkeys(range(count), 0)
    room = asyncio.Semaphore(CONNECTING)

    async def join(number: int) -> Phone:
        async with room:
            return await connect(port, number, crowd.take)

    async with asyncio.TaskGroup() as tasks:
        joining = [tasks.create_task(join(n), name=f"phone-{n}") for n in range(count)]
    phones = [task.result() for task in joining]

    async def closed() -> int:
        return sum(phone.closed for phone in phones)

    await obey({"wait": crowd.wait, "closed": closed}, READY)


if __name__ == "__main__":
    asyncio.run(partial(main, *map(int, sys.argv[1:]))())
