"""What time it is, in a box without a clock: evidence in, a floor and an estimate out.

The floor is "it is at least this late": kept on disk, never moved back, and the only time by which
anything may be called over (rules/expiry.py). The estimate is for showing and stamping only.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf

from kimnode.wire.codes import TimeTrust
from kimnode.wire.times import MINUTES_END, unix_of_minutes

EARLIEST_S = 1_793_491_200  # 2026-11-01, this release: no true clock shows less (bump with it)
LATEST_S = unix_of_minutes(MINUTES_END - 1)  # the last minute that fits on the air, 2056
HOUR_S, CLOCK_DAY_S = 3600.0, 86_400.0

AGREE_S = 300.0  # two clocks that differ by less say the same
DRIFT = 5e-4  # and this much more for each second since they were compared: bad crystals
HOLD_S = 600.0  # an unsigned clock must say the same for so long before it may move the floor far
ALONE_S = 30 * CLOCK_DAY_S  # floor moved by one unsigned kind alone; won back second by second
LEND_S = CLOCK_DAY_S  # floor moved by volunteers in total beyond the last hub or GPS time
FAR_S = 1096 * CLOCK_DAY_S  # further ahead (longest certificate) one unsigned kind is garbage
SURE_FOR_S = 7 * CLOCK_DAY_S  # by then the crystal may be a minute off, the unit on the air
PHONES_AGREE = 3
PHONE_FOR_S = HOUR_S
MAX_PHONES = 32


class Source(StrEnum):
    """Who says what time it is. WEIGHTS says what that is worth."""

    HUB = "hub"  # signed answer to a question of ours: the time now
    GPS = "gps"  # our own radio's receiver (LOC_INTERNAL), never another node's position
    DISTRICT = "district"  # any other time signed by district or hub: perhaps old, never early
    NTP = "ntp"  # the system's clock while the kernel calls it synchronised
    RTC = "rtc"  # a battery clock
    VOLUNTEER = "volunteer"  # signed by a volunteer whose node called its own time SURE
    PHONE = "phone"
    SYSTEM = "system"  # the system's clock by itself: 1970, -38 h and +10 y were all seen


class Family(StrEnum):
    """Sources that fail together: NTP sets the battery clock, so both are one witness."""

    SIGNED = "signed"
    SKY = "sky"
    MACHINE = "machine"
    PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class Weight:
    """What a source may do. `rank`: who leads when two disagree, greater wins.

    live     says the time now, so it may make the estimate SURE; others only say "at least"
    alone_s  how far it may move the floor when nobody else says the same
    hold_s   for how long it must have said the same when that is not what the floor says
    disputes a time before the floor makes the floor wait and the estimate UNSURE (never go back)
    """

    rank: int
    family: Family
    live: bool
    alone_s: float
    hold_s: float
    disputes: bool


WEIGHTS = {
    #                         rank  family           live   alone_s  hold_s  disputes
    Source.HUB: Weight(         7, Family.SIGNED,   True,  inf,     0.0,    True),
    Source.GPS: Weight(         6, Family.SKY,      True,  ALONE_S, HOLD_S, True),
    Source.DISTRICT: Weight(    5, Family.SIGNED,   False, inf,     0.0,    False),
    Source.NTP: Weight(         4, Family.MACHINE,  True,  ALONE_S, HOLD_S, True),
    Source.RTC: Weight(         3, Family.MACHINE,  True,  ALONE_S, HOLD_S, False),
    Source.VOLUNTEER: Weight(   2, Family.SIGNED,   False, LEND_S,  0.0,    False),
    Source.PHONE: Weight(       1, Family.PEOPLE,   False, 0.0,     0.0,    False),
    Source.SYSTEM: Weight(      0, Family.MACHINE,  False, 0.0,     0.0,    False),
}  # fmt: skip
NEEDS_BOUND = {source for source, weight in WEIGHTS.items() if weight.family is Family.SIGNED}


@dataclass(frozen=True, slots=True)
class Evidence:
    """One time that somebody said. Check signatures before: here they are believed.

    `not_after_s` (unix seconds; signed sources only, required there): end of the signer's
    certificate; a later time is a lie. `who`: the phone's id (phones only, required there).
    """

    source: Source
    unix_s: float
    not_after_s: float | None = None
    who: str = ""

    def __post_init__(self) -> None:
        bounded = self.not_after_s is not None
        if bounded != (self.source in NEEDS_BOUND) or bool(self.who) != (self.source == "phone"):
            raise ValueError(f"evidence of {self.source} with the wrong particulars")


@dataclass(frozen=True, slots=True)
class Saved:
    """What must survive a power cut. Seconds; see Keeper."""

    floor_s: int
    uptime_s: int
    alone_left_s: int
    lent_s: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """The time as far as it is known. `unix_s` >= `floor_s`, and may go back between two looks.

    `uptime_s`: seconds that this node has run in its life, counted across restarts.
    """

    unix_s: int
    trust: TimeTrust
    floor_s: int
    uptime_s: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a live source says: unix time at monotonic 0, said the same from `first_s` on."""

    source: Source
    offset_s: float
    first_s: float
    last_s: float

    @property
    def weight(self) -> Weight:
        return WEIGHTS[self.source]

    @property
    def held(self) -> bool:
        return self.last_s - self.first_s >= self.weight.hold_s


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone's clock: unix time at monotonic 0, last told at `last_s`."""

    who: str
    offset_s: float
    last_s: float


