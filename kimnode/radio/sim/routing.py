"""Rules of routing that need no state: hop limits of answers, priorities, acknowledgements."""

from typing import TypeAlias

from google.protobuf.message import DecodeError
from meshtastic.protobuf import mesh_pb2

from kimnode.radio.sim.board import Board, sender_of
from kimnode.radio.sim.codec import Port

Packet: TypeAlias = mesh_pb2.MeshPacket
Priority = mesh_pb2.MeshPacket.Priority


def hops_away(packet: Packet) -> int | None:
    """How many repeaters a packet passed; None if the sender did not say.

    A packet sent with 0 hops says so only by its bitfield, which old firmware lacks.
    """
    decoded = packet.WhichOneof("payload_variant") == "decoded"
    if packet.hop_start == 0 and not (decoded and packet.decoded.HasField("bitfield")):
        return None
    return packet.hop_start - packet.hop_limit if packet.hop_start >= packet.hop_limit else None


def is_repeated(packet: Packet) -> bool:
    """Heard from its sender itself: a duplicate of this kind is a retransmission."""
    return bool(packet.hop_start and packet.hop_start == packet.hop_limit)


def hop_limit_for_answer(board: Board, packet: Packet) -> int:
    """As many hops as the question needed plus two, within the configured limit."""
    used, limit = hops_away(packet), board.state.hop_limit
    if used is None:
        return limit
    if used > limit:
        return used
    return used + 2 if used + 2 < limit else limit


def priority_of(packet: Packet) -> int:
    """The transmit priority, the client's own wish first (firmware: fixPriority)."""
    if packet.priority:
        return int(packet.priority)
    if packet.WhichOneof("payload_variant") != "decoded":
        return int(Priority.DEFAULT)
    port = packet.decoded.portnum
    if port == Port.ROUTING_APP:
        return int(Priority.ACK)
    if port in (Port.TEXT_MESSAGE_APP, Port.ADMIN_APP):
        return int(Priority.HIGH)
    if packet.decoded.request_id:
        return int(Priority.RESPONSE)
    return int(Priority.RELIABLE if packet.want_ack else Priority.DEFAULT)


def routing_of(packet: Packet) -> mesh_pb2.Routing | None:
    """The Routing message inside, if this is one."""
    if packet.WhichOneof("payload_variant") != "decoded":
        return None
    if packet.decoded.portnum != Port.ROUTING_APP:
        return None
    try:
        return mesh_pb2.Routing.FromString(packet.decoded.payload)
    except DecodeError:
        return None


def make_ack(
    board: Board, error: int, to: int, request_id: int, channel: int, hop_limit: int
) -> Packet:
    """A ROUTING answer. `hop_limit` 0 reaches direct neighbours only."""
    routing = mesh_pb2.Routing(error_reason=error)
    packet = board.new_packet(to, Port.ROUTING_APP, routing.SerializeToString())
    packet.priority = Priority.ACK
    packet.hop_limit = hop_limit
    packet.decoded.request_id = request_id
    packet.channel = channel
    return packet


def reply_to(board: Board, request: Packet, reply: Packet) -> Packet:
    """Make `reply` the answer to `request`: as reliable, on the same channel."""
    sender = sender_of(request)
    reply.to = sender or board.num
    reply.channel = request.channel
    reply.hop_limit = hop_limit_for_answer(board, request)
    reply.want_ack = request.want_ack if sender not in (0, board.num) else False
    reply.priority = reply.priority or Priority.RELIABLE
    reply.decoded.request_id = request.id
    return reply


def wants_reliable_ack(board: Board, packet: Packet) -> bool:
    """A direct text is acknowledged by a packet that itself wants an acknowledgement."""
    return bool(
        not board.is_ours(packet)
        and packet.want_ack
        and packet.decoded.portnum == Port.TEXT_MESSAGE_APP
    )
