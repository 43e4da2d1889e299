"""Between a MeshPacket and a Frame: which key, which size, which error (firmware: perhapsEncode).

Routing, traceroute, NodeInfo and position never use PKI, so their senders can be forged by anyone
who has the channel key; a direct text never falls back to the channel key.
"""

from google.protobuf.message import DecodeError
from meshtastic.protobuf import mesh_pb2, portnums_pb2

from kimnode.radio.sim.board import Board, sender_of
from kimnode.radio.sim.config_state import CHANNELS
from kimnode.radio.sim.crypto import (
    KEY_BYTES,
    PKI_OVERHEAD_BYTES,
    channel_crypt,
    channel_hash,
    pki_open,
    pki_seal,
)
from kimnode.radio.sim.frame import BROADCAST, Frame

MAX_DATA_BYTES = 239  # 255-byte LoRa frame minus header
BITFIELD_WANT_RESPONSE = 2

Port = portnums_pb2.PortNum
Error = mesh_pb2.Routing.Error
NEVER_PKI = {Port.TRACEROUTE_APP, Port.NODEINFO_APP, Port.ROUTING_APP, Port.POSITION_APP}


class CannotSend(Exception):
    """The packet cannot be encoded; `code` is a Routing.Error."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def encode(board: Board, packet: mesh_pb2.MeshPacket) -> Frame:
    """Encrypt a decoded packet, or pass a foreign one on as it is. Raises CannotSend.

    Marks the packet's own `decoded.bitfield`, as the firmware does.
    """
    if packet.WhichOneof("payload_variant") == "encrypted":
        return _frame(packet, packet.channel, bytes(packet.encrypted))
    if board.is_ours(packet) and not packet.decoded.HasField("bitfield"):
        want = BITFIELD_WANT_RESPONSE if packet.decoded.want_response else 0
        packet.decoded.bitfield = want
    data = packet.decoded.SerializeToString()
    if len(data) > MAX_DATA_BYTES:
        raise CannotSend(Error.TOO_LARGE)
    if _wants_pki(board, packet):
        return _frame(packet, 0, _seal(board, packet, data))
    index = packet.channel
    if not board.state.channel_active(index):
        raise CannotSend(Error.NO_CHANNEL)
    psk = board.state.channel_psk(index)
    sender = sender_of(packet) or board.num
    sealed = channel_crypt(psk, sender, packet.id, data)
    return _frame(packet, channel_hash(board.state.channel_name(index), psk), sealed)


def decode(board: Board, packet: mesh_pb2.MeshPacket) -> None:
    """Turn a received packet's `encrypted` into `decoded` in place, if a key of ours fits."""
    sender, cipher = sender_of(packet), bytes(packet.encrypted)
    if packet.channel == 0 and board.to_us(packet):
        key = board.nodes.public_key(sender)
        plain = pki_open(board.state.keys.private, key, sender, packet.id, cipher)
        data = _parse(plain) if plain is not None else None
        if data is not None:
            packet.pki_encrypted = True
            packet.public_key = key
            _decoded(packet, data, 0)
            return
    for index in range(CHANNELS):
        if not board.state.channel_active(index):
            continue
        psk = board.state.channel_psk(index)
        if channel_hash(board.state.channel_name(index), psk) != packet.channel:
            continue
        data = _parse(channel_crypt(psk, sender, packet.id, cipher))
        if data is not None and not _is_legacy_text(board, packet, data):
            _decoded(packet, data, index)
            return


def _wants_pki(board: Board, packet: mesh_pb2.MeshPacket) -> bool:
    return bool(
        board.is_ours(packet)
        and packet.to not in (BROADCAST, 0)
        and len(board.state.keys.private) == KEY_BYTES
        and packet.decoded.portnum not in NEVER_PKI
    )


def _seal(board: Board, packet: mesh_pb2.MeshPacket, data: bytes) -> bytes:
    key = board.nodes.public_key(packet.to)
    if len(key) != KEY_BYTES:
        raise CannotSend(Error.PKI_SEND_FAIL_PUBLIC_KEY)
    if len(data) + PKI_OVERHEAD_BYTES > MAX_DATA_BYTES:
        raise CannotSend(Error.TOO_LARGE)
    if packet.public_key and bytes(packet.public_key) != key:
        raise CannotSend(Error.PKI_FAILED)
    extra = board.chance.randbytes(4)
    return pki_seal(board.state.keys.private, key, board.num, packet.id, extra, data)


def _frame(packet: mesh_pb2.MeshPacket, channel: int, payload: bytes) -> Frame:
    broadcast = packet.to == BROADCAST
    return Frame(
        to=packet.to,
        sender=sender_of(packet),
        packet_id=packet.id,
        hop_limit=packet.hop_limit,
        hop_start=packet.hop_start,
        want_ack=packet.want_ack and not broadcast,
        channel=channel,
        next_hop=packet.next_hop,
        relay=packet.relay_node,
        payload=payload,
    )


def _parse(plain: bytes) -> mesh_pb2.Data | None:
    """The Data in `plain`, None if it is noise from a wrong key."""
    try:
        data = mesh_pb2.Data.FromString(plain)
    except DecodeError:
        return None
    return data if data.portnum != Port.UNKNOWN_APP else None


def _decoded(packet: mesh_pb2.MeshPacket, data: mesh_pb2.Data, index: int) -> None:
    if data.HasField("bitfield") and data.bitfield & BITFIELD_WANT_RESPONSE:
        data.want_response = True
    packet.channel = index
    packet.decoded.CopyFrom(data)


def _is_legacy_text(board: Board, packet: mesh_pb2.MeshPacket, data: mesh_pb2.Data) -> bool:
    """Since 2.7 a direct text on the channel key is refused by a radio that has keys."""
    return bool(
        board.to_us(packet) and data.portnum == Port.TEXT_MESSAGE_APP and board.state.keys.private
    )