@dataclass(frozen=True, slots=True)
class Keeper:
    """All that is known at monotonic `at_s`. What follows `at_s` is of this run only.

    alone_left_s  how far one unsigned kind may still move the floor alone
    lent_s        how far volunteers have moved it since the last hub or GPS time
    narrowed      a signed time has moved it in this run
    anchor        the best live source of this run; a lesser one cannot contradict it any more,
                  because true time does not jump while we run
    """

    floor_s: float
    uptime_s: float
    alone_left_s: float
    lent_s: float
    at_s: float
    narrowed: bool = False
    anchor: Sighting | None = None
    sightings: tuple[Sighting, ...] = ()  # GPS, NTP, RTC: at most one each
    phones: tuple[Phone, ...] = ()  # at most MAX_PHONES


def wake(saved: Saved | None, monotonic_s: float) -> Keeper:
    """The keeper of a new run. `saved` None: the first one ever."""
    if saved is None:
        return Keeper(EARLIEST_S, 0.0, ALONE_S, 0.0, monotonic_s)
    floor_s = max(saved.floor_s, EARLIEST_S)
    return Keeper(floor_s, saved.uptime_s, saved.alone_left_s, saved.lent_s, monotonic_s)


def saved(keeper: Keeper) -> Saved:
    """What to put on disk. Whole seconds, rounded to the cautious side."""
    lent_s = -int(-keeper.lent_s // 1)
    return Saved(int(keeper.floor_s), int(keeper.uptime_s), int(keeper.alone_left_s), lent_s)


def advance(keeper: Keeper, monotonic_s: float) -> Keeper:
    """The same knowledge later. The floor runs on, but waits while the anchor says it is ahead:
    so that what a liar once added goes away with time."""
    passed_s = max(monotonic_s - keeper.at_s, 0.0)
    floor_s = keeper.floor_s + passed_s
    if keeper.anchor is not None:
        floor_s = max(keeper.floor_s, min(floor_s, keeper.anchor.offset_s + monotonic_s))
    return replace(
        keeper,
        at_s=keeper.at_s + passed_s,
        floor_s=floor_s,
        uptime_s=keeper.uptime_s + passed_s,
        alone_left_s=min(keeper.alone_left_s + passed_s, ALONE_S),
    )


def take(keeper: Keeper, evidence: Evidence, monotonic_s: float) -> Keeper:
    """The keeper after one more piece of evidence. What makes no sense changes nothing."""
    keeper = advance(keeper, monotonic_s)
    bound_s = LATEST_S if evidence.not_after_s is None else evidence.not_after_s
    if not EARLIEST_S <= evidence.unix_s <= min(bound_s, LATEST_S):
        return keeper
    match evidence.source:
        case Source.HUB:
            return _hub(keeper, evidence)
        case Source.DISTRICT | Source.VOLUNTEER:
            return _signed(keeper, evidence)
        case Source.GPS | Source.NTP | Source.RTC:
            return _unsigned(keeper, evidence)
        case Source.PHONE:
            return _phone(keeper, evidence)
    return keeper  # the system's clock by itself says nothing


def estimate(keeper: Keeper, monotonic_s: float) -> Estimate:
    """What to show, to stamp and to judge by."""
    keeper = advance(keeper, monotonic_s)
    unix_s, trust = _reading(keeper)
    floor_s = int(keeper.floor_s)
    return Estimate(max(int(unix_s), floor_s), trust, floor_s, int(keeper.uptime_s))


def _reading(keeper: Keeper) -> tuple[float, TimeTrust]:
    if (anchor := keeper.anchor) is not None:
        unix_s = anchor.offset_s + keeper.at_s
        if unix_s < keeper.floor_s - AGREE_S:
            return keeper.floor_s, TimeTrust.UNSURE
        _, against = _witnesses(keeper, anchor)
        if against:
            return min(unix_s, *(s.offset_s + keeper.at_s for s in against)), TimeTrust.ABOUT
        return unix_s, TimeTrust.SURE if _fresh(anchor, keeper.at_s) else TimeTrust.ABOUT
    if keeper.narrowed:
        return keeper.floor_s, TimeTrust.ABOUT
    ahead_s = _phones_say(keeper) - keeper.floor_s
    if -AGREE_S <= ahead_s <= FAR_S:
        return keeper.floor_s + ahead_s, TimeTrust.ABOUT
    # After a power cut nobody knows how long it was: the floor may be hours or weeks behind.
    return keeper.floor_s, TimeTrust.UNSURE


def _hub(keeper: Keeper, evidence: Evidence) -> Keeper:
    offset_s = evidence.unix_s - keeper.at_s
    keeper = replace(keeper, anchor=Sighting(Source.HUB, offset_s, keeper.at_s, keeper.at_s))
    if evidence.unix_s < keeper.floor_s - AGREE_S:
        return keeper
    floor_s = max(keeper.floor_s, evidence.unix_s)
    return replace(keeper, floor_s=floor_s, alone_left_s=ALONE_S, lent_s=0.0)


def _signed(keeper: Keeper, evidence: Evidence) -> Keeper:
    """A signature proves "not before", however old it is; a better live source says "not yet"."""
    to_s, anchor, weight = evidence.unix_s, keeper.anchor, WEIGHTS[evidence.source]
    if anchor is not None and anchor.weight.rank > weight.rank:
        to_s = min(to_s, anchor.offset_s + keeper.at_s)
    # An old one that moves nothing must not give the volunteers another day: it can be replayed.
    rise_s = min(to_s - keeper.floor_s, weight.alone_s - keeper.lent_s)
    if rise_s <= 0:
        return keeper
    keeper = replace(keeper, floor_s=keeper.floor_s + rise_s, narrowed=True)
    if evidence.source is Source.VOLUNTEER:
        return replace(keeper, lent_s=keeper.lent_s + rise_s)
    return replace(keeper, lent_s=0.0, alone_left_s=ALONE_S)


def _unsigned(keeper: Keeper, evidence: Evidence) -> Keeper:
    before = next((s for s in keeper.sightings if s.source is evidence.source), None)
    if before is not None and abs(before.offset_s + before.last_s - evidence.unix_s) < 1:
        return keeper  # the same second again: this clock stands still
    seen = _sighted(keeper, evidence, before)
    others = tuple(s for s in keeper.sightings if s.source is not seen.source)
    keeper = replace(keeper, sightings=(*others, seen))
    ahead_s = evidence.unix_s - keeper.floor_s
    if abs(ahead_s) > AGREE_S and not seen.held:
        return keeper
    if ahead_s < -AGREE_S and not seen.weight.disputes:
        return keeper
    same, _ = _witnesses(keeper, seen)
    if ahead_s > FAR_S and not same:
        return keeper
    if _leads(seen, keeper):
        keeper = replace(keeper, anchor=seen)
    elif keeper.anchor is not None and not _agree(seen, keeper.anchor, keeper.at_s):
        return keeper
    return _lift(keeper, seen)


def _sighted(keeper: Keeper, evidence: Evidence, before: Sighting | None) -> Sighting:
    now_s = keeper.at_s
    seen = Sighting(evidence.source, evidence.unix_s - now_s, now_s, now_s)
    if before is not None and _agree(seen, before, now_s):
        return replace(seen, first_s=before.first_s)
    return seen


def _leads(seen: Sighting, keeper: Keeper) -> bool:
    anchor = keeper.anchor
    if anchor is None or seen.weight.rank > anchor.weight.rank:
        return True
    own = seen.source is anchor.source or not _fresh(anchor, keeper.at_s)
    return own and _agree(seen, anchor, keeper.at_s)


def _lift(keeper: Keeper, seen: Sighting) -> Keeper:
    """Move the floor to what an unsigned source says: far only when another family says so too."""
    same, against = _witnesses(keeper, seen)
    rise_s = min(s.offset_s for s in (seen, *same)) + keeper.at_s - keeper.floor_s
    left_s = keeper.alone_left_s
    if rise_s < -AGREE_S:
        return keeper
    if rise_s > 0:
        if not same and (against or rise_s > left_s):
            return keeper
        left_s = ALONE_S if same else left_s - rise_s
    lent_s = 0.0 if Source.GPS in {s.source for s in (seen, *same)} else keeper.lent_s
    floor_s = keeper.floor_s + max(rise_s, 0.0)
    return replace(keeper, floor_s=floor_s, alone_left_s=left_s, lent_s=lent_s)


def _witnesses(keeper: Keeper, seen: Sighting) -> tuple[list[Sighting], list[Sighting]]:
    """Steady sources of other families: who says the same, and who (of weight) contradicts."""
    others = [
        s
        for s in keeper.sightings
        if s.weight.family is not seen.weight.family and s.held and _fresh(s, keeper.at_s)
    ]
    same = [s for s in others if _agree(seen, s, keeper.at_s)]
    return same, [s for s in others if s not in same and s.weight.disputes]


def _fresh(sighting: Sighting, now_s: float) -> bool:
    return now_s - sighting.last_s <= SURE_FOR_S


def _agree(one: Sighting, other: Sighting, now_s: float) -> bool:
    unseen_s = now_s - min(one.last_s, other.last_s)
    return abs(one.offset_s - other.offset_s) <= AGREE_S + DRIFT * unseen_s


def _phone(keeper: Keeper, evidence: Evidence) -> Keeper:
    now_s = keeper.at_s
    others = [p for p in keeper.phones if p.who != evidence.who and now_s - p.last_s <= PHONE_FOR_S]
    phone = Phone(evidence.who, evidence.unix_s - now_s, now_s)
    return replace(keeper, phones=(*others, phone)[-MAX_PHONES:])


def _phones_say(keeper: Keeper) -> float:
    """Unix time on which most phones agree, the earliest of theirs; -inf when fewer than three."""
    offsets = [p.offset_s for p in keeper.phones if keeper.at_s - p.last_s <= PHONE_FOR_S]
    votes = {o: sum(o <= other <= o + AGREE_S for other in offsets) for o in offsets}
    winner = min(votes, key=lambda o: (-votes[o], o), default=0.0)
    return winner + keeper.at_s if votes.get(winner, 0) >= PHONES_AGREE else -inf
