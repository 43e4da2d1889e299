"""The real daemon as a process of its own, on the clock of the test that started it.

    python -m tests.journeys.fast_node DATABASE HTTP_PORT RADIO SPEED EPOCH START

EPOCH (unix seconds) and START (the machine's monotonic seconds) are those of the test's clock, so
that the node's time goes on where it stopped when it was killed. AIRTIME is 100 %.
"""

import asyncio
import logging
import sys

from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.node import run_node


def main() -> None:
    database, port, radio, speed, epoch, start = sys.argv[1:]
    logging.basicConfig(level=logging.WARNING)
    clock = Clock(float(speed))
    clock._epoch, clock._start = float(epoch), float(start)
    config = Config(
        name="Pos Uji", radio=radio, airtime_percent=100.0, database=database, port=int(port)
    )
    asyncio.run(run_node(config, clock))


if __name__ == "__main__":
    main()
