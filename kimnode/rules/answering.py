"""What others lack and this gateway has, and when it says so. One answer serves everybody.

Whoever published a bulletin answers first; the others answer at random, the fewer the more of them
there are, or each who missed the first answer would give one more. Whether an answer was given
already is seen by its very bytes: a forged copy silences nobody.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from kimnode.record import Kind
from kimnode.rules.asking import NEVER, Chance, Pace
from kimnode.rules.shelf import Shelf, Shelved, bulletin_hint, place_of
from kimnode.wire import air, fragments, gossip
from kimnode.wire.air import MAX_PACKET_BYTES
from kimnode.wire.documents import SUBJECT_HINT_BYTES, Bulletin, Certificate, Revocation, Root, Vote
from kimnode.wire.gossip import Item, Vector, Want
from kimnode.wire.octets import uint

MAX_REPLIES = 64
MAX_PUSHED = 8  # things that one vector makes us send
MAX_HEARD = 64  # packets remembered, to see that an answer was given
MAX_PAST = 512
MAX_WHOLES = 8
MAX_OWN = 64
MAX_APPROVALS = 3  # of one bulletin that are sent with it
ANSWERERS = 3.0  # of the posts around, so many shall answer a first ask
OTHERS_SPREADS = 4.0  # after a delay of up to so many spreads
OWN_S = 3.0  # the publisher's delay at most
COOL_S = 10.0  # an ask so soon after the answer crossed it on the air
ASKED_AGAIN_S = 900.0  # within this time an ask counts as a repetition
ANSWERS_PER_THING = 6  # an hour
HOUR_S = 3600.0

Key = tuple[Want, bytes]
K = TypeVar("K")
V = TypeVar("V")


class Archive(Protocol):
    """Trust documents that this gateway has and holds for valid."""

    def certificate(self, hint: bytes) -> Certificate | None: ...
    def revocations(self) -> Sequence[Revocation]: ...
    def root_after(self, version: int) -> Root | None: ...


@dataclass(slots=True)
class _Reply:
    since: float
    at: float
    lacking: list[frozenset[Want]] = field(default_factory=list)  # by each who asks
    indexes: set[int] = field(default_factory=set)  # of fragments


@dataclass(slots=True)
class _Past:
    """What happened about one thing of late."""

    asked: int = 0
    asked_at: float = -NEVER
    given: list[float] = field(default_factory=list)


class Answers:
    """Times are Clock.monotonic() seconds. `posts`: other gateways heard of late."""

    def __init__(self, shelf: Shelf, archive: Archive, chance: Chance, pace: Pace) -> None:
        self.posts = 1
        self._own: OrderedDict[bytes, None] = OrderedDict()  # bulletins published here, and wholes
        self._wholes: OrderedDict[bytes, bytes] = OrderedDict()  # long packets by message id
        self._shelf = shelf
        self._archive = archive
        self._chance = chance
        self._pace = pace
        self._replies: dict[Key, _Reply] = {}
        self._past: OrderedDict[Key, _Past] = OrderedDict()
        self._heard: OrderedDict[bytes, float] = OrderedDict()

    def published(self, name: bytes) -> None:
        """A bulletin (by its hint) or a long packet (by its message id) went out from here."""
        _remember(self._own, name, None, MAX_OWN)

    def heard(self, packet: bytes, now: float) -> None:
        """A packet with a document, or a piece of one, was on the air."""
        _remember(self._heard, fragments.tag_of(packet), now, MAX_HEARD)

    def was_heard(self, packet: bytes, since: float) -> bool:
        return self._heard.get(fragments.tag_of(packet), -NEVER) >= since

    def on_air(self, packet: bytes) -> list[bytes]:
        """A packet as it goes on the air: in pieces if it is long."""
        if len(packet) <= MAX_PACKET_BYTES:
            return [packet]
        _remember(self._wholes, fragments.message_id(packet), packet, MAX_WHOLES)
        return [fragment.pack() for fragment in fragments.split(packet)]

    def asked(self, items: Iterable[Item], now: float) -> None:
        """Somebody asks for these."""
        lacking: dict[Key, set[Want]] = {}
        indexes: dict[Key, frozenset[int]] = {}
        for item in items:
            for key, want in self._have(item):
                lacking.setdefault(key, set()).add(want)
                indexes[key] = item.numbers
        for key, wants in lacking.items():
            self._plan(key, frozenset(wants), indexes[key], now)

    def missed(self, vector: Vector, now: float) -> None:
        """Somebody's shelf: what we have and it does not hold is asked for."""
        lacking: dict[Key, set[Want]] = {}
        for document in self._shelf:
            origin, number = place_of(document)
            tag = gossip.tag(vector.salt, origin)
            held = vector.entries.get(tag, frozenset())
            spoken_of = vector.covers(tag) and number >= max(held, default=0) - gossip.REACH
            if spoken_of and number not in held:
                key, want = _key(document)
                lacking.setdefault(key, set()).add(want)
        for key in sorted(lacking, key=lambda _: self._chance())[:MAX_PUSHED]:
            self._plan(key, frozenset(lacking[key]), frozenset(), now)

    def due(self, now: float) -> list[bytes]:
        """The packets of one answer whose time has come and that nobody else has given."""
        ready = [(reply.at, key) for key, reply in self._replies.items() if reply.at <= now]
        if not ready:
            return []
        key = min(ready)[1]
        reply = self._replies.pop(key)
        packets = [p for whole in self._packets(key, reply) for p in self.on_air(whole)]
        fresh = [packet for packet in packets if not self.was_heard(packet, reply.since)]
        if len(fresh) < len(packets) and key[0] in LONG:
            return []  # somebody else is sending the pieces
        if fresh:
            self._past_of(key).given.append(now)
        return fresh

    def wake_at(self) -> float:
        return min((reply.at for reply in self._replies.values()), default=NEVER)

    def _have(self, item: Item) -> list[tuple[Key, Want]]:
        """What of an item we could answer."""
        match item.want:
            case Want.BULLETIN | Want.APPROVAL:
                found = self._shelf.bulletin(item.hint) is not None
                return [((Want.BULLETIN, item.hint), item.want)] if found else []
            case Want.NUMBERS:
                places = ((document, place_of(document)) for document in self._shelf)
                return [
                    _key(document)
                    for document, (origin, number) in places
                    if number in item.numbers and gossip.tag(item.hint[0], origin) == item.hint[1:]
                ]
            case Want.CERTIFICATE:
                there = self._archive.certificate(item.hint) is not None
            case Want.REVOCATION:
                there = gossip.lists_tag(self._archive.revocations()) not in (0, item.number)
            case Want.ROOT:
                there = self._archive.root_after(item.number) is not None
                return [((Want.ROOT, uint(item.number, 4)), Want.ROOT)] if there else []
            case Want.FRAGMENTS:
                there = item.hint in self._wholes
        return [((item.want, item.hint), item.want)] if there else []

    def _plan(
        self, key: Key, lacking: frozenset[Want], indexes: frozenset[int], now: float
    ) -> None:
        """Answer it at some time, or leave it to others."""
        past = self._past_of(key)
        past.asked = past.asked + 1 if now - past.asked_at < ASKED_AGAIN_S else 1
        past.asked_at = now
        past.given = [at for at in past.given if now - at < HOUR_S]
        crossed = bool(past.given) and now - past.given[-1] < COOL_S
        if crossed or len(past.given) >= ANSWERS_PER_THING:
            return
        reply = self._replies.get(key)
        if reply is None:
            own = key[1] in self._own
            if not own and self._chance() >= past.asked * ANSWERERS / self.posts:
                return
            if len(self._replies) >= MAX_REPLIES:
                return
            delay_s = OWN_S * self._chance()
            if not own:
                delay_s = OWN_S + OTHERS_SPREADS * self._pace.spread_s * self._chance()
            reply = self._replies[key] = _Reply(now, now + delay_s)
        reply.lacking.append(lacking)
        reply.indexes |= indexes

    def _packets(self, key: Key, reply: _Reply) -> list[bytes]:
        """What answers a reply, long packets whole."""
        want, hint = key
        match want:
            case Want.BULLETIN:
                return self._bulletin_packets(hint, reply.lacking)
            case Want.NUMBERS:
                return [air.pack(one) for one in self._shelf if one.id.startswith(hint)]
            case Want.CERTIFICATE:
                certificate = self._archive.certificate(hint)
                return [air.pack(certificate)] if certificate else []
            case Want.REVOCATION:
                return [air.pack(one) for one in self._archive.revocations()]
            case Want.ROOT:
                root = self._archive.root_after(int.from_bytes(hint, "big"))
                return [air.pack(root)] if root else []
        pieces = fragments.split(self._wholes[hint]) if hint in self._wholes else []
        return [piece.pack() for piece in pieces if piece.index in reply.indexes]

    def _bulletin_packets(self, hint: bytes, lacking: Sequence[frozenset[Want]]) -> list[bytes]:
        bulletin, approvals = self._shelf.bulletin(hint), self._shelf.approvals(hint)
        if bulletin is None:
            return []
        if all(wants == {Want.APPROVAL} for wants in lacking):
            return [air.pack(approval) for approval in approvals[:MAX_APPROVALS]]
        if all(wants == {Want.BULLETIN} for wants in lacking):
            return [air.pack(bulletin)]
        mended = mend_packet(bulletin, approvals)
        if mended is not None and all(len(wants) == 1 for wants in lacking):
            return [mended]
        return together(bulletin, approvals)

    def _past_of(self, key: Key) -> _Past:
        past = self._past.get(key) or _Past()
        _remember(self._past, key, past, MAX_PAST)
        return past


