"""What gateways tell each other about what there is: BEACON, VECTOR, ASK (SPEC.md 6.3 to 6.5).

Nothing here is signed: it may cost a bounded amount of airtime and can do nothing else.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NewType

from kimnode.errors import WireError
from kimnode.wire.air import MAX_PACKET_BYTES, Type, head, hint_of, type_of
from kimnode.wire.documents import SUBJECT_HINT_BYTES, Revocation
from kimnode.wire.fragments import MAX_PIECES, MESSAGE_ID_BYTES
from kimnode.wire.octets import Octets, uint
from kimnode.wire.signing import KEY_ID_BYTES

Origin = NewType("Origin", bytes)  # key id of a signer and its epoch byte
DIGEST_BYTES = 4
TAG_BYTES = 2
LAST_TAG = b"\xff" * TAG_BYTES
MAX_NEWS = 3
MAX_ITEMS = 12
MAX_BITS_BYTES = 32  # of an entry of a vector
REACH = 8 * MAX_BITS_BYTES  # so far below the highest number an entry speaks of what is there
ASKED_BITS_BYTES = 2  # of an item: it asks for at most 17 numbers
MISSING_BITS_BYTES = 3
SHELF_DOMAIN = b"kimnode/shelf/v1"
LISTS_DOMAIN = b"kimnode/lists/v1"
TAG_DOMAIN = b"kimnode/tag/v1"


def origin(signer_hint: bytes, epoch: int) -> Origin:
    return Origin(signer_hint + bytes([epoch]))


def digest(numbers: Iterable[tuple[Origin, int]]) -> bytes:
    """Four bytes over everything on a shelf: equal shelves have equal digests."""
    listed = b"".join(place + uint(number, 4) for place, number in sorted(numbers))
    return hashlib.sha256(SHELF_DOMAIN + listed).digest()[:DIGEST_BYTES]


def tag(salt: int, place: Origin) -> bytes:
    """Two bytes for an origin. Two origins may share them: with another salt they do not."""
    return hashlib.sha256(TAG_DOMAIN + bytes([salt]) + place).digest()[:TAG_BYTES]


def lists_tag(lists: Iterable[Revocation]) -> int:
    """Four bytes, as a number, for the revocation lists that count: one of each issuer. 0: none.

    No number alone would do: each issuer counts its own, and a list that was made by a stolen key
    must not hide the one that ends it.
    """
    listed = sorted(hint_of(one.issuer) + uint(one.number, 4) for one in lists)
    if not listed:
        return 0
    return int.from_bytes(hashlib.sha256(LISTS_DOMAIN + b"".join(listed)).digest()[:4], "big") or 1


@dataclass(frozen=True, slots=True)
class Beacon:
    """What a gateway has: compare with your own. `news`: 8-byte hints of new bulletins' ids."""

    post: bytes
    root_version: int
    lists: int  # lists_tag()
    digest: bytes
    news: tuple[bytes, ...] = ()

    def pack(self) -> bytes:
        numbers = uint(self.root_version, 4) + uint(self.lists, 4)
        return head(Type.BEACON) + self.post + numbers + self.digest + b"".join(self.news)


@dataclass(frozen=True, slots=True)
class Vector:
    """Numbers on a shelf by origin tag; what is between the two ends and not named is not there."""

    salt: int
    first: bytes
    last: bytes
    entries: Mapping[bytes, frozenset[int]]

    def pack(self) -> bytes:
        start = head(Type.VECTOR) + uint(self.salt, 1) + self.first + self.last
        return start + b"".join(_pack_entry(at, self.entries[at]) for at in sorted(self.entries))

    def covers(self, place: bytes) -> bool:
        """Whether it says anything about an origin with this tag."""
        return self.first <= place <= self.last


class Want(IntEnum):
    """What an item of an ask asks for."""

    BULLETIN = 1
    APPROVAL = 2
    CERTIFICATE = 3
    REVOCATION = 4
    ROOT = 5
    FRAGMENTS = 6
    NUMBERS = 7


@dataclass(frozen=True, slots=True)
class Item:
    """`hint`: idhint, key id, message id, or salt and tag; `number`: what the want's row in SPEC.md
    6.5 has of them; `numbers`: fragment indexes or sequence numbers."""

    want: Want
    hint: bytes = b""
    number: int = 0
    numbers: frozenset[int] = frozenset()


def vectors(shelf: Mapping[Origin, Iterable[int]], salt: int, most: int) -> list[Vector]:
    """The shelf in at most `most` packets; with more origins the last one ends earlier."""
    by_tag: dict[bytes, set[int]] = {}
    for place, numbers in shelf.items():
        by_tag.setdefault(tag(salt, place), set()).update(numbers)
    made: list[Vector] = []
    first, entries, size = bytes(TAG_BYTES), dict[bytes, frozenset[int]](), 0
    for at in sorted(by_tag):
        length = len(_pack_entry(at, by_tag[at]))
        if entries and 2 + 2 * TAG_BYTES + size + length > MAX_PACKET_BYTES:
            made.append(Vector(salt, first, max(entries), entries))
            first, entries, size = _after(max(entries)), {}, 0
        entries[at] = _spoken_of(by_tag[at])
        size += length
    made.append(Vector(salt, first, LAST_TAG, entries))
    return made[:most]


def pack_ask(items: Iterable[Item]) -> bytes:
    packet = head(Type.ASK) + b"".join(_pack_item(item) for item in items)
    if len(packet) > MAX_PACKET_BYTES:
        raise WireError(f"an ask of {len(packet)} bytes")
    return packet


