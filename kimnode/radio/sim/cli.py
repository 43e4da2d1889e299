"""`kimnode sim`: a village of simulated radios that any Meshtastic client can connect to."""

import argparse
import asyncio
import os
import stat
import sys
from typing import TextIO

from kimnode.clock import Clock
from kimnode.errors import ConfigError
from kimnode.radio.sim.chatter import start_chatter
from kimnode.radio.sim.config_state import REGIONS_MHZ
from kimnode.radio.sim.control import HOST, Control
from kimnode.radio.sim.village import SimVillage
from kimnode.rules.lora import PRESETS

MAX_RADIOS = 64
CHATTER_PAUSE_S = 45.0
DEFAULT_PORT = 4403


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `kimnode sim`."""
    add = parser.add_argument
    add("--radios", type=int, default=4, metavar="N", help="how many radios (default: 4)")
    add("--names", metavar="A,B,C", help="names instead of R1, R2 ...; then N follows from them")
    add(
        "--preset",
        default="MEDIUM_FAST",
        choices=list(PRESETS),
        metavar="PRESET",
        help=f"modem preset of all radios: {', '.join(PRESETS)} (default: MEDIUM_FAST)",
    )
    add(
        "--region",
        default="KR",
        choices=list(REGIONS_MHZ),
        metavar="REGION",
        help="radio region: %(choices)s (default: KR, which fits Indonesia's 920-923 MHz)",
    )
    _add_circumstances(parser)


def _add_circumstances(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--seed", type=int, default=1, help="chance: same seed, same village (default: 1)")
    add(
        "--port",
        type=int,
        default=DEFAULT_PORT,
        help=f"TCP port of the first radio, the others follow; 0 = any (default: {DEFAULT_PORT})",
    )
    add("--loss", type=float, default=0.0, help="lost fraction of all frames, 0 to 1 (default: 0)")
    add("--line", action="store_true", help="each radio hears only its neighbours in the row")
    add("--speed", type=float, default=1.0, help="faster than real time (default: 1)")
    add(
        "--chatter",
        type=float,
        nargs="?",
        const=CHATTER_PAUSE_S,
        metavar="SECONDS",
        help="villagers chat on all radios but the first, "
        f"on average every SECONDS (default: {CHATTER_PAUSE_S:g})",
    )
    add(
        "--control",
        type=int,
        metavar="PORT",
        help="take commands (faults, texts) on this TCP port too; say `help` there or on stdin",
    )


async def run_sim(options: argparse.Namespace, out: TextIO = sys.stdout) -> None:
    """Run the village until cancelled. ConfigError for values that make no sense."""
    _check(options)
    names = options.names.split(",") if options.names else options.radios
    village = SimVillage(
        names,
        preset=options.preset,
        region=options.region,
        seed=options.seed,
        clock=Clock(options.speed),
        loss=options.loss,
        first_port=options.port,
    )
    if options.line:
        village.line(*village.devices)
    async with village:
        control = Control(village)
        out.write(f"{control.execute('list')}\nSay help for what can be done to them.\n")
        out.flush()
        if options.chatter is not None:
            start_chatter(village.timeline, list(village.devices.values())[1:], options.chatter)
        if options.control is not None:
            server = await control.listen(options.control)
            out.write(f"control {HOST}:{server.sockets[0].getsockname()[1]}\n")
            out.flush()
        await _commands_from_stdin(control, out)
        await asyncio.Event().wait()


def _check(options: argparse.Namespace) -> None:
    names = options.names.split(",") if options.names else []
    count = len(names) or options.radios
    if not 1 <= count <= MAX_RADIOS:
        raise ConfigError(f"{count} radios are not possible; choose 1 to {MAX_RADIOS}.")
    if len(set(names)) != len(names) or not all(names):
        raise ConfigError(f"--names {options.names}: every radio needs a name of its own.")
    if not 0 <= options.loss <= 1:
        raise ConfigError(f"--loss {options.loss}: choose a fraction from 0 to 1.")
    if options.speed <= 0 or (options.chatter is not None and options.chatter <= 0):
        raise ConfigError("--speed and --chatter must be greater than 0.")


async def _commands_from_stdin(control: Control, out: TextIO) -> None:
    """Obey lines from a terminal or a pipe until it ends; a service has none."""
    mode = os.fstat(sys.stdin.fileno()).st_mode
    if not (sys.stdin.isatty() or stat.S_ISFIFO(mode)):
        return
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        out.write(control.execute(line.decode("utf-8", "replace")) + "\n")
        out.flush()
