"""Packets with documents, gained from what was heard: as they are, from pieces, from repairs.

Nothing is verified here. Everything kept is bounded; a packet that was mended wrongly is not one.
"""

from collections import deque

from kimnode.errors import WireError
from kimnode.rules.asking import Lacks
from kimnode.wire import air
from kimnode.wire.air import Type, type_of
from kimnode.wire.fragments import Reassembler, Repair, parse_fragment, parse_repair
from kimnode.wire.gossip import Item, Want

MAX_RECENT = 32  # packets kept to mend others with
MAX_REPAIRS = 8
PIECE_GAP_S = 12.0  # the next piece, if it is still being sent, comes within it
DOCUMENTS = frozenset(air.UNPACK)
MENDED = frozenset({Type.BULLETIN, *air.VOTES})


class Mending:
    """Hand it every packet that is not gossip; it says which packets can be unpacked now."""

    def __init__(self, lacks: Lacks) -> None:
        self._lacks = lacks
        self._reassembler = Reassembler()
        self._recent: deque[bytes] = deque(maxlen=MAX_RECENT)
        self._repairs: deque[Repair] = deque(maxlen=MAX_REPAIRS)

    def hear(self, sender: int, packet: bytes, now: float) -> list[bytes]:
        """Packets of documents, new or again. WireError: malformed."""
        match type_of(packet):
            case Type.FRAGMENT:
                return self._piece(sender, packet, now)
            case Type.REPAIR:
                return self._repair(parse_repair(packet))
        return self.know(packet)

    def know(self, packet: bytes) -> list[bytes]:
        """A packet that we have; it may mend another one."""
        if packet in self._recent:
            return [packet]
        self._recent.append(packet)
        found = [packet]
        for repair in self._repairs:
            other = repair.mend(packet)
            if other is not None and other not in self._recent and _is_one_of(other, MENDED):
                self._recent.append(other)
                found.append(other)
        return found

    def _repair(self, repair: Repair) -> list[bytes]:
        self._repairs.append(repair)
        for packet in list(self._recent):
            other = repair.mend(packet)
            if other is not None and other not in self._recent and _is_one_of(other, MENDED):
                self._recent.append(other)
                return [other]
        return []

    def _piece(self, sender: int, packet: bytes, now: float) -> list[bytes]:
        fragment = parse_fragment(packet)
        whole = self._reassembler.feed(sender, fragment, now)
        if whole is not None:
            self._lacks.found(Want.FRAGMENTS, fragment.message)
            if not _is_one_of(whole, DOCUMENTS):
                raise WireError("fragments of something that is no document")
            return [whole]
        needed = self._reassembler.needed(fragment.message)
        if needed:
            item = Item(Want.FRAGMENTS, fragment.message, numbers=needed)
            self._lacks.add(item, now, after_s=PIECE_GAP_S)
        return []


def _is_one_of(packet: bytes, types: frozenset[Type]) -> bool:
    try:
        return type_of(packet) in types
    except WireError:
        return False
