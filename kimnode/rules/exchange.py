"""What to say next on port 302: one gateway among others. Pure: time and chance come from outside.

Documents prove themselves; everything else that is heard is a hint. So hints decide only what is
asked for and answered, each bounded per hour, and never what is believed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kimnode.record import Kind
from kimnode.rules.answering import Answers, Archive, mend_packet, together
from kimnode.rules.asking import SETTLE_S, Chance, Lacks, Pace
from kimnode.rules.beacons import Allowance, Rhythm
from kimnode.rules.hearsay import HEARSAY, Hearsay, Known, Own
from kimnode.rules.mending import Mending
from kimnode.rules.shelf import Shelf, Shelved, bulletin_hint, place_of
from kimnode.wire import air, gossip
from kimnode.wire.air import MAX_PACKET_BYTES, hint_of, type_of
from kimnode.wire.documents import (
    SUBJECT_HINT_BYTES,
    AnyDocument,
    Bulletin,
    Certificate,
    Revocation,
    Root,
    Vote,
)
from kimnode.wire.fragments import message_id
from kimnode.wire.gossip import Item, Want

ASKS_PER_HOUR = 30
ANSWERS_PER_HOUR = 24
BEACONS_PER_HOUR = 12
MAX_PLANNED = 64  # packets
GAP_S = 4.0  # between what is said because of others: what they say meanwhile may spare the next
NEWS_SPREADS = 2.5  # after these and NEWS_S a publisher says that there was something
NEWS_S = 30.0
REPEAT_S: dict[Kind, tuple[float, ...]] = {  # after the first time, each a little later at random
    Kind.SUSPENSION: (25.0, 75.0),
    Kind.REVOCATION: (60.0, 200.0),
    Kind.APPROVAL: (20.0,),
    Kind.BULLETIN: (12.0,),  # when it goes in one packet: with more of them one mends the others
}
JITTER = 0.3


@dataclass(frozen=True, slots=True)
class _Planned:
    at: float
    packet: bytes
    since: float  # not said if somebody else was heard saying it since then


class Exchange:
    """Feed it what is heard and what is new; ask it what to say. Times: Clock.monotonic()."""

    def __init__(
        self, post: bytes, archive: Archive, chance: Chance, pace: Pace, now: float
    ) -> None:
        self.shelf = Shelf()
        self._chance = chance
        self._pace = pace
        self._lacks = Lacks(chance, pace)
        self._answers = Answers(self.shelf, archive, chance, pace)
        self._mending = Mending(self._lacks)
        self._rhythm = Rhythm(chance, now)
        own = Own(post, self.shelf)
        self._hearsay = Hearsay(own, self._lacks, self._answers, self._rhythm, chance, pace)
        self._planned: list[_Planned] = []
        self._free_at = now
        self._asks, self._replies = Allowance(ASKS_PER_HOUR), Allowance(ANSWERS_PER_HOUR)
        self._beacons_left = Allowance(BEACONS_PER_HOUR)

    def put(self, document: Shelved, now: float) -> None:
        """This gateway would hand it out from now on."""
        if self.shelf.put(document):
            self._rhythm.changed(now, urgent=document.KIND is Kind.SUSPENSION)

    def learnt(self, known: Known, now: float) -> None:
        """The trust documents that this gateway has now."""
        if known != self._hearsay.own.known:
            self._hearsay.own.known = known
            self._rhythm.changed(now, urgent=True)

    def passed_over(self, document: Shelved) -> None:
        """This gateway has it and does not hand it out (expired, refused): nothing to ask for."""
        self._hearsay.pass_over(document)

    def publish(self, documents: Sequence[AnyDocument], now: float) -> list[bytes]:
        """The packets to send at once for what is new from here: a bulletin with its approvals, or
        one other document. Repetitions are planned."""
        head = documents[0]
        if isinstance(head, Bulletin):
            votes = [vote for vote in documents[1:] if isinstance(vote, Vote)]
            packets = together(head, votes)
            mended = mend_packet(head, votes) if len(packets) > 1 else None
            packets += [mended] if mended else []
            self._rhythm.at = min(
                self._rhythm.at, now + NEWS_S + NEWS_SPREADS * self._pace.spread_s
            )
        else:
            packets = [air.pack(head)]
        sent = [piece for packet in packets for piece in self._answers.on_air(packet)]
        for name in _names_of(head):
            self._answers.published(name)
        if len(sent) == 1:
            for delay_s in REPEAT_S.get(head.KIND, ()):
                at = now + delay_s * (1 + JITTER * self._chance())
                self._planned.append(_Planned(at, sent[0], now))
        for packet in sent:
            self._mending.know(packet)
            self._answers.heard(packet, now - 1)  # not since now: it may be asked for at once
        return sent

    def lack(self, item: Item, now: float, after_s: float = SETTLE_S) -> None:
        """This gateway lacks that: a certificate, an approval ..."""
        self._lacks.add(item, now, after_s)

    def found(self, document: AnyDocument) -> None:
        """It has come, and is valid here."""
        match document:
            case Bulletin() | Vote():
                want = Want.BULLETIN if isinstance(document, Bulletin) else Want.APPROVAL
                self._lacks.found(want, bulletin_hint(document))
                self._lacks.found_number(*place_of(document))
            case Certificate():
                self._lacks.found(Want.CERTIFICATE, hint_of(document.key))
            case Revocation():
                self._lacks.found(Want.REVOCATION)
            case Root():
                self._lacks.found(Want.ROOT)

    def hear(self, sender: int, packet: bytes, now: float) -> list[bytes]:
        """Packets with documents, to be verified, out of what was heard. WireError: malformed."""
        if type_of(packet) in HEARSAY:
            self._hearsay.hear(packet, now)
            return []
        self._answers.heard(packet, now)
        return self._mending.hear(sender, packet, now)

    def say(self, now: float) -> bytes | None:
        """The next packet, if one is due. One at a time: what is heard may spare the next."""
        if now < self._free_at:
            return None
        packet = self._say_planned(now) or self._say_gossip(now)
        if packet is not None:
            self._free_at = now + GAP_S
            self._answers.heard(packet, now)
        return packet

    def wake_at(self) -> float:
        """When `say` is worth asking again, unless something is heard."""
        dues = [self._lacks.wake_at(), self._answers.wake_at(), self._rhythm.at]
        dues += [self._hearsay.vector_at, *(plan.at for plan in self._planned)]
        return max(min(dues), self._free_at)

    def _say_planned(self, now: float) -> bytes | None:
        """A repetition or an answer."""
        answer = self._answers.due(now)
        if answer and self._replies.left(now):
            self._replies.use(now)
            room = answer[: MAX_PLANNED - len(self._planned)]
            self._planned += [_Planned(now, packet, now) for packet in room]
        for plan in sorted(self._planned, key=lambda plan: plan.at):
            if plan.at > now:
                break
            self._planned.remove(plan)
            if not self._answers.was_heard(plan.packet, plan.since):
                return plan.packet
        return None

    def _say_gossip(self, now: float) -> bytes | None:
        """An ask, a vector or a beacon. What has no allowance left is dropped, not put off."""
        items = self._lacks.due(now)
        if items and self._asks.left(now):
            self._asks.use(now)
            return gossip.pack_ask(items)
        if self._hearsay.vector_at <= now:
            return self._hearsay.next_vector(now + GAP_S)
        if self._rhythm.at <= now:
            self._rhythm.said(now)
            if self._beacons_left.left(now):
                self._beacons_left.use(now)
                return self._hearsay.own.beacon().pack()
        return None


def _names_of(document: AnyDocument) -> list[bytes]:
    """By which an ask may name what was published here."""
    if isinstance(document, Bulletin):
        names = [bulletin_hint(document)]
    else:
        names = [b"" if isinstance(document, Revocation) else document.id[:SUBJECT_HINT_BYTES]]
    whole = air.pack(document)
    return [*names, message_id(whole)] if len(whole) > MAX_PACKET_BYTES else names
