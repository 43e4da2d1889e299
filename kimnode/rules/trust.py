"""Who may do what, as far as this node knows: certified keys, roles, areas, revocation, suspension.

A key counts only through its certificate, and a certificate only through the chain up to the root
that the operator accepted (rules/chain.py builds `Trust` and lets nothing in that does not verify).

A key is judged at two times. *Now* (`holder`, `check_stamp`): may this enter? Then whoever is
revoked, suspended or over is refused, whatever date the document claims. *As kept* (`was_allowed`):
what is in the log entered while its keys were good; it loses its standing only when it was made
after the end of the certificate, since the day from which a revoked key is doubtful, or while
suspended. The wall clock alone never calls a certificate over: only the time floor does.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from kimnode.errors import Reason, Refused
from kimnode.record import Kind
from kimnode.rules.clock import Estimate
from kimnode.wire import signing
from kimnode.wire.codes import Form, KeyType, Mode, Role, TimeTrust
from kimnode.wire.documents import (
    AREA_END,
    Bulletin,
    Certificate,
    Revocation,
    Root,
    Vote,
)
from kimnode.wire.times import DAY_S, EPOCH_2025, MINUTE_S

DAY_MINUTES = DAY_S // MINUTE_S
EARLY_S = DAY_S  # a day begins up to nine hours earlier in the village than in UTC; clocks differ
BEGUN_EARLY_S = 2 * DAY_S  # a battery clock may be behind, and nobody is harmed by an early start
AREA_LEVELS = (10**4, 10**6, 10**8, AREA_END)  # kecamatan, regency, province, everything


class Capability(StrEnum):
    """What a key may do."""

    ISSUE = "issue"  # certificates
    REVOKE = "revoke"
    TIME = "time"
    COUNTERSIGN = "countersign"  # a second, independent key under what two persons did
    ATTEST = "attest"  # say what a person's radio said
    RECEIPT = "receipt"
    DRAFT = "draft"
    APPROVE = "approve"  # or reject, and publish a notice alone
    SUSPEND = "suspend"


C = Capability
CAPABILITIES: Mapping[Role, frozenset[Capability]] = {
    Role.DISTRICT: frozenset({C.ISSUE, C.REVOKE, C.TIME, C.COUNTERSIGN}),
    Role.HUB: frozenset({C.REVOKE, C.TIME, C.COUNTERSIGN}),
    Role.GATEWAY: frozenset({C.ATTEST, C.RECEIPT}),
    Role.VOLUNTEER: frozenset({C.DRAFT}),
    Role.VERIFIER: frozenset({C.DRAFT, C.APPROVE, C.SUSPEND}),
    Role.CHAIR: frozenset({C.DRAFT, C.APPROVE, C.SUSPEND}),
}
PERSONS = frozenset({Role.VOLUNTEER, Role.VERIFIER, Role.CHAIR})
VOTE_RIGHTS: Mapping[Kind, frozenset[Capability]] = {
    Kind.APPROVAL: frozenset({C.APPROVE, C.COUNTERSIGN}),
    Kind.REJECTION: frozenset({C.APPROVE, C.DRAFT}),  # an author may take a draft back
    Kind.SUSPENSION: frozenset({C.SUSPEND}),
}
# Which fault is told when a key has several certificates and none holds.
FAULTS = (Reason.REVOKED, Reason.SUSPENDED, Reason.CERT_EXPIRED)


@dataclass(frozen=True, slots=True)
class Holder:
    """A certified key and what its certificate says."""

    certificate: Certificate

    @property
    def key(self) -> bytes:
        return self.certificate.key

    @property
    def person(self) -> int:
        """The district's number of the person; 0 for machines."""
        return self.certificate.person

    @property
    def role(self) -> Role:
        return self.certificate.role

    @property
    def name(self) -> str:
        return self.certificate.name

    @property
    def area(self) -> int:
        return self.certificate.area

    def may(self, capability: Capability) -> bool:
        return capability in CAPABILITIES[self.role]


class StandingState(StrEnum):
    """What two persons' signatures are worth at one node, least first (rules/standing.py)."""

    WAITING = "waiting"  # no second person
    VIA_POST = "via-post"  # two persons, by the word of one gateway
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class Standing:
    """`via_post`: key of the gateway whose word it is, of VIA_POST only."""

    state: StandingState
    via_post: bytes = b""


@dataclass(frozen=True, slots=True)
class Suspension:
    """Two persons have frozen this key, from the second vote on (unix seconds)."""

    key: bytes
    from_s: int
    until_s: int


@dataclass(frozen=True, slots=True)
class Cast:
    """A suspension vote that counts, and from when (unix seconds)."""

    vote: Vote
    person: int
    at_s: int


