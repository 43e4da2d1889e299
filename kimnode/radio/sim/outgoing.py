"""The way out of a radio: flood or next hop, watched until acknowledged, encrypted, queued.

The code returned is the `res` of queueStatus. An error found while encrypting also goes to the
client as a ROUTING answer; a full queue or an unset region does not.
"""

from collections.abc import Callable
from typing import TypeAlias

from meshtastic.protobuf import mesh_pb2

from kimnode.radio.sim.board import Board
from kimnode.radio.sim.codec import CannotSend, Error, encode
from kimnode.radio.sim.frame import BROADCAST
from kimnode.radio.sim.history import PacketHistory
from kimnode.radio.sim.mac import RES_DISABLED, Mac
from kimnode.radio.sim.reliable import (
    OWN_TRANSMISSIONS,
    RELAYED_TRANSMISSIONS,
    Key,
    Retransmitter,
)
from kimnode.radio.sim.routing import make_ack, priority_of
from kimnode.rules.lora import HEADER_BYTES

Packet: TypeAlias = mesh_pb2.MeshPacket


class Outgoing:
    """`to_ourselves(packet)` takes a packet that needs no air."""

    def __init__(
        self,
        board: Board,
        mac: Mac,
        history: PacketHistory,
        to_ourselves: Callable[[Packet], None],
    ) -> None:
        self.pending = Retransmitter(board, self._wait_s, self._send_again, self._gave_up)
        self._board = board
        self._mac = mac
        self._history = history
        self._to_ourselves = to_ourselves

    def send_local(self, packet: Packet) -> int:
        """A packet of this radio's client or modules."""
        if self._board.to_us(packet):
            self._to_ourselves(packet)
            return 0
        if packet.want_ack:
            packet.hop_limit = packet.hop_limit or self._board.state.hop_limit
            self.pending.start(packet, OWN_TRANSMISSIONS)
        self.pending.postpone(self._air_s(packet), but=packet.id)
        res = self.flood(packet) if packet.to == BROADCAST else self.to_next_hop(packet)
        if res == RES_DISABLED:
            self.pending.forget((self._board.num, packet.id))
        return res

    def ack(
        self,
        error: int,
        to: int,
        request_id: int,
        channel: int,
        hop_limit: int = 0,
        *,
        want_ack: bool = False,
    ) -> None:
        """Send a ROUTING answer; to ourselves it goes to the client."""
        packet = make_ack(self._board, error, to, request_id, channel, hop_limit)
        packet.want_ack = want_ack
        self.send_local(packet)

    def flood(self, packet: Packet) -> int:
        packet.relay_node = self._board.relay_byte
        packet.next_hop = 0
        self._history.note(packet)
        return self._transmit(packet)

    def to_next_hop(self, packet: Packet) -> int:
        """To the neighbour that leads there, if one is known; else it floods all the same."""
        packet.relay_node = self._board.relay_byte
        self._history.note(packet)
        entry = self._board.nodes.get(packet.to)
        known = entry.next_hop if entry else 0
        packet.next_hop = known if known != packet.relay_node else 0
        watched = self._board.is_ours(packet) and packet.want_ack
        if packet.next_hop and not watched and (packet.hop_limit or packet.want_ack):
            self.pending.start(packet, RELAYED_TRANSMISSIONS)
        return self._transmit(packet)

    def stop(self, key: Key) -> None:
        """Somebody answered: no more transmissions, not even one that waits in the queue."""
        entry = self.pending.forget(key)
        if entry and entry.left < OWN_TRANSMISSIONS - 1:
            self._mac.queue.cancel(*key)

    def _transmit(self, packet: Packet) -> int:
        ours = self._board.is_ours(packet)
        if ours:
            setattr(packet, "from", self._board.num)
            packet.hop_start = packet.hop_limit
        try:
            frame = encode(self._board, packet)
        except CannotSend as error:
            channel = 0 if error.code == Error.NO_CHANNEL else packet.channel
            self.ack(error.code, self._board.num, packet.id, channel)
            return error.code
        return self._mac.send(frame, priority_of(packet), None if ours else packet.rx_snr)

    def _send_again(self, packet: Packet, is_last: bool) -> None:
        if packet.to == BROADCAST:
            self.flood(packet)
        elif not is_last:
            self.to_next_hop(packet)
        else:
            if entry := self._board.nodes.get(packet.to):
                entry.next_hop = 0
            self.flood(packet)

    def _gave_up(self, packet: Packet) -> None:
        if self._board.is_ours(packet):
            self.ack(Error.MAX_RETRANSMIT, self._board.num, packet.id, packet.channel)

    def _air_s(self, packet: Packet) -> float:
        return self._mac.air_ms(_size_bytes(packet)) / 1000

    def _wait_s(self, packet: Packet) -> float:
        return self._mac.retransmit_after_s(_size_bytes(packet))


def _size_bytes(packet: Packet) -> int:
    if packet.HasField("encrypted"):
        return HEADER_BYTES + len(packet.encrypted)
    return HEADER_BYTES + int(packet.decoded.ByteSize())
