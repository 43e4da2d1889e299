"""Packets too long for the air, in pieces, and packets mended from one another (SPEC.md 6.1, 6.2).

A piece proves nothing: only the hash of the whole does, and only a document's own signature makes
anything believed.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, product

from kimnode.errors import WireError
from kimnode.wire.air import MAX_PACKET_BYTES, Type, head, type_of
from kimnode.wire.octets import Octets, uint

MESSAGE_ID_BYTES = 8
HEADER_BYTES = 1 + MESSAGE_ID_BYTES + 1 + 1 + 2
MAX_PIECE_BYTES = MAX_PACKET_BYTES - HEADER_BYTES
MAX_PIECES = 20
MAX_WHOLE_BYTES = MAX_PIECES * MAX_PIECE_BYTES

MAX_PARTIALS = 16  # half-received messages in all
MAX_PARTIALS_PER_SENDER = 4  # sender numbers can be forged, so this alone bounds nothing
MAX_VARIANTS = 2  # different pieces kept for one place: a forged one must not push out the true one
MAX_TRIES = 8  # combinations of variants that are hashed when a piece arrives
PARTIAL_TTL_S = 3600.0
MAX_FINISHED = 32  # messages that are complete and not put together again

TAG_BYTES = 4
MAX_MENDED_BYTES = MAX_PACKET_BYTES - 1 - 2 * TAG_BYTES - 2  # of a packet that a repair is for


@dataclass(frozen=True, slots=True)
class Fragment:
    """One piece of a packet of `size` bytes; index == count is the XOR of the others."""

    message: bytes
    index: int
    count: int
    size: int
    piece: bytes

    def pack(self) -> bytes:
        numbers = uint(self.index, 1) + uint(self.count, 1) + uint(self.size, 2)
        return head(Type.FRAGMENT) + self.message + numbers + self.piece


@dataclass(frozen=True, slots=True)
class Repair:
    """The XOR of two packets: who has one gets the other."""

    tags: tuple[bytes, bytes]
    sizes: tuple[int, int]
    mixed: bytes

    def pack(self) -> bytes:
        sizes = b"".join(uint(size, 1) for size in self.sizes)
        return head(Type.REPAIR) + b"".join(self.tags) + sizes + self.mixed

    def mend(self, known: bytes) -> bytes | None:
        """The other packet, from one of the two; None if `known` is neither or the result is not
        what its tag says."""
        for this, other in ((0, 1), (1, 0)):
            if tag_of(known) == self.tags[this] and len(known) == self.sizes[this]:
                found = _xor([known, self.mixed], len(self.mixed))[: self.sizes[other]]
                return found if tag_of(found) == self.tags[other] else None
        return None


def message_id(packet: bytes) -> bytes:
    """Eight bytes that name a packet while it is in pieces."""
    return hashlib.sha256(packet).digest()[:MESSAGE_ID_BYTES]


def tag_of(packet: bytes) -> bytes:
    """Four bytes that name a packet in a repair."""
    return hashlib.sha256(packet).digest()[:TAG_BYTES]


def split(packet: bytes) -> list[Fragment]:
    """The pieces of a long packet in order, their XOR last; any but one of them are enough."""
    if not MAX_PACKET_BYTES < len(packet) <= MAX_WHOLE_BYTES:
        raise WireError(f"a packet of {len(packet)} bytes cannot be cut into fragments")
    count = -(-len(packet) // MAX_PIECE_BYTES)
    length = -(-len(packet) // count)
    pieces = [packet[at : at + length].ljust(length, b"\0") for at in range(0, len(packet), length)]
    pieces.append(_xor(pieces, length))
    name = message_id(packet)
    return [Fragment(name, i, count, len(packet), piece) for i, piece in enumerate(pieces)]


def parse_fragment(packet: bytes) -> Fragment:
    """WireError unless it is a fragment that could be a piece of something."""
    octets = Octets(packet)
    if type_of(octets.take(1)) is not Type.FRAGMENT:
        raise WireError("no fragment")
    name = octets.take(MESSAGE_ID_BYTES)
    index, count, size = octets.uint(1), octets.uint(1), octets.uint(2)
    if not 2 <= count <= MAX_PIECES or index > count:
        raise WireError(f"piece {index} of {count}")
    piece = octets.rest()
    if len(piece) != -(-size // count) or not MAX_PACKET_BYTES < size <= count * MAX_PIECE_BYTES:
        raise WireError(f"a piece of {len(piece)} bytes of {size} in {count}")
    return Fragment(name, index, count, size, piece)


def repair(first: bytes, second: bytes) -> bytes:
    """The packet that gives either of the two to who has the other."""
    sizes = (len(first), len(second))
    if min(sizes) == 0 or max(sizes) > MAX_MENDED_BYTES:
        raise WireError(f"a repair of packets of {sizes} bytes")
    mixed = _xor([first, second], max(sizes))
    return Repair((tag_of(first), tag_of(second)), sizes, mixed).pack()


def parse_repair(packet: bytes) -> Repair:
    octets = Octets(packet)
    if type_of(octets.take(1)) is not Type.REPAIR:
        raise WireError("no repair")
    tags = octets.take(TAG_BYTES), octets.take(TAG_BYTES)
    sizes = octets.uint(1), octets.uint(1)
    if min(sizes) == 0 or max(sizes) > MAX_MENDED_BYTES:
        raise WireError(f"a repair of packets of {sizes} bytes")
    mixed = octets.take(max(sizes))
    octets.end()
    return Repair(tags, sizes, mixed)


@dataclass(slots=True)
class _Partial:
    sender: int
    count: int
    size: int
    begun_at: float
    pieces: dict[int, list[bytes]] = field(default_factory=dict)

    def add(self, fragment: Fragment) -> bool:
        """Whether the piece is news."""
        kept = self.pieces.setdefault(fragment.index, [])
        if fragment.piece in kept:
            return False
        kept.append(fragment.piece)
        del kept[:-MAX_VARIANTS]
        return True

    def lacking(self) -> list[int]:
        return [index for index in range(self.count) if index not in self.pieces]

    def wholes(self) -> Iterator[bytes]:
        """What the pieces could be together, a few combinations at most."""
        lacking = self.lacking()
        if len(lacking) > 1 or (lacking and self.count not in self.pieces):
            return
        places = [index for index in range(self.count) if index not in lacking]
        choices = [self.pieces[index] for index in places]
        if lacking:
            choices.append(self.pieces[self.count])
        for chosen in islice(product(*choices), MAX_TRIES):
            pieces = list(chosen)
            if lacking:
                pieces[-1] = _xor(pieces, len(pieces[-1]))
                pieces.insert(lacking[0], pieces.pop())
            yield b"".join(pieces)[: self.size]


class Reassembler:
    """Pieces in, whole packets out. Bounded in number and in time, whatever comes."""

    def __init__(self) -> None:
        self._partials: dict[bytes, _Partial] = {}
        self._finished: dict[bytes, None] = {}

    def feed(self, sender: int, fragment: Fragment, now: float) -> bytes | None:
        """The whole packet, once, when its hash is right. `sender` is a hint: anybody's pieces of
        one message fit together."""
        self._forget(now)
        if fragment.message in self._finished:
            return None
        partial = self._partials.get(fragment.message)
        if partial is None:
            self._make_room(sender)
            partial = _Partial(sender, fragment.count, fragment.size, now)
            self._partials[fragment.message] = partial
        if (fragment.count, fragment.size) != (partial.count, partial.size):
            raise WireError("pieces of one message that do not fit together")
        if not partial.add(fragment):
            return None
        for whole in partial.wholes():
            if message_id(whole) == fragment.message:
                self._finish(fragment.message)
                return whole
        return None

    def needed(self, message: bytes) -> frozenset[int]:
        """Indexes that would complete this message; none when it is complete or not known. All of
        them when everything is there and the hash is wrong: somebody has put false pieces in."""
        partial = self._partials.get(message)
        if partial is None:
            return frozenset()
        lacking = partial.lacking() or list(range(partial.count))
        return frozenset(lacking[: len(lacking) - (partial.count in partial.pieces)])

    def _finish(self, name: bytes) -> None:
        del self._partials[name]
        self._finished[name] = None
        while len(self._finished) > MAX_FINISHED:
            del self._finished[next(iter(self._finished))]

    def _make_room(self, sender: int) -> None:
        own = [name for name, partial in self._partials.items() if partial.sender == sender]
        if len(own) >= MAX_PARTIALS_PER_SENDER:
            del self._partials[own[0]]
        elif len(self._partials) >= MAX_PARTIALS:
            del self._partials[next(iter(self._partials))]

    def _forget(self, now: float) -> None:
        for name, partial in list(self._partials.items()):
            if now - partial.begun_at >= PARTIAL_TTL_S:
                del self._partials[name]


def _xor(pieces: Sequence[bytes], length: int) -> bytes:
    number = 0
    for piece in pieces:
        number ^= int.from_bytes(piece.ljust(length, b"\0"), "big")
    return number.to_bytes(length, "big")
