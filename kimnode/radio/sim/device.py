"""One virtual Meshtastic radio as the people around it see it: keyboard, screen, cable, power.

What the radio does by itself is in `firmware`. `shown` is what a person at the radio has read,
`say()` and `dm()` are what they type.
"""

from collections import deque
from collections.abc import Callable

from kimnode.radio.sim.air import Air
from kimnode.radio.sim.board import Board
from kimnode.radio.sim.codec import Port
from kimnode.radio.sim.firmware import Firmware
from kimnode.radio.sim.frame import BROADCAST
from kimnode.radio.sim.phone_api import Hooks, PhoneApi, Sink
from kimnode.radio.sim.screen import Outcome, Screen, Shown
from kimnode.radio.sim.service import ServiceFaults

DOWNTIME_S = 0.2  # a native radio is back this long after it went down; a real board takes 2 s


class Device:
    """Build one with `SimVillage`. Times are virtual seconds.

    `shown`: texts on the screen, oldest first. `outcomes`: what the radio was told about texts
    typed on it and packets of its client. `client`: the connection, if any. `on_power`: functions
    told of every switching.
    """

    def __init__(self, board: Board, air: Air, name: str) -> None:
        self.name = name
        self.num = board.num
        self.board = board
        self.faults = ServiceFaults()
        self.powered = True
        self.on_power: list[Callable[[bool], None]] = []
        self._air = air
        self._screen = Screen()
        self.shown: deque[Shown] = self._screen.shown
        self.outcomes: deque[Outcome] = self._screen.outcomes
        self.client: PhoneApi | None = None
        self.firmware = self._boot(just_booted=False)
        board.nodes.save(board.timeline.now)

    def say(self, text: str, channel: int = 0, *, want_ack: bool = False) -> int:
        """Type a text for all; the packet id."""
        return self._type(BROADCAST, text, channel, want_ack)

    def dm(self, to: int, text: str, *, want_ack: bool = True) -> int:
        """Type a direct text; the packet id. `outcomes` will tell what became of it."""
        return self._type(to, text, 0, want_ack)

    def connect(self, sink: Sink) -> PhoneApi:
        """A client connects; the one before is thrown out, as in the firmware."""
        self.drop_client()
        firmware = self.firmware
        hooks = Hooks(firmware.forced_nodeinfo, self._closed)
        self.client = PhoneApi(self.board, firmware.service, firmware.router.out, sink, hooks)
        return self.client

    def reboot(self, down_s: float = DOWNTIME_S) -> None:
        """Restart now. RAM is lost: queues, pending packets, clock, what was learnt lately."""
        self.power_off()
        self.board.timeline.after(down_s, self.power_on)

    def power_off(self) -> None:
        """Pull the plug: the client sees the connection end, the air goes silent."""
        self.board.timeline.catch_up()
        if not self.powered:
            return
        self.powered = False
        self.firmware.power_off()
        self.drop_client()
        self._tell_power()

    def power_on(self) -> None:
        """Boot from flash. The clock is unknown until somebody sets it."""
        self.board.timeline.catch_up()
        if self.powered:
            return
        self.powered = True
        self.board.nodes.reload()
        self.board.rtc_s = None
        self.board.booted_at = self.board.timeline.now
        self.firmware = self._boot(just_booted=True)
        self._tell_power()

    def wedge(self, seconds: float) -> None:
        """The client's side hangs: connection open, nothing read, nothing written."""
        self.board.timeline.catch_up()
        if api := self.client:
            api.wedge(True)
            self.board.timeline.after(seconds, lambda: api.wedge(False))

    def drop_client(self) -> None:
        """Cut the client's connection; the radio itself runs on."""
        self.board.timeline.catch_up()
        if self.client:
            self.client.close()

    def garbage(self, data: bytes) -> None:
        """Bytes that are no frame, into the client's stream (a crash log, line noise)."""
        if self.client:
            self.client.sink.write(data)

    def _tell_power(self) -> None:
        for listener in self.on_power:
            listener(self.powered)

    def _boot(self, *, just_booted: bool) -> Firmware:
        firmware = Firmware(
            self.board, self._air, self._screen, self.faults, self._nudge, self.reboot
        )
        firmware.start(just_booted=just_booted)
        return firmware

    def _type(self, to: int, text: str, channel: int, want_ack: bool) -> int:
        self.board.timeline.catch_up()
        packet = self.board.new_packet(to, Port.TEXT_MESSAGE_APP, text.encode())
        packet.channel = channel
        packet.want_ack = want_ack
        self.firmware.service.send_to_mesh(packet)
        return int(packet.id)

    def _nudge(self) -> None:
        if self.client:
            self.client.nudge()

    def _closed(self, api: PhoneApi) -> None:
        if self.client is api:
            self.client = None
