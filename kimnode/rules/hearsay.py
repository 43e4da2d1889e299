"""What a gateway makes of beacons, vectors and asks. None of it is proven: see the bounds."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from kimnode.rules.answering import Answers
from kimnode.rules.asking import NEVER, SETTLE_S, Chance, Lacks, Pace
from kimnode.rules.beacons import Allowance, Differences, Rhythm
from kimnode.rules.shelf import Shelf, Shelved, bulletin_hint, place_of
from kimnode.wire import gossip
from kimnode.wire.air import Type, type_of
from kimnode.wire.gossip import ASKED_BITS_BYTES, Beacon, Item, Origin, Vector, Want

HEARSAY = frozenset({Type.BEACON, Type.VECTOR, Type.ASK})
VECTORS_PER_HOUR = 4
MAX_VECTOR_PACKETS = 3
MAX_PASSED = 256
SECOND_HAND_TRIES = 2  # for what we lack only by the words of who asks for it
NEWS_TRIES = 3


@dataclass(frozen=True, slots=True)
class Known:
    """Trust documents that this gateway has: the root's version, gossip.lists_tag(); 0: none."""

    root_version: int = 0
    lists: int = 0


@dataclass(slots=True)
class Own:
    """What this gateway has, as it tells others."""

    post: bytes  # key id of the gateway
    shelf: Shelf
    known: Known = field(default_factory=Known)

    def beacon(self) -> Beacon:
        known, shelf = self.known, self.shelf
        return Beacon(self.post, known.root_version, known.lists, shelf.digest(), shelf.news())


class Hearsay:
    """Turns hints into things to ask for and to answer. Times are Clock.monotonic() seconds."""

    def __init__(
        self,
        own: Own,
        lacks: Lacks,
        answers: Answers,
        rhythm: Rhythm,
        chance: Chance,
        pace: Pace,
    ) -> None:
        self.own = own
        self.vector_at = NEVER
        self._lacks = lacks
        self._answers = answers
        self._rhythm = rhythm
        self._chance = chance
        self._pace = pace
        self._differences = Differences()
        self._passed: OrderedDict[bytes | tuple[Origin, int], None] = OrderedDict()
        self._vectors: deque[bytes] = deque(maxlen=MAX_VECTOR_PACKETS)
        self._vectors_left = Allowance(VECTORS_PER_HOUR)

    def hear(self, packet: bytes, now: float) -> None:
        """One packet of HEARSAY types. WireError: malformed."""
        match type_of(packet):
            case Type.BEACON:
                self._beacon(gossip.parse_beacon(packet), now)
            case Type.VECTOR:
                self._vector(gossip.parse_vector(packet), now)
            case _:
                self._ask(gossip.parse_ask(packet), now)

    def pass_over(self, document: Shelved) -> None:
        """We have it and do not hand it out: nothing to ask for."""
        for name in (bulletin_hint(document), place_of(document)):
            self._passed[name] = None
        while len(self._passed) > MAX_PASSED:
            self._passed.popitem(last=False)

    def next_vector(self, then: float) -> bytes:
        """The vector that is due, or its next part; `then` is when the part after it is due."""
        if not self._vectors:
            salt = int(self._chance() * 256)
            made = gossip.vectors(self.own.shelf.numbers(), salt, MAX_VECTOR_PACKETS)
            self._vectors.extend(vector.pack() for vector in made)
        packet = self._vectors.popleft()
        self.vector_at = then if self._vectors else NEVER
        return packet

    def _beacon(self, beacon: Beacon, now: float) -> None:
        self._answers.posts = self._differences.posts(beacon.post, now)
        own = self.own.beacon()
        if beacon.root_version > own.root_version:
            self._lacks.add(Item(Want.ROOT, number=own.root_version), now)
        if beacon.lists != own.lists:
            if beacon.lists:
                self._lacks.add(Item(Want.REVOCATION, number=own.lists), now)
            self._answers.asked([Item(Want.REVOCATION, number=beacon.lists)], now)
        if beacon.root_version < own.root_version:
            self._rhythm.soon(now, self._pace.spread_s)
        if beacon.digest == own.digest:
            if (beacon.root_version, beacon.lists) == (own.root_version, own.lists):
                self._rhythm.heard_same(now)
            return
        unknown = [hint for hint in beacon.news if self._is_unknown(hint)]
        for hint in unknown:
            self._lack_bulletin(hint, now, 0.0, NEWS_TRIES)
        free = not unknown and self.vector_at == NEVER and self._vectors_left.left(now)
        if free and self._differences.worth_a_vector(own.digest, beacon.digest, now):
            self._vectors_left.use(now)
            self.vector_at = now + 2 * self._pace.spread_s * self._chance()

    def _vector(self, vector: Vector, now: float) -> None:
        self.vector_at = NEVER  # it speaks for us too
        self._vectors.clear()
        self._answers.missed(vector, now)
        held: dict[bytes, set[int]] = {}
        for origin, numbers in self.own.shelf.numbers().items():
            held.setdefault(gossip.tag(vector.salt, origin), set()).update(numbers)
        for name in self._passed:
            if isinstance(name, tuple):
                held.setdefault(gossip.tag(vector.salt, name[0]), set()).add(name[1])
        for tag, listed in vector.entries.items():
            missing = listed - held.get(tag, set())
            if missing:
                lowest = max(missing) - 8 * ASKED_BITS_BYTES
                asked = frozenset(number for number in missing if number >= lowest)
                hint = bytes([vector.salt]) + tag
                self._lacks.add(Item(Want.NUMBERS, hint, numbers=asked), now)

    def _ask(self, items: Sequence[Item], now: float) -> None:
        self._lacks.heard(items, now)
        self._answers.asked(items, now)
        for item in items:
            if item.want in (Want.BULLETIN, Want.APPROVAL) and self._is_unknown(item.hint):
                after_s = SETTLE_S + 2 * self._pace.spread_s
                self._lack_bulletin(item.hint, now, after_s, SECOND_HAND_TRIES)

    def _is_unknown(self, hint: bytes) -> bool:
        """Whether nothing of this bulletin is known here."""
        lacked = any((want, hint) in self._lacks for want in (Want.BULLETIN, Want.APPROVAL))
        return not lacked and hint not in self._passed and self.own.shelf.bulletin(hint) is None

    def _lack_bulletin(self, hint: bytes, now: float, after_s: float, tries: int) -> None:
        for want in (Want.BULLETIN, Want.APPROVAL):
            self._lacks.add(Item(want, hint), now, after_s, tries)