LONG = frozenset({Want.REVOCATION, Want.ROOT})


def together(bulletin: Bulletin, approvals: Sequence[Vote]) -> list[bytes]:
    """A bulletin and its approvals: in one packet, or in two that a third can mend, or as a long
    packet, for which fragments do the same."""
    packet = air.pack(bulletin)
    if not approvals:
        return [packet]
    pair = air.pack_pair(bulletin, approvals[0])
    later = [air.pack(vote) for vote in approvals[1:MAX_APPROVALS]]
    if len(pair) <= MAX_PACKET_BYTES or len(packet) > fragments.MAX_MENDED_BYTES:
        return [pair, *later]
    return [packet, air.pack(approvals[0]), *later]


def mend_packet(bulletin: Bulletin, approvals: Sequence[Vote]) -> bytes | None:
    """The packet that gives bulletin or approval to who has the other; None if they do not fit."""
    packet = air.pack(bulletin)
    if not approvals or len(packet) > fragments.MAX_MENDED_BYTES:
        return None
    return fragments.repair(packet, air.pack(approvals[0]))


def _key(document: Shelved) -> tuple[Key, Want]:
    """By what a document is answered, and what it is there."""
    if isinstance(document, Bulletin):
        return (Want.BULLETIN, bulletin_hint(document)), Want.BULLETIN
    if document.kind is Kind.APPROVAL:
        return (Want.BULLETIN, bulletin_hint(document)), Want.APPROVAL
    return (Want.NUMBERS, document.id[:SUBJECT_HINT_BYTES]), Want.NUMBERS


def _remember(memory: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > most:
        memory.popitem(last=False)
