"""Which packets this radio has seen, and which neighbours repeated them (firmware: PacketHistory).

Relayers are noted only when they repeated *our* copy; next-hop learning depends on exactly that.
RAM only: a reboot forgets everything.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from meshtastic.protobuf import mesh_pb2

from kimnode.radio.sim.board import sender_of

MAX_RECORDS = 400
MAX_RELAYERS = 6


@dataclass(slots=True)
class Record:
    next_hop: int
    our_hop_limit: int = 0
    relayers: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the history said before it was updated."""

    before: bool
    fallback: bool  # was meant for another next hop, now floods: somebody must help
    we_were_next_hop: bool


class PacketHistory:
    def __init__(self, own: int) -> None:
        self._own = own
        self._own_byte = own & 0xFF
        self._records: OrderedDict[tuple[int, int], Record] = OrderedDict()

    def note(self, packet: mesh_pb2.MeshPacket) -> Seen:
        """Remember a packet that was heard or is being sent; says whether it was known."""
        key = (sender_of(packet) or self._own, packet.id)
        found = self._records.get(key)
        seen = Seen(
            found is not None,
            found is not None and self._is_fallback(key[0], found, packet),
            found is not None and found.next_hop == self._own_byte,
        )
        if found is None:
            found = self._records[key] = Record(packet.next_hop)
            while len(self._records) > MAX_RECORDS:
                self._records.popitem(last=False)
        self._records.move_to_end(key)
        self._note_relayer(found, packet)
        return seen

    def relayers(self, sender: int, packet_id: int) -> list[int]:
        """Last bytes of those who sent our copy on, we included; newest first."""
        record = self._records.get((sender, packet_id))
        return record.relayers if record else []

    def _note_relayer(self, record: Record, packet: mesh_pb2.MeshPacket) -> None:
        by = packet.relay_node
        ours = by == self._own_byte
        if ours:
            record.our_hop_limit = packet.hop_limit
        elif self._own_byte not in record.relayers or packet.hop_limit not in (
            record.our_hop_limit,
            record.our_hop_limit - 1,
        ):
            return
        if by and by not in record.relayers:
            record.relayers.insert(0, by)
            del record.relayers[MAX_RELAYERS:]

    def _is_fallback(self, sender: int, found: Record, packet: mesh_pb2.MeshPacket) -> bool:
        return (
            sender != self._own
            and found.next_hop not in (0, self._own_byte)
            and packet.next_hop == 0
            and packet.relay_node in found.relayers
            and self._own_byte not in found.relayers
            and found.next_hop not in found.relayers
        )
