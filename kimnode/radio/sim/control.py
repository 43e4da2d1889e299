"""Faults and typing on command: one line in, one answer out, for stdin and a local TCP port.

The port listens on 127.0.0.1 only and has no password: it belongs to a simulation.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from kimnode.radio.sim.device import DOWNTIME_S, Device
from kimnode.radio.sim.village import SimVillage

MAX_LINE_BYTES = 1024
MAX_SHOWN_LINES = 10
GARBAGE_BYTES = 64
WEDGE_S, REFUSE_S = 60.0, 10.0
HOST = "127.0.0.1"


class CommandError(Exception):
    """The line cannot be obeyed; the text says what is possible."""


@dataclass(frozen=True, slots=True)
class Command:
    usage: str
    help: str
    run: Callable[[SimVillage, list[str]], str | None]  # None = nothing to tell but "ok"


class Control:
    """Knows one village. `execute("wedge R1 60")` returns the answer, "error: ..." included."""

    def __init__(self, village: SimVillage) -> None:
        self._village = village

    def execute(self, line: str) -> str:
        """Obey one line."""
        self._village.timeline.catch_up()
        words = line.split()
        if not words:
            return ""
        command = COMMANDS.get(words[0])
        if command is None:
            return f"error: no command {words[0]!r}. Say help."
        try:
            said = command.run(self._village, words[1:])
        except CommandError as error:
            return f"error: {error}. Usage: {command.usage}"
        return "ok" if said is None else said

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer line by line until the other side closes or writes nonsense without an end."""
        try:
            while line := await reader.readline():
                answer = self.execute(line.decode("utf-8", "replace"))
                writer.write(answer.encode() + b"\n")
                await writer.drain()
        except (ValueError, ConnectionError):
            return
        finally:
            writer.close()

    async def listen(self, port: int) -> asyncio.Server:
        """A control port on this machine; 0 = any free one."""
        return await asyncio.start_server(self.serve, HOST, port, limit=MAX_LINE_BYTES)


def _device(village: SimVillage, args: list[str]) -> Device:
    if not args or args[0] not in village.devices:
        raise CommandError(f"the radios are {', '.join(village.devices)}")
    return village.devices[args[0]]


def _number(args: list[str], default: float) -> float:
    if not args:
        return default
    try:
        return float(args[0])
    except ValueError:
        raise CommandError(f"{args[0]!r} is no number") from None


def _switch(args: list[str]) -> bool:
    if args not in (["on"], ["off"]):
        raise CommandError("on or off is missing")
    return args == ["on"]


def _text(words: list[str]) -> str:
    if not words:
        raise CommandError("the text is missing")
    return " ".join(words)


def _help(_: SimVillage, _args: list[str]) -> str:
    return "\n".join(f"{c.usage:26} {c.help}" for c in COMMANDS.values())


def _list(village: SimVillage, _: list[str]) -> str:
    return "\n".join(
        f"{name:12} tcp:{HOST}:{village.port(name):<6} "
        f"{'on' if d.powered else 'off'}{', client connected' if d.client else ''}"
        for name, d in village.devices.items()
    )


def _say(village: SimVillage, args: list[str]) -> None:
    _device(village, args).say(_text(args[1:]))


def _dm(village: SimVillage, args: list[str]) -> None:
    _device(village, args).dm(_device(village, args[1:]).num, _text(args[2:]))


def _shown(village: SimVillage, args: list[str]) -> str:
    shown = list(_device(village, args).shown)[-MAX_SHOWN_LINES:]
    names = {d.num: name for name, d in village.devices.items()}
    lines = [f"{s.t:8.1f} {names.get(s.sender, '?')}: {s.text}" for s in shown]
    return "\n".join(lines) or "nothing yet"


def _drop(village: SimVillage, args: list[str]) -> None:
    _device(village, args).drop_client()


def _refuse(village: SimVillage, args: list[str]) -> None:
    village.refuse(_device(village, args).name, _number(args[1:], REFUSE_S))


def _reboot(village: SimVillage, args: list[str]) -> None:
    _device(village, args).reboot(_number(args[1:], DOWNTIME_S))


def _off(village: SimVillage, args: list[str]) -> None:
    _device(village, args).power_off()


def _on(village: SimVillage, args: list[str]) -> None:
    _device(village, args).power_on()


def _wedge(village: SimVillage, args: list[str]) -> None:
    _device(village, args).wedge(_number(args[1:], WEDGE_S))


def _garbage(village: SimVillage, args: list[str]) -> None:
    device = _device(village, args)
    size = int(min(_number(args[1:], GARBAGE_BYTES), MAX_LINE_BYTES))
    device.garbage(device.board.chance.randbytes(size))


def _full(village: SimVillage, args: list[str]) -> None:
    _device(village, args).faults.no_space = _switch(args[1:])


def _mumble(village: SimVillage, args: list[str]) -> None:
    _device(village, args).faults.lose_statuses = _switch(args[1:])


def _loss(village: SimVillage, args: list[str]) -> None:
    loss = _number(args, -1.0)
    if not 0 <= loss <= 1:
        raise CommandError("a loss is between 0 and 1")
    village.air.loss = loss


def _partition(village: SimVillage, args: list[str]) -> None:
    groups = [group.split() for group in " ".join(args).split("/")]
    for name in (name for group in groups for name in group):
        _device(village, [name])
    village.partition(*groups)


def _heal(village: SimVillage, _: list[str]) -> None:
    village.partition()


def _serial(village: SimVillage, args: list[str]) -> str:
    port = village.serial_port(_device(village, args).name)
    port.plug()
    return str(port.path)


def _unplug(village: SimVillage, args: list[str]) -> None:
    village.serial_port(_device(village, args).name).unplug()


COMMANDS = {
    command.usage.split()[0]: command
    for command in (
        Command("help", "this list", _help),
        Command("list", "radios, their ports and whether a client is there", _list),
        Command("say RADIO TEXT", "type a text for all on a radio", _say),
        Command("dm RADIO RADIO TEXT", "type a direct text on the first radio", _dm),
        Command("shown RADIO", "the last texts on its screen", _shown),
        Command("drop RADIO", "cut its client", _drop),
        Command("refuse RADIO SECONDS", "refuse clients for so long", _refuse),
        Command("reboot RADIO [SECONDS]", "restart, down for so long", _reboot),
        Command("off RADIO", "pull its plug", _off),
        Command("on RADIO", "switch it on again", _on),
        Command("wedge RADIO SECONDS", "its client's side hangs for so long", _wedge),
        Command("garbage RADIO [BYTES]", "noise into its client's stream", _garbage),
        Command("full RADIO on|off", "it reports a full queue for ever", _full),
        Command("mumble RADIO on|off", "its queue reports get lost", _mumble),
        Command("loss FRACTION", "of all frames, 0 to 1", _loss),
        Command("partition NAMES / NAMES", "split the mesh, e.g. R1 R2 / R3", _partition),
        Command("heal", "undo partition", _heal),
        Command("serial RADIO", "plug a serial cable in; answers its path", _serial),
        Command("unplug RADIO", "pull the serial cable", _unplug),
    )
}
