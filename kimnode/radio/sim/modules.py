"""The firmware's modules as far as a village meets them: NodeInfo, position, telemetry, traceroute.

Each answers a request at most once; NodeInfo stays silent for ten minutes after the last one sent,
which is why a request for it often gets only an acknowledgement.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from google.protobuf.message import DecodeError, Message
from meshtastic.protobuf import mesh_pb2, telemetry_pb2

from kimnode.radio.sim.board import Board, sender_of
from kimnode.radio.sim.codec import Port
from kimnode.radio.sim.frame import BROADCAST
from kimnode.radio.sim.mac import Mac
from kimnode.radio.sim.nodes import NodeEntry
from kimnode.radio.sim.reports import OwnReports
from kimnode.radio.sim.routing import reply_to

NODEINFO_QUIET_S = 600.0
UTILIZATION_QUIET_PERCENT = 25.0
SNR_STEPS_PER_DB = 4
MAX_ROUTE = 8

Packet: TypeAlias = mesh_pb2.MeshPacket
Priority = mesh_pb2.MeshPacket.Priority
M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the modules made of a packet; `ignore` = stay silent on purpose."""

    reply: Packet | None = None
    ignore: bool = False


def parse(kind: type[M], payload: bytes) -> M | None:
    """The message in a payload; None if it is not one."""
    try:
        return kind.FromString(payload)
    except DecodeError:
        return None


class Modules:
    """`send` takes a packet to the mesh (Service.send_to_mesh)."""

    def __init__(
        self, board: Board, mac: Mac, reports: OwnReports, send: Callable[..., int]
    ) -> None:
        self._board = board
        self._mac = mac
        self._reports = reports
        self._send = send
        self._handlers: dict[int, Callable[[Packet], Answer]] = {
            Port.NODEINFO_APP: self._nodeinfo,
            Port.POSITION_APP: self._position,
            Port.TELEMETRY_APP: self._telemetry,
            Port.TRACEROUTE_APP: self._traceroute,
        }

    def handle(self, packet: Packet) -> Answer:
        """Learn from a decoded packet for us or for all; perhaps answer it."""
        handler = self._handlers.get(packet.decoded.portnum)
        return handler(packet) if handler else Answer()

    def pass_through(self, packet: Packet) -> None:
        """A packet between others: traceroute notes that it came by here."""
        route = parse(mesh_pb2.RouteDiscovery, packet.decoded.payload)
        if packet.decoded.portnum != Port.TRACEROUTE_APP or route is None:
            return
        if packet.decoded.request_id:
            nodes, snrs = route.route_back, route.snr_back
        else:
            nodes, snrs = route.route, route.snr_towards
        if len(nodes) < MAX_ROUTE:
            nodes.append(self._board.num)
            snrs.append(int(packet.rx_snr * SNR_STEPS_PER_DB))
        packet.decoded.payload = route.SerializeToString()

    def send_nodeinfo(self, to: int = BROADCAST, *, want_response: bool = False) -> int:
        """Send our NodeInfo now, whatever was sent before."""
        user = self._board.state.owner.SerializeToString()
        packet = self._board.new_packet(to, Port.NODEINFO_APP, user)
        packet.decoded.want_response = want_response
        packet.priority = Priority.BACKGROUND if to == BROADCAST else Priority.DEFAULT
        self._board.state.nodeinfo_sent_at = self._board.timeline.now
        return self._send(packet)

    def send_nodeinfo_sometimes(self, to: int = BROADCAST, *, want_response: bool = False) -> None:
        """Send it unless one went out in the last ten minutes or the channel is busy."""
        if not self._quiet() and self._mac.channel_utilization < UTILIZATION_QUIET_PERCENT:
            self.send_nodeinfo(to, want_response=want_response)

    def _quiet(self) -> bool:
        sent = self._board.state.nodeinfo_sent_at
        return sent is not None and self._board.timeline.now - sent < NODEINFO_QUIET_S

    def _nodeinfo(self, packet: Packet) -> Answer:
        user = parse(mesh_pb2.User, packet.decoded.payload)
        if user is None:
            return Answer()
        if sender_of(packet) not in (0, self._board.num):
            self._board.nodes.learn_user(sender_of(packet), user)
        if not packet.decoded.want_response or self._quiet():
            return Answer(ignore=True)
        self._board.state.nodeinfo_sent_at = self._board.timeline.now
        mine = self._board.state.owner.SerializeToString()
        return Answer(self._reply(packet, Port.NODEINFO_APP, mine))

    def _position(self, packet: Packet) -> Answer:
        position = parse(mesh_pb2.Position, packet.decoded.payload)
        if position is None:
            return Answer()
        if position.latitude_i or position.longitude_i:
            self._entry(packet).position = position
        if not packet.decoded.want_response or not self._reports.has_position:
            return Answer()
        return Answer(self._reply(packet, Port.POSITION_APP, self._reports.position()))

    def _telemetry(self, packet: Packet) -> Answer:
        telemetry = parse(telemetry_pb2.Telemetry, packet.decoded.payload)
        if telemetry is None or telemetry.WhichOneof("variant") != "device_metrics":
            return Answer()
        if not packet.decoded.want_response:
            self._entry(packet).metrics = telemetry.device_metrics
            return Answer()
        return Answer(self._reply(packet, Port.TELEMETRY_APP, self._reports.metrics()))

    def _traceroute(self, packet: Packet) -> Answer:
        route = parse(mesh_pb2.RouteDiscovery, packet.decoded.payload)
        if route is None or packet.to != self._board.num:
            return Answer()
        heard = int(packet.rx_snr * SNR_STEPS_PER_DB)
        (route.snr_back if packet.decoded.request_id else route.snr_towards).append(heard)
        packet.decoded.payload = route.SerializeToString()
        if not packet.decoded.want_response:
            return Answer()
        return Answer(self._reply(packet, Port.TRACEROUTE_APP, packet.decoded.payload))

    def _entry(self, packet: Packet) -> NodeEntry:
        return self._board.nodes.get_or_add(sender_of(packet) or self._board.num)

    def _reply(self, request: Packet, port: int, payload: bytes) -> Packet:
        return reply_to(self._board, request, self._board.new_packet(0, port, payload))
