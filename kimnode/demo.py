"""`kimnode demo`: a village in one process. Simulated radios that chat, one real node, its pages.

Only the radios are simulated: database, link, airtime and pages are what a village runs.
"""

import asyncio
import random
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.node import open_node
from kimnode.radio.sim.chatter import start_chatter
from kimnode.radio.sim.village import SimVillage

GATEWAY = "Pos KIM Karataun"
VILLAGERS = ("Dusun Atas", "Dusun Bawah", "Pos Ronda", "Pustu")
CHATTER_PAUSE_S = 40.0
SEED = 7
AIRTIME_PERCENT = 10.0  # nobody wants to wait for a legal hour while trying things

GREETING = """\

  {gateway}: the village is open.

      {url}

  Open it in two windows and write in Umum: {count} simulated radios read it, and what
  their villagers say appears on the page. Hold the button in Darurat for an SOS.

  Lines below that begin with | are what the radio {first!r} shows.
  Ctrl-C ends the village; its messages stay in {data}.

"""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """`port` of the pages, 0 = any; `data` is the folder of the database."""

    port: int
    data: Path


async def run_demo(options: DemoOptions, out: TextIO) -> None:
    """Until SIGINT or SIGTERM."""
    clock = Clock()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with SimVillage([GATEWAY, *VILLAGERS], seed=SEED, clock=clock) as village:
        config = Config(
            name=GATEWAY,
            radio=f"tcp:127.0.0.1:{village.port(GATEWAY)}",
            airtime_percent=AIRTIME_PERCENT,
            port=options.port,
            database=str(options.data / "kimnode.db"),
        )
        async with open_node(config, clock, random.SystemRandom()) as url:
            villagers = [village.device(name) for name in VILLAGERS]
            start_chatter(village.timeline, villagers, CHATTER_PAUSE_S)
            out.write(
                GREETING.format(
                    gateway=GATEWAY,
                    url=url,
                    count=len(VILLAGERS),
                    first=VILLAGERS[0],
                    data=options.data,
                )
            )
            out.flush()
            await _show_screens(village, out, clock, stop)


async def _show_screens(
    village: SimVillage, out: TextIO, clock: Clock, stop: asyncio.Event
) -> None:
    """Print what the radio of the first villager shows, as it comes."""
    screen = village.device(VILLAGERS[0])
    printed_at = -1.0
    while not stop.is_set():
        for text in [text for text in screen.shown if text.t > printed_at]:
            out.write(f"  | {text.text}\n")
            printed_at = text.t
        out.flush()
        try:
            async with clock.timeout(1.0):
                await stop.wait()
        except TimeoutError:
            continue
