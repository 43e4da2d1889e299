"""A whole simulated mesh: radios that know each other, their air, their TCP ports.

    async with SimVillage(radios=["gerbang", "bukit", "sawah"], seed=7, clock=clock) as village:
        link to 127.0.0.1:village.port("gerbang")
        village.device("bukit").say("halo")
        village.device("sawah").shown

Without `async with` the same village lives in virtual time only: `village.timeline.run_until(60)`.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from kimnode.clock import Clock
from kimnode.radio.sim.air import Air
from kimnode.radio.sim.board import Board
from kimnode.radio.sim.config_state import make_config, node_id
from kimnode.radio.sim.crypto import make_keys
from kimnode.radio.sim.device import Device
from kimnode.radio.sim.nodes import NodeList
from kimnode.radio.sim.serial_port import SerialPort
from kimnode.radio.sim.server import RadioServer
from kimnode.radio.sim.timeline import Driver, Timeline

FIRST_NUMBER = 0x1000001F
UP_BEFORE_S = 600.0  # the village is not fresh: all have been up for so long


class SimVillage:
    """`radios`: names, or a count (named R1, R2 ...). All hear each other until the air is told.

    `know_each_other=False` starts without each other's keys: direct texts fail as in the field.
    """

    def __init__(
        self,
        radios: Sequence[str] | int = 4,
        *,
        preset: str = "MEDIUM_FAST",
        region: str = "KR",
        seed: int = 0,
        clock: Clock | None = None,
        loss: float = 0.0,
        first_port: int = 0,
        know_each_other: bool = True,
    ) -> None:
        names = [f"R{i + 1}" for i in range(radios)] if isinstance(radios, int) else list(radios)
        self.clock = clock or Clock()
        self.timeline = Timeline(seed)
        self.air = Air(self.timeline, loss=loss)
        self.driver = Driver(self.timeline, self.clock)
        self.devices: dict[str, Device] = {}
        self.servers: dict[str, RadioServer] = {}
        for i, name in enumerate(names):
            board = self._make_board(name, FIRST_NUMBER + i, region, preset)
            self.devices[name] = Device(board, self.air, name)
        if know_each_other:
            self._introduce_all()
        for i, (name, device) in enumerate(self.devices.items()):
            port = first_port + i if first_port else 0
            self.servers[name] = RadioServer(device, port)
        self._serial_ports: dict[str, SerialPort] = {}
        self._stack = AsyncExitStack()

    def device(self, name: str) -> Device:
        return self.devices[name]

    def port(self, name: str) -> int:
        """The TCP port of a radio; known once the village is entered."""
        return self.servers[name].port

    def refuse(self, name: str, seconds: float) -> None:
        """Nobody can connect to a radio for so long; its present client is cut."""
        self.servers[name].refuse(seconds)

    def partition(self, *groups: Sequence[str]) -> None:
        """Split the mesh into groups of names that cannot hear each other; none = heal."""
        self.air.partition(*[[self.devices[n].num for n in group] for group in groups])

    def line(self, *names: str) -> None:
        """Only neighbours in this order hear each other (a valley with repeaters)."""
        nums = [self.devices[n].num for n in names]
        for i, a in enumerate(nums):
            for j, b in enumerate(nums[i + 1 :], i + 1):
                self.air.set_link(a, b, heard=j == i + 1)

    def serial_port(self, name: str) -> SerialPort:
        """A pseudo-terminal in front of a radio; its `path` can be opened. One per radio."""
        if name not in self._serial_ports:
            self._serial_ports[name] = SerialPort(self.devices[name])
            self._stack.callback(self._serial_ports[name].remove)
        return self._serial_ports[name]

    async def __aenter__(self) -> Self:
        self.driver.attach()
        group = await self._stack.enter_async_context(asyncio.TaskGroup())
        tasks = [group.create_task(self.driver.run(), name="sim-driver")]
        for name, server in self.servers.items():
            await server.start()
            tasks.append(group.create_task(server.run(), name=f"sim-server-{name}"))
        for task in tasks:
            self._stack.callback(task.cancel)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in self.servers.values():
            server.stop()
        await self._stack.__aexit__(kind, error, trace)

    def _make_board(self, name: str, num: int, region: str, preset: str) -> Board:
        keys = make_keys(f"{self.timeline.seed}/{num}".encode())
        state = make_config(num, name, _short_name(name), keys, region, preset)
        state.nodeinfo_sent_at = -UP_BEFORE_S
        nodes = NodeList(num)
        nodes.get_or_add(num)
        chance = self.timeline.chance(node_id(num))
        return Board(num, self.timeline, chance, state, nodes, time.time(), -UP_BEFORE_S)

    def _introduce_all(self) -> None:
        for device in self.devices.values():
            for other in self.devices.values():
                if other is not device:
                    device.board.nodes.learn_user(other.num, other.board.state.owner)
                    entry = device.board.nodes.get_or_add(other.num)
                    entry.last_heard = device.board.unix_time
                    entry.hops_away = 0
            device.board.nodes.save(self.timeline.now)


def _short_name(name: str) -> str:
    """At most four bytes, as the firmware wants it."""
    return name.encode()[:4].decode("utf-8", "ignore").upper()
