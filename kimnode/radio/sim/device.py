"""One virtual Meshtastic radio: firmware 2.7.26 as a client, the air and a person see it.

It has a screen and a keyboard of its own: `shown` is what a person at the radio has read, `say()`
and `dm()` are what they type. A reboot makes everything anew except the flash (`Board.state`,
saved nodes).
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from meshtastic.protobuf import mesh_pb2

from kimnode.radio.sim.admin import AdminModule
from kimnode.radio.sim.air import Air
from kimnode.radio.sim.board import Board, sender_of
from kimnode.radio.sim.codec import Port
from kimnode.radio.sim.frame import BROADCAST
from kimnode.radio.sim.mac import Mac
from kimnode.radio.sim.modules import Answer, Modules
from kimnode.radio.sim.phone_api import Hooks, PhoneApi, Sink
from kimnode.radio.sim.router import Router
from kimnode.radio.sim.routing import hop_limit_for_answer, routing_of
from kimnode.radio.sim.service import Service, ServiceFaults
from kimnode.radio.sim.timeline import Event

MAX_SHOWN = 20_000  # texts and outcomes a test may look back at
DOWNTIME_S = 0.5  # a native radio is back this long after it went down
FIRST_METRICS_S, METRICS_S, STATS_S = 75.0, 60.0, 900.0
FIRST_NODEINFO_S, FIRST_POSITION_S, POSITION_TICK_S = 30.0, 45.0, 5.0
NODEINFO_FORCED_PAUSE_S = 60.0

Packet = mesh_pb2.MeshPacket


@dataclass(frozen=True, slots=True)
class Shown:
    """A text as the radio's screen (or its client) shows it. `to` BROADCAST = for all."""

    t: float
    sender: int
    to: int
    channel: int
    text: str
    packet_id: int
    pki: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a packet: who says so (`by` own number = only relayed), Routing.Error."""

    t: float
    packet_id: int
    by: int
    error: int


class Device:
    """Build one with `SimVillage`. Times are virtual seconds."""

    def __init__(self, board: Board, air: Air, name: str) -> None:
        self.name = name
        self.num = board.num
        self.board = board
        self.shown: deque[Shown] = deque(maxlen=MAX_SHOWN)
        self.outcomes: deque[Outcome] = deque(maxlen=MAX_SHOWN)
        self.faults = ServiceFaults()
        self.powered = False
        self.on_power: Callable[[bool], None] = lambda _: None
        self._air = air
        self._api: PhoneApi | None = None
        self._timers: list[Event] = []
        self._make_parts()
        self.modules.metrics_packet()
        board.nodes.save(board.timeline.now)
        self._start(freshly=False)

    # --- the person at the radio ---------------------------------------------------------------

    def say(self, text: str, channel: int = 0, *, want_ack: bool = False) -> int:
        """Type a text for all; the packet id."""
        return self._type(BROADCAST, text, channel, want_ack)

    def dm(self, to: int, text: str, *, want_ack: bool = True) -> int:
        """Type a direct text; the packet id. `outcomes` will tell what became of it."""
        return self._type(to, text, 0, want_ack)

    # --- the client ----------------------------------------------------------------------------

    def connect(self, sink: Sink) -> PhoneApi:
        """A client connects; the one before is thrown out, as in the firmware."""
        if self._api:
            self._api.close()
        hooks = Hooks(self._forced_nodeinfo, self._closed)
        self._api = PhoneApi(self.board, self.service, self.router, sink, hooks)
        return self._api

    @property
    def client(self) -> PhoneApi | None:
        """The connected client, if any."""
        return self._api

    # --- power and faults ----------------------------------------------------------------------

    def reboot(self, down_s: float = DOWNTIME_S) -> None:
        """Restart now. RAM is lost: queues, pending packets, clock, what was learnt lately."""
        self.power_off()
        self.board.timeline.after(down_s, self.power_on)

    def power_off(self) -> None:
        """Pull the plug: the client sees the connection end, the air goes silent."""
        if not self.powered:
            return
        self.powered = False
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        if self._reboot_due:
            self._reboot_due.cancel()
        self.mac.power_off()
        self.router.power_off()
        if self._api:
            self._api.close()
        self.on_power(False)

    def power_on(self) -> None:
        """Boot from flash. The clock is unknown until somebody sets it."""
        if self.powered:
            return
        self.board.nodes.reload()
        self.board.rtc_s = None
        self.board.booted_at = self.board.timeline.now
        self._make_parts()
        self._start(freshly=True)
        self.service.boot()
        self.on_power(True)

    def wedge(self, seconds: float) -> None:
        """The client's side hangs: connection open, nothing read, nothing written."""
        if api := self._api:
            api.wedge(True)
            self.board.timeline.after(seconds, lambda: api.wedge(False))

    def drop_client(self) -> None:
        """Cut the client's connection; the radio itself runs on."""
        if self._api:
            self._api.close()

    def garbage(self, data: bytes) -> None:
        """Bytes that are no frame, into the client's stream (a crash log, line noise)."""
        if self._api:
            self._api.sink.write(data)

    # --- inside --------------------------------------------------------------------------------

    def _make_parts(self) -> None:
        board = self.board
        self.mac = Mac(board, self._air, lambda f, snr, rssi: self.router.receive(f, snr, rssi))
        self.router = Router(board, self.mac, self._on_packet)
        self.router.on_unknown_key = lambda p: self._introduce(sender_of(p))
        self.service = Service(board, self.mac, self.router, self.faults, self._nudge)
        self.modules = Modules(board, self.mac, self.service.send_to_mesh)
        self._admin = AdminModule(board, self._reboot_in, self.modules.send_position)
        self._position_due = False
        self._reboot_due: Event | None = None

    def _start(self, *, freshly: bool) -> None:
        self.powered = True
        board = self.board
        up = board.timeline.now - board.booted_at
        first = FIRST_METRICS_S if up < FIRST_METRICS_S else up + METRICS_S / 2
        self._every(first - up, METRICS_S, self._show_metrics)
        self._every(first - up, STATS_S, self._show_stats)
        nodeinfo_s = float(board.state.config.device.node_info_broadcast_secs)
        wait = FIRST_NODEINFO_S if freshly else nodeinfo_s
        self._every(wait, nodeinfo_s, self.modules.send_nodeinfo_sometimes)
        position_s = float(board.state.config.position.position_broadcast_secs)
        wait = FIRST_POSITION_S if freshly else position_s
        self._every(wait, position_s, self.modules.send_position)

    def _every(self, first_s: float, period_s: float, action: Callable[[], object]) -> None:
        slot = len(self._timers)

        def tick() -> None:
            self._timers[slot] = self.board.timeline.after(period_s, tick)
            action()

        self._timers.append(self.board.timeline.after(first_s, tick))

    def _nudge(self) -> None:
        if self._api:
            self._api.nudge()

    def _closed(self, api: PhoneApi) -> None:
        if self._api is api:
            self._api = None

    def _on_packet(self, packet: Packet) -> None:
        """Every new packet, from the air or from our own client, after decryption."""
        for_us = packet.to in (BROADCAST, self.num)
        decoded = packet.WhichOneof("payload_variant") == "decoded"
        answer = Answer()
        if decoded and for_us:
            answer = self._modules_answer(packet)
        elif decoded:
            self.modules.pass_through(packet)
        self.router.sniff(packet, answer.reply is not None)
        if for_us and sender_of(packet):
            self._deliver(packet, decoded)
        if decoded and for_us and packet.decoded.want_response:
            self._respond(packet, answer)

    def _modules_answer(self, packet: Packet) -> Answer:
        if packet.decoded.portnum == Port.ADMIN_APP and self.board.to_us(packet):
            return Answer(self._admin.handle(packet))
        return self.modules.handle(packet)

    def _respond(self, packet: Packet, answer: Answer) -> None:
        if answer.reply is not None:
            self.service.send_to_mesh(answer.reply)
        elif sender_of(packet) != self.num and not answer.ignore:
            hops = hop_limit_for_answer(self.board, packet)
            sender = sender_of(packet) or self.num
            no_response = mesh_pb2.Routing.Error.NO_RESPONSE
            self.router.ack(no_response, sender, packet.id, packet.channel, hops)

    def _deliver(self, packet: Packet, decoded: bool) -> None:
        """To the client's queue, the node list and the screen."""
        sender = sender_of(packet)
        if decoded and sender != self.num:
            self._learn(packet)
        if decoded:
            self._screen(packet)
        self.service.show(packet)

    def _learn(self, packet: Packet) -> None:
        entry = self.board.nodes.get_or_add(sender_of(packet))
        if packet.rx_time:
            entry.last_heard = packet.rx_time
        if packet.rx_snr:
            entry.snr = packet.rx_snr
        if packet.hop_start >= packet.hop_limit and packet.hop_start:
            entry.hops_away = packet.hop_start - packet.hop_limit
        self.board.nodes.save_sometimes(self.board.timeline.now, self.board.booted_at)
        if entry.user is None and packet.decoded.portnum != Port.NODEINFO_APP:
            self.modules.send_nodeinfo_sometimes(entry.num, want_response=True)

    def _screen(self, packet: Packet) -> None:
        now, port = self.board.timeline.now, packet.decoded.portnum
        if port in (Port.TEXT_MESSAGE_APP, Port.ALERT_APP):
            text = packet.decoded.payload.decode("utf-8", "replace")
            self.shown.append(
                Shown(
                    now,
                    sender_of(packet),
                    packet.to,
                    packet.channel,
                    text,
                    packet.id,
                    packet.pki_encrypted,
                )
            )
        elif (routing := routing_of(packet)) and packet.decoded.request_id:
            self.outcomes.append(
                Outcome(now, packet.decoded.request_id, sender_of(packet), routing.error_reason)
            )

    def _type(self, to: int, text: str, channel: int, want_ack: bool) -> int:
        packet = self.board.new_packet(to, Port.TEXT_MESSAGE_APP, text.encode())
        packet.channel = channel
        packet.want_ack = want_ack
        self.service.send_to_mesh(packet)
        return int(packet.id)

    def _introduce(self, to: int) -> None:
        self.modules.send_nodeinfo(to)

    def _forced_nodeinfo(self) -> None:
        sent = self.board.state.nodeinfo_sent_at
        if sent is None or self.board.timeline.now - sent >= NODEINFO_FORCED_PAUSE_S:
            self.modules.send_nodeinfo()

    def _show_metrics(self) -> None:
        if not self.service.to_phone:
            self.service.show(self.modules.metrics_packet())

    def _show_stats(self) -> None:
        self.service.show(self.modules.stats_packet())

    def _reboot_in(self, seconds: float) -> None:
        if self._reboot_due:
            self._reboot_due.cancel()
        self._reboot_due = self.board.timeline.after(seconds, self.reboot)