def parse_beacon(packet: bytes) -> Beacon:
    octets = _opened(packet, Type.BEACON)
    post, version, lists = octets.take(KEY_ID_BYTES), octets.uint(4), octets.uint(4)
    found, count = octets.take(DIGEST_BYTES), octets.left() // SUBJECT_HINT_BYTES
    if count > MAX_NEWS:
        raise WireError(f"a beacon with {count} news")
    news = tuple(octets.take(SUBJECT_HINT_BYTES) for _ in range(count))
    octets.end()
    return Beacon(post, version, lists, found, news)


def parse_vector(packet: bytes) -> Vector:
    octets = _opened(packet, Type.VECTOR)
    salt, first, last = octets.uint(1), octets.take(TAG_BYTES), octets.take(TAG_BYTES)
    entries: dict[bytes, frozenset[int]] = {}
    before = b""
    while octets.left():
        at = octets.take(TAG_BYTES)
        if not (before < at and first <= at <= last):
            raise WireError("a vector out of order")
        highest, size = octets.uint(4), octets.uint(1)
        if size > MAX_BITS_BYTES:
            raise WireError(f"a vector's entry with {size} bytes of bits")
        bits = octets.take(size)
        if bits.endswith(b"\0"):
            raise WireError("a vector's entry with a zero at its end")
        entries[at] = _numbers(highest, bits)
        before = at
    return Vector(salt, first, last, entries)


def parse_ask(packet: bytes) -> tuple[Item, ...]:
    octets = _opened(packet, Type.ASK)
    items = []
    while octets.left():
        items.append(_item(octets))
        if len(items) > MAX_ITEMS:
            raise WireError(f"an ask for more than {MAX_ITEMS} things")
    if not items:
        raise WireError("an ask for nothing")
    return tuple(items)


HINT_BYTES = {
    Want.BULLETIN: SUBJECT_HINT_BYTES,
    Want.APPROVAL: SUBJECT_HINT_BYTES,
    Want.CERTIFICATE: KEY_ID_BYTES,
    Want.REVOCATION: 0,
    Want.ROOT: 0,
    Want.FRAGMENTS: MESSAGE_ID_BYTES,
    Want.NUMBERS: 1 + TAG_BYTES,
}


def _pack_item(item: Item) -> bytes:
    if len(item.hint) != HINT_BYTES[item.want]:
        raise WireError(f"{item.want.name} with a hint of {len(item.hint)} bytes")
    start = uint(item.want, 1) + item.hint
    match item.want:
        case Want.REVOCATION | Want.ROOT:
            return start + uint(item.number, 4)
        case Want.FRAGMENTS:
            return start + _bits(item.numbers, MISSING_BITS_BYTES)
        case Want.NUMBERS:
            highest = max(item.numbers)
            below = [highest - 1 - number for number in item.numbers if number != highest]
            return start + uint(highest, 4) + _bits(below, ASKED_BITS_BYTES)
    return start


def _item(octets: Octets) -> Item:
    try:
        want = Want(octets.uint(1))
    except ValueError:
        raise WireError("an ask for something unknown") from None
    hint = octets.take(HINT_BYTES[want])
    match want:
        case Want.REVOCATION | Want.ROOT:
            return Item(want, number=octets.uint(4))
        case Want.FRAGMENTS:
            missing = frozenset(_set_bits(octets.take(MISSING_BITS_BYTES)))
            if not missing or max(missing) > MAX_PIECES:
                raise WireError("an ask for impossible fragments")
            return Item(want, hint, numbers=missing)
        case Want.NUMBERS:
            highest = octets.uint(4)
            return Item(want, hint, numbers=_numbers(highest, octets.take(ASKED_BITS_BYTES)))
    return Item(want, hint)


def _opened(packet: bytes, kind: Type) -> Octets:
    octets = Octets(packet)
    if type_of(octets.take(1)) is not kind:
        raise WireError(f"no {kind.name}")
    if len(packet) > MAX_PACKET_BYTES:
        raise WireError(f"a packet of {len(packet)} bytes")
    return octets


def _spoken_of(numbers: Iterable[int]) -> frozenset[int]:
    """Those that an entry has room for: the highest, and what is not too far below it."""
    known = set(numbers)
    lowest = max(known) - REACH
    return frozenset(number for number in known if number >= lowest)


def _pack_entry(at: bytes, numbers: Iterable[int]) -> bytes:
    spoken = _spoken_of(numbers)
    highest = max(spoken)
    below = [highest - 1 - number for number in spoken if number != highest]
    bits = _bits(below, MAX_BITS_BYTES).rstrip(b"\0")
    return at + uint(highest, 4) + uint(len(bits), 1) + bits


def _numbers(highest: int, bits: bytes) -> frozenset[int]:
    below = [highest - 1 - place for place in _set_bits(bits)]
    if min([highest, *below]) < 1:
        raise WireError("a number below 1")
    return frozenset([highest, *below])


def _bits(places: Iterable[int], size: int) -> bytes:
    """Bit 0 is the highest of the first byte."""
    number = 0
    for place in places:
        number |= 1 << (8 * size - 1 - place)
    return number.to_bytes(size, "big")


def _set_bits(bits: bytes) -> list[int]:
    number, size = int.from_bytes(bits, "big"), 8 * len(bits)
    return [place for place in range(size) if number >> (size - 1 - place) & 1]


def _after(at: bytes) -> bytes:
    return (int.from_bytes(at, "big") + 1).to_bytes(TAG_BYTES, "big")
