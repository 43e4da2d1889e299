"""`kimnode demo`: a village in one process. Simulated radios that chat, one real node, its pages.

Only the radios are simulated: database, link, airtime, pages and signatures are what a village
runs. The keys are the demonstration's own; no real post believes them.
"""

import asyncio
import contextlib
import os
import random
import signal
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.keys.demo_chain import Volunteer, settle
from kimnode.node import open_node
from kimnode.radio.sim.chatter import start_chatter
from kimnode.radio.sim.frame import BROADCAST
from kimnode.radio.sim.village import SimVillage
from kimnode.rules.clock import LATEST_S, Evidence, Source
from kimnode.wire.codes import Role

GATEWAY = "Pos KIM Karataun"
VILLAGERS = ("Dusun Atas", "Pos Ronda")
VOLUNTEERS = {  # radio: name, role and the district's person number in its certificate
    "Relawan Ani": ("Ani", Role.VOLUNTEER, 1),
    "Verifikator Budi": ("Budi", Role.VERIFIER, 2),
    "Verifikator Citra": ("Citra", Role.VERIFIER, 3),
}
WATCHED = (VILLAGERS[0], *VOLUNTEERS)  # the radios whose screens are printed
CHATTER_PAUSE_S = 40.0
SEED = 7
AIRTIME_PERCENT = 10.0  # nobody wants to wait for a legal hour while trying things

GREETING = """\

  {gateway}: the village is open.

      {url}

  Open it in two windows and write in Umum: {count} simulated radios read it, and what
  their villagers say appears on the page. Hold the button in Darurat for an SOS.

  Lines with a | are what a radio shows. To type on a volunteer's radio, to the post:

      Ani CEK kabarnya ada tsunami          Budi DAFTAR          Citra BANTUAN

  Ctrl-C ends the village; its messages and keys stay in {data}.

"""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """`port` of the pages, 0 = any; `data` is the folder of the database and the keys."""

    port: int
    data: Path


async def run_demo(options: DemoOptions, out: TextIO) -> None:
    """Until SIGINT or SIGTERM."""
    clock = Clock()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    radios = [GATEWAY, *VILLAGERS, *VOLUNTEERS]
    async with SimVillage(radios, seed=SEED, clock=clock) as village:
        config = Config(
            name=GATEWAY,
            radio=f"tcp:127.0.0.1:{village.port(GATEWAY)}",
            airtime_percent=AIRTIME_PERCENT,
            port=options.port,
            database=str(options.data / "kimnode.db"),
        )
        await settle(config, clock, _volunteers(village))
        async with _open(config, clock) as url:
            villagers = [village.device(name) for name in VILLAGERS]
            start_chatter(village.timeline, villagers, CHATTER_PAUSE_S)
            count = len(radios) - 1
            out.write(GREETING.format(gateway=GATEWAY, url=url, count=count, data=options.data))
            out.flush()
            async with asyncio.TaskGroup() as tasks:
                typing = tasks.create_task(_obey_keyboard(village), name="demo-keyboard")
                await _show_screens(village, out, clock, stop)
                typing.cancel()


def _open(config: Config, clock: Clock) -> contextlib.AbstractAsyncContextManager[str]:
    """The node, which takes this machine's clock for the truth: nobody's life depends on it."""
    return open_node(
        config,
        clock,
        random.SystemRandom(),
        demo=True,
        machine=lambda: [Evidence(Source.HUB, clock.now(), LATEST_S)],
    )


def _volunteers(village: SimVillage) -> list[Volunteer]:
    keys = {radio: village.device(radio).board.state.keys.public for radio in VOLUNTEERS}
    return [Volunteer(*who, keys[radio]) for radio, who in VOLUNTEERS.items()]


async def _obey_keyboard(village: SimVillage) -> None:
    """Lines typed here go to the post, as direct texts of the volunteer that they begin with."""
    mode = os.fstat(sys.stdin.fileno()).st_mode
    if not (sys.stdin.isatty() or stat.S_ISFIFO(mode)):  # a service has neither
        return
    by_name = {name.lower(): village.device(radio) for radio, (name, *_) in VOLUNTEERS.items()}
    post = village.device(GATEWAY).num
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        name, _, text = line.decode("utf-8", "replace").strip().partition(" ")
        if text and name.lower() in by_name:
            by_name[name.lower()].dm(post, text)


async def _show_screens(
    village: SimVillage, out: TextIO, clock: Clock, stop: asyncio.Event
) -> None:
    """Print what the watched radios show, as it comes; what all can read only once."""
    printed_at = dict.fromkeys(WATCHED, -1.0)
    while not stop.is_set():
        for name in WATCHED:
            for text in [one for one in village.device(name).shown if one.t > printed_at[name]]:
                printed_at[name] = text.t
                if name == WATCHED[0] or text.to != BROADCAST:
                    out.write(f"  {name:<18}| {text.text}\n")
        out.flush()
        try:
            async with clock.timeout(1.0):
                await stop.wait()
        except TimeoutError:
            continue