@dataclass(frozen=True, slots=True)
class Trust:
    """All that is believed, every signature verified. Build it with rules/chain.py.

    roots         ascending versions without a gap, the newest last
    certificates  key -> its certificates, in the order in which they came
    revocations   the list that counts of each issuer
    revoked       (district key, 6-byte key id) -> day since which that key is doubtful
    votes         suspension votes that count
    hints         6-byte key id -> every certified key that has it
    """

    roots: tuple[Root, ...] = ()
    certificates: Mapping[bytes, tuple[Certificate, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    revocations: tuple[Revocation, ...] = ()
    revoked: Mapping[tuple[bytes, bytes], int] = field(default_factory=lambda: MappingProxyType({}))
    suspensions: tuple[Suspension, ...] = ()
    votes: tuple[Cast, ...] = ()
    hints: Mapping[bytes, tuple[bytes, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def root(self) -> Root | None:
        return self.roots[-1] if self.roots else None

    @property
    def revocation(self) -> Revocation | None:
        """The list that was made last, of any issuer."""
        return max(self.revocations, key=lambda r: (r.made_min, r.number), default=None)

    @property
    def demo(self) -> bool:
        return self.root is not None and self.root.demo


@dataclass(frozen=True, slots=True)
class Moment:
    """When a key is judged: now (`estimate`), when something was made, or for both.

    made_min   0: nothing was made, the beginning of 2025 is before every end
    doubt_min  minute that is compared with a revocation's day; None: revocations do not matter
    """

    estimate: Estimate | None = None
    made_min: int = 0
    doubt_min: int | None = None


def covers(outer: int, inner: int) -> bool:
    """Whether the area `inner` lies in `outer`: 7602000000 covers 7602062003, not the reverse."""
    size = 1
    for level in AREA_LEVELS:
        if outer % level:
            break
        size = level
    return outer // size == inner // size


def day_s(day: int) -> int:
    """Unix seconds at which this day since 2025 begins."""
    return EPOCH_2025 + day * DAY_S


def made_s(made_min: int) -> int:
    """Unix seconds of this minute since 2025."""
    return EPOCH_2025 + made_min * MINUTE_S


def is_sure(estimate: Estimate) -> bool:
    return estimate.trust == TimeTrust.SURE


def holder(key: bytes, trust: Trust, estimate: Estimate) -> Holder:
    """Who has this key now. Refused(NO_ROOT, UNKNOWN_KEY, REVOKED, SUSPENDED, CERT_EXPIRED)."""
    return holders(key, trust, Moment(estimate))[0]


def check_stamp(
    document: Bulletin | Vote, capability: Capability, area: int, trust: Trust, estimate: Estimate
) -> Holder:
    """The person whose will the document is, if it may enter now.

    Signature, certificate, role and area of the person, and of the gateway that attests it.
    Refused(NO_ROOT, UNKNOWN_KEY, BAD_SIGNATURE, DEMO, REVOKED, SUSPENDED, CERT_EXPIRED, WRONG_ROLE,
    WRONG_AREA).
    """
    moment = Moment(estimate, document.stamp.made_min)
    return allowed(document, {capability}, area, trust, moment)


def author(bulletin: Bulletin, trust: Trust, estimate: Estimate) -> Holder:
    """Who wrote it, if it may enter now: a notice needs who may approve. Refused as check_stamp."""
    moment = Moment(estimate, bulletin.stamp.made_min)
    return allowed(bulletin, rights_of(bulletin), bulletin.area, trust, moment)


def voter(vote: Vote, area: int, trust: Trust, estimate: Estimate) -> Holder:
    """Who votes, if the vote may enter now: for approvals a district or hub may be, too (their
    countersignature: `holder.person` is 0). Refused as check_stamp."""
    return allowed(vote, rights_of(vote), area, trust, Moment(estimate, vote.stamp.made_min))


def was_allowed(
    document: Bulletin | Vote, area: int, trust: Trust, doubt_min: int | None
) -> Holder:
    """Who wanted a document that is in the log, judged by when it was made. Refused as check_stamp.

    doubt_min  minute that must lie before the day from which a revoked key is doubtful (the one in
               which it was made, or came here); None: as if nobody were revoked
    """
    moment = Moment(made_min=document.stamp.made_min, doubt_min=doubt_min)
    return allowed(document, rights_of(document), area, trust, moment)


def rights_of(document: Bulletin | Vote) -> frozenset[Capability]:
    """Any of these lets a person make this document."""
    if isinstance(document, Vote):
        return VOTE_RIGHTS[document.kind]
    return frozenset({C.APPROVE if document.form is Form.NOTICE else C.DRAFT})


def allowed(
    document: Bulletin | Vote,
    rights: Collection[Capability],
    area: int,
    trust: Trust,
    moment: Moment,
) -> Holder:
    """The person, when signature, keys, roles and areas are right at this moment; else Refused."""
    stamp = document.stamp
    if trust.root is None:
        raise Refused(Reason.NO_ROOT)
    if not signing.verify(stamp.signer, document.signature, document.signed()):
        raise Refused(Reason.BAD_SIGNATURE)
    if isinstance(document, Bulletin) and document.demo != trust.demo:
        raise Refused(Reason.DEMO)
    if stamp.mode is Mode.ATTESTED:
        entitled(stamp.signer, KeyType.ED25519, {C.ATTEST}, area, trust, moment)
        return entitled(stamp.person, KeyType.RADIO, rights, area, trust, moment)
    if stamp.person != stamp.signer:
        raise Refused(Reason.BAD_SIGNATURE, "direct, but by another key than the person's")
    return entitled(stamp.person, KeyType.ED25519, rights, area, trust, moment)


def entitled(
    key: bytes,
    key_type: KeyType,
    rights: Collection[Capability],
    area: int,
    trust: Trust,
    moment: Moment,
) -> Holder:
    """The key's holder with one of these rights in this area; Refused(..., WRONG_ROLE, WRONG_AREA).

    The key type belongs to the right: a radio's key signs nothing, it is only spoken for.
    """
    found = [
        who
        for who in holders(key, trust, moment)
        if who.certificate.key_type is key_type and any(who.may(right) for right in rights)
    ]
    if not found:
        raise Refused(Reason.WRONG_ROLE)
    here = next((who for who in found if covers(who.area, area)), None)
    if here is None:
        raise Refused(Reason.WRONG_AREA)
    return here


def known(key: bytes, trust: Trust) -> tuple[Certificate, ...]:
    """Every certificate of this key; Refused(NO_ROOT, UNKNOWN_KEY)."""
    if trust.root is None:
        raise Refused(Reason.NO_ROOT)
    if key not in trust.certificates:
        raise Refused(Reason.UNKNOWN_KEY)
    return trust.certificates[key]


def holders(key: bytes, trust: Trust, moment: Moment) -> tuple[Holder, ...]:
    """What this key is at this moment, at least one; Refused as holder()."""
    certificates = known(key, trust)
    if moment.estimate is not None:
        certificates = tuple(newest(certificates, moment.estimate))
    faults = [(fault(certificate, trust, moment), certificate) for certificate in certificates]
    good = tuple(Holder(certificate) for wrong, certificate in faults if wrong is None)
    if not good:
        raise Refused(min((wrong for wrong, _ in faults if wrong), key=FAULTS.index))
    return good


def newest(certificates: Collection[Certificate], estimate: Estimate) -> Iterator[Certificate]:
    """Of each issuer the certificate that counts now: the highest serial that has begun.

    So a person who was made a plain volunteer again is no verifier by the older certificate.
    """
    best: dict[bytes, Certificate] = {}
    for one in sorted(certificates, key=lambda c: (has_begun(c, estimate), c.serial)):
        best[one.issuer] = one
    yield from best.values()


def has_begun(certificate: Certificate, estimate: Estimate) -> bool:
    """Only a clock that is sure can say that it has not."""
    return not is_sure(estimate) or estimate.unix_s + BEGUN_EARLY_S >= day_s(certificate.from_day)


def fault(certificate: Certificate, trust: Trust, moment: Moment) -> Reason | None:
    """Why this certificate, or the district's above it, does not hold at this moment."""
    if is_revoked(certificate, trust, moment):
        return Reason.REVOKED
    if is_suspended(certificate.key, trust, moment):
        return Reason.SUSPENDED
    if is_over(certificate, moment):
        return Reason.CERT_EXPIRED
    if certificate.role is Role.DISTRICT:
        return None
    above = [fault(one, trust, moment) for one in trust.certificates[certificate.issuer]]
    return None if None in above else above[0]


def is_revoked(certificate: Certificate, trust: Trust, moment: Moment) -> bool:
    """Now: on a list at all, for a thief can write any date. As kept: doubtful at that minute."""
    district = certificate.key if certificate.role is Role.DISTRICT else certificate.issuer
    since_day = trust.revoked.get((district, signing.key_id(certificate.key)))
    if since_day is None:
        return False
    if moment.estimate is not None:
        return True
    return moment.doubt_min is not None and moment.doubt_min // DAY_MINUTES >= since_day


def is_suspended(key: bytes, trust: Trust, moment: Moment) -> bool:
    """Now: until the time floor says that it is over. As kept: made meanwhile."""
    return any(
        is_active(one, moment.estimate)
        if moment.estimate is not None
        else one.from_s <= made_s(moment.made_min) < one.until_s
        for one in trust.suspensions
        if one.key == key
    )


def is_active(suspension: Suspension, estimate: Estimate) -> bool:
    """One from the future does not count where the time is known: its maker's clock is wrong."""
    if is_sure(estimate) and estimate.unix_s + EARLY_S < suspension.from_s:
        return False
    return estimate.floor_s < suspension.until_s


def is_over(certificate: Certificate, moment: Moment) -> bool:
    """Ended by the time floor, not begun by a sure clock, or the document itself says later."""
    end_s = day_s(certificate.to_day + 1)
    if made_s(moment.made_min) >= end_s:
        return True
    if moment.estimate is None:
        return False
    return moment.estimate.floor_s >= end_s or not has_begun(certificate, moment.estimate)
