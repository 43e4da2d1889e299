"""One life of a radio between boot and power-off: everything that sits in RAM, wired together.

A reboot throws this object away; flash (`Board.state`, saved nodes) and the client's faults stay.
"""

from collections.abc import Callable
from typing import TypeAlias

from meshtastic.protobuf import mesh_pb2

from kimnode.radio.sim.admin import AdminModule
from kimnode.radio.sim.air import Air
from kimnode.radio.sim.board import Board, sender_of
from kimnode.radio.sim.codec import Error, Port
from kimnode.radio.sim.frame import BROADCAST, Frame
from kimnode.radio.sim.mac import Mac
from kimnode.radio.sim.modules import Answer, Modules
from kimnode.radio.sim.reports import OwnReports
from kimnode.radio.sim.router import Router
from kimnode.radio.sim.routing import hop_limit_for_answer
from kimnode.radio.sim.screen import Screen
from kimnode.radio.sim.service import Service, ServiceFaults
from kimnode.radio.sim.timeline import Event

FIRST_METRICS_S, METRICS_S, STATS_S = 75.0, 60.0, 900.0
FIRST_NODEINFO_S, FIRST_POSITION_S = 30.0, 45.0
NODEINFO_FORCED_PAUSE_S = 60.0

Packet: TypeAlias = mesh_pb2.MeshPacket


class Firmware:
    """`nudge` wakes the connected client's API; `reboot` restarts the radio."""

    def __init__(
        self,
        board: Board,
        air: Air,
        screen: Screen,
        faults: ServiceFaults,
        nudge: Callable[[], None],
        reboot: Callable[[], None],
    ) -> None:
        self._board = board
        self._screen = screen
        self._reboot = reboot
        self._timers: dict[str, Event] = {}
        self.mac = Mac(board, air, self._receive)
        self.router = Router(board, self.mac, self._on_packet)
        self.router.on_unknown_key = lambda p: self._introduce(sender_of(p))
        self.service = Service(board, self.mac, self.router.out, faults, nudge)
        self.reports = OwnReports(board, self.mac, self.service.send_to_mesh)
        self.mac.on_space = self.service.space
        self.service.on_own_position = self.reports.moved
        self.modules = Modules(board, self.mac, self.reports, self.service.send_to_mesh)
        self._admin = AdminModule(board, self.reboot_in, self.reports.send_position)

    def start(self, *, just_booted: bool) -> None:
        """Begin the periodic duties; a radio that runs long already is between two of them."""
        state = self._board.state
        up = self._board.timeline.now - self._board.booted_at
        first = FIRST_METRICS_S - up if up < FIRST_METRICS_S else METRICS_S / 2
        self._every("metrics", first, METRICS_S, self._show_metrics)
        self._every("stats", first, STATS_S, self._show_stats)
        nodeinfo_s = float(state.config.device.node_info_broadcast_secs)
        position_s = float(state.config.position.position_broadcast_secs)
        wait = FIRST_NODEINFO_S if just_booted else nodeinfo_s
        self._every("nodeinfo", wait, nodeinfo_s, self.modules.send_nodeinfo_sometimes)
        wait = FIRST_POSITION_S if just_booted else position_s
        self._every("position", wait, position_s, self.reports.send_position)
        if just_booted:
            self.service.boot()
        else:
            self.reports.metrics()

    def power_off(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self.mac.power_off()
        self.router.power_off()

    def reboot_in(self, seconds: float) -> None:
        """Restart later; a second wish replaces the first."""
        if planned := self._timers.get("reboot"):
            planned.cancel()
        self._timers["reboot"] = self._board.timeline.after(seconds, self._reboot)

    def forced_nodeinfo(self) -> None:
        """The client asks for our NodeInfo to be sent (heartbeat nonce 1)."""
        sent = self._board.state.nodeinfo_sent_at
        if sent is None or self._board.timeline.now - sent >= NODEINFO_FORCED_PAUSE_S:
            self.modules.send_nodeinfo()

    def _receive(self, frame: Frame, snr: float, rssi: int) -> None:
        self.router.receive(frame, snr, rssi)

    def _every(
        self, name: str, first_s: float, period_s: float, action: Callable[[], object]
    ) -> None:
        def tick() -> None:
            self._timers[name] = self._board.timeline.after(period_s, tick)
            action()

        self._timers[name] = self._board.timeline.after(first_s, tick)

    def _on_packet(self, packet: Packet) -> None:
        """Every new packet, from the air or from our own client, after decryption."""
        for_us = packet.to in (BROADCAST, self._board.num)
        decoded = packet.WhichOneof("payload_variant") == "decoded"
        answer = Answer()
        if decoded and for_us:
            answer = self._ask_modules(packet)
        elif decoded:
            self.modules.pass_through(packet)
        self.router.sniff(packet, answer.reply is not None)
        if for_us and sender_of(packet):
            self._deliver(packet, decoded)
        if decoded and for_us and packet.decoded.want_response:
            self._respond(packet, answer)

    def _ask_modules(self, packet: Packet) -> Answer:
        if packet.decoded.portnum == Port.ADMIN_APP and self._board.to_us(packet):
            return Answer(self._admin.handle(packet))
        return self.modules.handle(packet)

    def _respond(self, packet: Packet, answer: Answer) -> None:
        if answer.reply is not None:
            self.service.send_to_mesh(answer.reply)
        elif sender_of(packet) != self._board.num and not answer.ignore:
            hops = hop_limit_for_answer(self._board, packet)
            sender = sender_of(packet) or self._board.num
            self.router.out.ack(Error.NO_RESPONSE, sender, packet.id, packet.channel, hops)

    def _deliver(self, packet: Packet, decoded: bool) -> None:
        """To the node list, the screen and the client's queue."""
        if decoded:
            if sender_of(packet) != self._board.num:
                self._learn(packet)
            self._screen.show(self._board.timeline.now, packet)
        self.service.show(packet)

    def _learn(self, packet: Packet) -> None:
        entry = self._board.nodes.get_or_add(sender_of(packet))
        entry.last_heard = packet.rx_time or entry.last_heard
        entry.snr = packet.rx_snr or entry.snr
        if packet.hop_start and packet.hop_start >= packet.hop_limit:
            entry.hops_away = packet.hop_start - packet.hop_limit
        self._board.nodes.sort_sometimes(self._board.timeline.now)
        self._board.nodes.save_sometimes(self._board.timeline.now, self._board.booted_at)
        if entry.user is None and packet.decoded.portnum != Port.NODEINFO_APP:
            self.modules.send_nodeinfo_sometimes(entry.num, want_response=True)

    def _introduce(self, to: int) -> None:
        """Somebody lacks our key; this NodeInfo is not throttled."""
        self.modules.send_nodeinfo(to)

    def _show_metrics(self) -> None:
        if not self.service.to_phone:
            self.service.show(self.reports.metrics_packet())

    def _show_stats(self) -> None:
        self.service.show(self.reports.stats_packet())
