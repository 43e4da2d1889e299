"""Faults and typing on command: one line in, one answer out, for stdin and a local TCP port.

The port listens on 127.0.0.1 only and has no password: it belongs to a simulation.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from kimnode.radio.sim.device import DOWNTIME_S, Device
from kimnode.radio.sim.serial_port import SerialPort
from kimnode.radio.sim.village import SimVillage

MAX_LINE_BYTES = 1024
MAX_SHOWN_LINES = 10
GARBAGE_BYTES = 64
HOST = "127.0.0.1"


class CommandError(Exception):
    """The line cannot be obeyed; the text says what is possible."""


@dataclass(frozen=True, slots=True)
class Command:
    usage: str
    help: str
    run: Callable[[list[str]], str]


class Control:
    """Knows one village. `execute("wedge R1 60")` returns the answer, "error: ..." included."""

    def __init__(self, village: SimVillage) -> None:
        self._village = village
        self._cables: dict[str, SerialPort] = {}
        on_device = self._on_device
        commands = (
            Command("help", "this list", self._help),
            Command("list", "radios, their ports and whether a client is there", self._list),
            Command("say RADIO TEXT", "type a text for all on a radio", self._say),
            Command("dm RADIO RADIO TEXT", "type a direct text on the first radio", self._dm),
            Command("shown RADIO", "the last texts on its screen", self._shown),
            Command("drop RADIO", "cut its client", on_device(lambda d, _: d.drop_client())),
            Command("refuse RADIO SECONDS", "refuse clients for so long", self._refuse),
            Command(
                "reboot RADIO [SECONDS]",
                "restart, down for so long",
                on_device(lambda d, a: d.reboot(_number(a, DOWNTIME_S))),
            ),
            Command("off RADIO", "pull its plug", on_device(lambda d, _: d.power_off())),
            Command("on RADIO", "switch it on again", on_device(lambda d, _: d.power_on())),
            Command(
                "wedge RADIO SECONDS",
                "its client's side hangs for so long",
                on_device(lambda d, a: d.wedge(_number(a, 60.0))),
            ),
            Command("garbage RADIO [BYTES]", "noise into its client's stream", self._garbage),
            Command("full RADIO on|off", "it reports a full queue for ever", self._full),
            Command("mumble RADIO on|off", "its queue reports get lost", self._mumble),
            Command("loss FRACTION", "of all frames, 0 to 1", self._loss),
            Command("partition NAMES / NAMES", "split the mesh, e.g. R1 R2 / R3", self._partition),
            Command("heal", "undo partition", self._heal),
            Command("serial RADIO", "plug a serial cable in; answers its path", self._serial),
            Command("unplug RADIO", "pull the serial cable", self._unplug),
        )
        self._commands = {c.usage.split()[0]: c for c in commands}

    def execute(self, line: str) -> str:
        """Obey one line."""
        self._village.timeline.catch_up()
        words = line.split()
        if not words:
            return ""
        command = self._commands.get(words[0])
        if command is None:
            return f"error: no command {words[0]!r}. Say help."
        try:
            return command.run(words[1:]) or "ok"
        except CommandError as error:
            return f"error: {error}. Usage: {command.usage}"

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

    def _device(self, args: list[str]) -> Device:
        names = self._village.devices
        if not args or args[0] not in names:
            raise CommandError(f"the radios are {', '.join(names)}")
        return names[args[0]]

    def _on_device(self, action: Callable[[Device, list[str]], object]) -> Callable[..., str]:
        def run(args: list[str]) -> str:
            action(self._device(args), args[1:])
            return "ok"

        return run

    def _help(self, _: list[str]) -> str:
        return "\n".join(f"{c.usage:26} {c.help}" for c in self._commands.values())

    def _list(self, _: list[str]) -> str:
        return "\n".join(
            f"{name:12} tcp:{HOST}:{self._village.port(name):<6} "
            f"{'on' if d.powered else 'off'}{', client connected' if d.client else ''}"
            for name, d in self._village.devices.items()
        )

    def _say(self, args: list[str]) -> str:
        self._device(args).say(_text(args[1:]))
        return "ok"

    def _dm(self, args: list[str]) -> str:
        self._device(args).dm(self._device(args[1:]).num, _text(args[2:]))
        return "ok"

    def _shown(self, args: list[str]) -> str:
        shown = list(self._device(args).shown)[-MAX_SHOWN_LINES:]
        names = {d.num: name for name, d in self._village.devices.items()}
        return "\n".join(f"{s.t:8.1f} {names.get(s.sender, '?')}: {s.text}" for s in shown)

    def _refuse(self, args: list[str]) -> str:
        self._device(args)
        self._village.refuse(args[0], _number(args[1:], 10.0))
        return "ok"

    def _garbage(self, args: list[str]) -> str:
        device = self._device(args)
        size = int(min(_number(args[1:], GARBAGE_BYTES), MAX_LINE_BYTES))
        device.garbage(device.board.chance.randbytes(size))
        return "ok"

    def _full(self, args: list[str]) -> str:
        self._device(args).faults.no_space = _switch(args[1:])
        return "ok"

    def _mumble(self, args: list[str]) -> str:
        self._device(args).faults.lose_statuses = _switch(args[1:])
        return "ok"

    def _loss(self, args: list[str]) -> str:
        loss = _number(args, -1.0)
        if not 0 <= loss <= 1:
            raise CommandError("a loss is between 0 and 1")
        self._village.air.loss = loss
        return "ok"

    def _partition(self, args: list[str]) -> str:
        groups = [group.split() for group in " ".join(args).split("/")]
        for name in (name for group in groups for name in group):
            self._device([name])
        self._village.partition(*groups)
        return "ok"

    def _heal(self, _: list[str]) -> str:
        self._village.partition()
        return "ok"

    def _serial(self, args: list[str]) -> str:
        name = self._device(args).name
        if name not in self._cables:
            self._cables[name] = self._village.serial_port(name)
        self._cables[name].plug()
        return str(self._cables[name].path)

    def _unplug(self, args: list[str]) -> str:
        name = self._device(args).name
        if name not in self._cables:
            raise CommandError(f"{name} has no serial cable")
        self._cables[name].unplug()
        return "ok"


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
