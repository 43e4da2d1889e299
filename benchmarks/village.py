"""A simulated mesh in a process of its own: python -m benchmarks.village

First answer: the TCP port of the gateway's radio.
"""

import asyncio

from benchmarks.processes import obey
from kimnode.clock import Clock
from kimnode.radio.sim.village import SimVillage

GATEWAY = "gerbang"


async def main() -> None:
    async with SimVillage([GATEWAY, "bukit", "sawah"], seed=7, clock=Clock()) as village:
        await obey({}, village.port(GATEWAY))


if __name__ == "__main__":
    asyncio.run(main())
