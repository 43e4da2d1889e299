"""What a radio keeps for its client: packets, queue states, notices (firmware: MeshService).

These queues outlive a connection, so a client that comes back gets what arrived meanwhile - once.
Only two queue states fit: a burst of packets loses most of theirs.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from meshtastic.protobuf import mesh_pb2

from kimnode.radio.sim.board import Board
from kimnode.radio.sim.codec import Port
from kimnode.radio.sim.config_state import CHANNELS
from kimnode.radio.sim.frame import BROADCAST
from kimnode.radio.sim.mac import TURNAROUND_S, Mac
from kimnode.radio.sim.modules import parse
from kimnode.radio.sim.outgoing import Outgoing
from kimnode.radio.sim.reports import rounded
from kimnode.radio.sim.txqueue import MAX_TX_QUEUE

MAX_TO_PHONE = 100
MAX_STATUSES = 2

Packet: TypeAlias = mesh_pb2.MeshPacket


@dataclass(slots=True)
class ServiceFaults:
    """Faults of the client side, switched by a test."""

    no_space: bool = False  # queueStatus says free = 0 for ever
    lose_statuses: bool = False  # queueStatus after a packet never arrives


@dataclass(slots=True)
class Service:
    """`nudge` tells the connected client's API that something waits."""

    board: Board
    mac: Mac
    out: Outgoing
    faults: ServiceFaults
    nudge: Callable[[], None] = lambda: None
    on_own_position: Callable[[mesh_pb2.Position], None] = lambda _: None
    to_phone: deque[Packet] = field(default_factory=deque)
    statuses: deque[mesh_pb2.QueueStatus] = field(default_factory=deque)
    notices: deque[mesh_pb2.ClientNotification] = field(default_factory=deque)
    _announce_space: bool = False  # after boot, and after free was 0

    def boot(self) -> None:
        """A freshly booted radio reports its queue once, unasked."""
        self._announce_space = True
        self.space()

    def from_client(self, packet: Packet) -> None:
        """A packet that a client sent and the limits let through."""
        setattr(packet, "from", 0)
        packet.id = packet.id or self.board.new_id()
        packet.rx_time = self.board.unix_time
        if packet.decoded.portnum == Port.TRACEROUTE_APP:
            packet.want_ack = True
        if packet.decoded.portnum == Port.POSITION_APP:
            self._position(packet)
        self.send_to_mesh(packet)

    def send_to_mesh(self, packet: Packet, *, copy_to_client: bool = False) -> int:
        """Send, tell the client the queue's state, and perhaps show it the packet itself."""
        res = self.out.send_local(packet)
        self.report(res, packet.id)
        if copy_to_client and res == 0:
            self.show(packet)
        return res

    def queue_status(self, res: int = 0, packet_id: int = 0) -> mesh_pb2.QueueStatus:
        free = 0 if self.faults.no_space else self.mac.queue.free
        return mesh_pb2.QueueStatus(
            res=res, free=free, maxlen=MAX_TX_QUEUE, mesh_packet_id=packet_id
        )

    def report(self, res: int, packet_id: int) -> None:
        """Queue a queueStatus for the client; the oldest of three is lost."""
        if self.faults.lose_statuses:
            return
        status = self.queue_status(res, packet_id)
        self._announce_space = status.free == 0
        self.statuses.append(status)
        while len(self.statuses) > MAX_STATUSES:
            self.statuses.popleft()
        self.nudge()

    def show(self, packet: Packet) -> None:
        """Queue a packet for the client; when full only a text displaces the oldest."""
        if len(self.to_phone) >= MAX_TO_PHONE:
            if packet.decoded.portnum != Port.TEXT_MESSAGE_APP:
                return
            self.to_phone.popleft()
        copy = Packet()
        copy.CopyFrom(packet)
        self.to_phone.append(copy)
        self.nudge()

    def next_for_client(self) -> mesh_pb2.FromRadio | None:
        """The next thing to write: queue states first, packets last."""
        if self.statuses:
            return mesh_pb2.FromRadio(queueStatus=self.statuses.popleft())
        if self.notices:
            return mesh_pb2.FromRadio(clientNotification=self.notices.popleft())
        if self.to_phone:
            return mesh_pb2.FromRadio(packet=self.to_phone.popleft())
        return None

    def notify(self, reply_id: int, message: str) -> None:
        """A warning in words for the person at the client."""
        notice = mesh_pb2.ClientNotification(
            reply_id=reply_id, time=self.board.unix_time, message=message
        )
        notice.level = mesh_pb2.LogRecord.Level.WARNING
        self.notices.append(notice)
        self.nudge()

    def _position(self, packet: Packet) -> None:
        """Where the client says we are; sent on only as exactly as the channel allows."""
        position = parse(mesh_pb2.Position, packet.decoded.payload)
        if position is None:
            return
        settings = self.board.state.channels[packet.channel % CHANNELS].settings
        precision = settings.module_settings.position_precision
        packet.decoded.payload = rounded(position, precision)
        if packet.to == BROADCAST:
            self.on_own_position(position)

    def space(self) -> None:
        """A place in the transmit queue came free."""
        self.board.timeline.after(TURNAROUND_S, self._report_space)

    def _report_space(self) -> None:
        if self._announce_space and self.mac.powered and not self.faults.no_space:
            self.report(0, 0)
