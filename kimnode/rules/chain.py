"""The trust documents: what may enter now, and what a log of them adds up to.

`check_trust_document` is the gate. `build` trusts nobody, the gate neither: a row that was written
into the database by hand counts only when it verifies, and else is as if it were not there.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeVar

from kimnode.errors import Reason, Refused
from kimnode.rules import suspension
from kimnode.rules.clock import Estimate
from kimnode.rules.roots import OWN, check_district, check_root, is_replaced, signers
from kimnode.rules.trust import (
    CAPABILITIES,
    EARLY_S,
    PERSONS,
    Capability,
    Moment,
    Trust,
    covers,
    day_s,
    holders,
    is_revoked,
    is_sure,
    known,
    made_s,
)
from kimnode.wire import signing
from kimnode.wire.codes import KeyType, Role
from kimnode.wire.documents import (
    AnyDocument,
    Certificate,
    Receipt,
    Revocation,
    Root,
    TimeAnchor,
    Vote,
    is_signed_by,
)
from kimnode.wire.times import DAY_S

T = TypeVar("T")
K = TypeVar("K", Certificate, Revocation)
TrustDocument = Root | Certificate | Revocation | TimeAnchor | Receipt | Vote

LONGEST_DAYS = {
    Role.DISTRICT: 1095,
    Role.HUB: 90,
    Role.GATEWAY: 400,
    Role.VOLUNTEER: 400,
    Role.VERIFIER: 400,
    Role.CHAIR: 400,
}
MAX_DISTRICTS = 64  # certificates; a province has up to 38 districts
MAX_PER_ISSUER = 2000  # certificates: 100 desa with ten people, their two keys
MAX_PER_KEY = 16  # certificates of one key: it is renewed once a year
MAX_PER_HINT = 4  # keys that share their 6-byte id; by chance there are never two
MAX_JUMP = 1000  # list numbers at once
MINUTES_PER_NUMBER = 60  # on average since 2025: no list number can be used up for ever
WARN_DAYS = 14  # a list older than this is told to people
BLOCK_DAYS = 45  # and then nobody new is believed; those who are known go on


@dataclass(frozen=True, slots=True)
class Heard:
    """A trust document of the log, and the unix second at which it came here."""

    document: AnyDocument
    heard_s: int


@dataclass(frozen=True, slots=True)
class Built:
    """What the documents add up to.

    verified  certificates and lists whose signatures are right: for the next build()
    ignored   how many documents of the log count for nothing
    """

    trust: Trust
    verified: frozenset[AnyDocument]
    ignored: int


def check_trust_document(
    document: TrustDocument, trust: Trust, estimate: Estimate, pinned_root_id: bytes | None
) -> None:
    """Refused(reason) unless this document may enter now."""
    match document:
        case Root():
            check_root(document, trust.roots, pinned_root_id)
        case Certificate():
            _check_new_certificate(document, trust, estimate)
        case Revocation():
            _check_new_list(document, trust, estimate)
        case TimeAnchor():
            _check_signed(document, document.issuer, Capability.TIME, trust, estimate)
        case Receipt():
            _check_signed(document, document.signer, Capability.RECEIPT, trust, estimate)
        case Vote():
            suspension.check_suspension(document, trust, estimate)


def list_age_days(district: bytes, trust: Trust, estimate: Estimate) -> int:
    """Age in days of the newest revocation list of this district or its hubs, by a sure clock or
    else by the time floor. Without any list: age of the district's certificate, so that a district
    can begin, but nobody can hide its lists from a new node for long.
    """
    made = [made_s(one.made_min) for one in trust.revocations if one.issuer == district]
    hubs = {c[-1].key for c in trust.certificates.values() if c[-1].issuer == district}
    made += [made_s(one.made_min) for one in trust.revocations if one.issuer in hubs]
    first = [day_s(one.from_day) for one in trust.certificates.get(district, ())]
    now_s = estimate.unix_s if is_sure(estimate) else estimate.floor_s
    return max(now_s - max(made or first, default=now_s), 0) // DAY_S


def _check_signed(
    document: TimeAnchor | Receipt, key: bytes, right: Capability, trust: Trust, estimate: Estimate
) -> None:
    if not signing.verify(key, document.signature, document.signed()):
        raise Refused(Reason.BAD_SIGNATURE)
    moment = Moment(estimate, document.made_min)
    if not any(who.may(right) for who in holders(key, trust, moment)):
        raise Refused(Reason.WRONG_ROLE)


# -- certificates ---------------------------------------------------------------------------------


def _check_new_certificate(one: Certificate, trust: Trust, estimate: Estimate) -> None:
    before = trust.certificates.get(one.key, ())
    _check_certificate(one, trust, ())
    if one in before:
        return
    _check_time(one, trust.roots[-1], estimate)
    if any(c.issuer == one.issuer and c.serial >= one.serial for c in before):
        raise Refused(Reason.OUTDATED, "a newer certificate of this key is known")
    _check_room(one, before, trust)
    district = one.key if one.role is Role.DISTRICT else one.issuer
    if (district, signing.key_id(one.key)) in trust.revoked:
        raise Refused(Reason.REVOKED)
    if one.role is Role.DISTRICT:
        others = [c for kept in trust.certificates.values() for c in kept]
        if is_replaced(one, others, trust.roots):
            raise Refused(Reason.OUTDATED, "a newer root has certified this area anew")
        return
    holders(one.issuer, trust, Moment(estimate))
    if not before and list_age_days(district, trust, estimate) > BLOCK_DAYS:
        raise Refused(Reason.OUTDATED, "the revocation list is too old to believe anybody new")


def _check_certificate(one: Certificate, trust: Trust, verified: Collection[AnyDocument]) -> None:
    """What holds at any time: form, signatures, areas, one person a key."""
    days = one.to_day - one.from_day + 1
    if not 1 <= days <= LONGEST_DAYS[one.role]:
        raise Refused(Reason.WRONG_FORM, f"{days} days; {LONGEST_DAYS[one.role]} are allowed")
    if one.role is Role.DISTRICT:
        check_district(one, trust.roots)
    else:
        _check_issued(one, trust, verified)
    for other in trust.certificates.get(one.key, ()):
        if _owner(other) != _owner(one):
            raise Refused(Reason.WRONG_FORM, "this key is somebody else's already")


def _owner(one: Certificate) -> tuple[int, KeyType, Role | None]:
    """Of a key, for ever: a person may change role, a machine may not."""
    return one.person, one.key_type, None if one.role in PERSONS else one.role


def _check_issued(one: Certificate, trust: Trust, verified: Collection[AnyDocument]) -> None:
    districts = [c for c in known(one.issuer, trust) if c.role is Role.DISTRICT]
    if not districts:
        raise Refused(Reason.WRONG_ROLE, "its issuer is no district")
    person = one.role in PERSONS
    if person != bool(one.person) or (one.key_type is KeyType.RADIO and not person):
        raise Refused(Reason.WRONG_FORM, "person, key and role do not fit")
    if not any(covers(district.area, one.area) for district in districts):
        raise Refused(Reason.WRONG_AREA)
    if one in verified:
        return
    if len(one.marks) != 1 or not signers(one, one.marks, (one.issuer,), OWN):
        raise Refused(Reason.BAD_SIGNATURE)


def _check_time(one: Certificate, root: Root, estimate: Estimate) -> None:
    if estimate.floor_s >= day_s(one.to_day + 1):
        raise Refused(Reason.CERT_EXPIRED)
    if one.role is Role.DISTRICT and estimate.floor_s >= day_s(root.to_day + 1):
        raise Refused(Reason.CERT_EXPIRED, "the root is over: it certifies nobody new")


def _check_room(one: Certificate, before: Sequence[Certificate], trust: Trust) -> None:
    every = [c for kept in trust.certificates.values() for c in kept]
    most = MAX_DISTRICTS if one.role is Role.DISTRICT else MAX_PER_ISSUER
    if one.role is Role.DISTRICT:
        same_issuer = sum(c.role is Role.DISTRICT for c in every)
    else:
        same_issuer = sum(c.issuer == one.issuer for c in every)
    sharing = trust.hints.get(signing.key_id(one.key), ())
    if (
        same_issuer >= most
        or len(before) >= MAX_PER_KEY
        or (not before and len(sharing) >= MAX_PER_HINT)
    ):
        raise Refused(Reason.NO_ROOM)


# -- revocation lists -----------------------------------------------------------------------------


def _check_new_list(one: Revocation, trust: Trust, estimate: Estimate) -> None:
    _check_list(one, trust, ())
    holders(one.issuer, trust, Moment(estimate, one.made_min))
    before = next((r for r in trust.revocations if r.issuer == one.issuer), None)
    if before is not None and one.id != before.id:
        if one.number <= before.number:
            raise Refused(Reason.OUTDATED, f"list {before.number} is known")
        if one.number > before.number + MAX_JUMP:
            raise Refused(Reason.JUMPED)
    if is_sure(estimate) and made_s(one.made_min) > estimate.unix_s + EARLY_S:
        raise Refused(Reason.JUMPED, "it is dated in the future")


def _check_list(one: Revocation, trust: Trust, verified: Collection[AnyDocument]) -> None:
    """What holds at any time: who may, the signature, and a number that is not out of this world.

    A thief of a hub's key could use up the last number, so that nobody can revoke any more. With
    at most one an hour since 2025 the true one is ahead again an hour later.
    """
    issuer = known(one.issuer, trust)[-1]
    if Capability.REVOKE not in CAPABILITIES[issuer.role]:
        raise Refused(Reason.WRONG_ROLE)
    if one not in verified and not is_signed_by(one, one.issuer):
        raise Refused(Reason.BAD_SIGNATURE)
    if not 1 <= one.number <= one.made_min // MINUTES_PER_NUMBER:
        raise Refused(Reason.JUMPED)
    above = signing.key_id(issuer.issuer)
    if issuer.role is Role.HUB and any(hint == above for hint, _ in one.entries):
        raise Refused(Reason.WRONG_ROLE, "a hub does not revoke its district")


# -- a whole log ----------------------------------------------------------------------------------


def build(
    documents: Sequence[Heard],
    pinned_root_id: bytes | None,
    verified: Collection[AnyDocument] = (),
) -> Built:
    """What is to be believed, from a log of documents in the order in which they came.

    Whether they are over is not asked here: that is for each look (trust.py).
    verified  documents whose own signature was found right before, to save the time
    """
    roots = _roots(_only(Root, documents), pinned_root_id)
    trust = Trust(roots=roots)
    if not roots:
        return Built(trust, frozenset(), len(documents))
    certificates = _certificates(_only(Certificate, documents), trust, verified)
    hints: dict[bytes, tuple[bytes, ...]] = {}
    for key in certificates:
        hint = signing.key_id(key)
        hints[hint] = (*hints.get(hint, ()), key)
    trust = replace(
        trust, certificates=MappingProxyType(certificates), hints=MappingProxyType(hints)
    )
    trust, lists = _with_lists(trust, _only(Revocation, documents), verified)
    votes = [(h.document, h.heard_s) for h in documents if isinstance(h.document, Vote)]
    cast = suspension.count(votes, trust)
    trust = replace(trust, votes=cast, suspensions=suspension.suspensions(cast))
    good: set[AnyDocument] = {*lists, *(one for kept in certificates.values() for one in kept)}
    ignored = len(documents) - len(roots) - len(good) - len(cast)
    return Built(trust, frozenset(good), ignored)


def _only(kind: type[T], documents: Iterable[Heard]) -> list[T]:
    return [one.document for one in documents if isinstance(one.document, kind)]


def _roots(found: list[Root], pinned_root_id: bytes | None) -> tuple[Root, ...]:
    """The pinned root, back by hash and forward by signatures, in whatever order they came."""
    roots: tuple[Root, ...] = ()
    while taken := next((root for root in found if _follows(root, roots, pinned_root_id)), None):
        roots = tuple(sorted((*roots, taken), key=lambda root: root.version))
    return roots


def _follows(root: Root, roots: tuple[Root, ...], pinned_root_id: bytes | None) -> bool:
    try:
        check_root(root, roots, pinned_root_id)
    except Refused:
        return False
    return True


def _certificates(
    found: list[Certificate], trust: Trust, verified: Collection[AnyDocument]
) -> dict[bytes, tuple[Certificate, ...]]:
    """Key -> certificates; districts first, whatever the order in which they came."""
    districts = [one for one in found if one.role is Role.DISTRICT]
    districts = [one for one in districts if not _fault(_check_certificate, one, trust, ())]
    districts = [one for one in districts if not is_replaced(one, districts, trust.roots)]
    kept: dict[bytes, tuple[Certificate, ...]] = {}
    growing = replace(trust, certificates=MappingProxyType(kept))
    for one in (*districts, *(one for one in found if one.role is not Role.DISTRICT)):
        if one.role is Role.DISTRICT or not _fault(_check_certificate, one, growing, verified):
            kept[one.key] = (*kept.get(one.key, ()), one)
    return kept


def _with_lists(
    trust: Trust, found: list[Revocation], verified: Collection[AnyDocument]
) -> tuple[Trust, list[Revocation]]:
    """The districts' newest lists, then the hubs' by what the districts say about the hubs."""
    good = [one for one in found if not _fault(_check_list, one, trust, verified)]
    by_role = {
        role: [r for r in good if _role(r, trust) is role] for role in (Role.DISTRICT, Role.HUB)
    }
    for lists in by_role.values():
        newest: dict[bytes, Revocation] = {}
        for one in sorted(lists, key=lambda r: r.number):
            if not _is_doubtful(one, trust):
                newest[one.issuer] = one
        trust = _with(trust, newest.values())
    return trust, good


def _role(one: Revocation, trust: Trust) -> Role:
    return trust.certificates[one.issuer][-1].role


def _is_doubtful(one: Revocation, trust: Trust) -> bool:
    """Whether it was made by a hub since the day from which the hub's key is doubtful. What a hub
    revoked before stays revoked."""
    issuer = trust.certificates[one.issuer][-1]
    moment = Moment(made_min=one.made_min, doubt_min=one.made_min)
    return issuer.role is Role.HUB and is_revoked(issuer, trust, moment)


def _with(trust: Trust, lists: Iterable[Revocation]) -> Trust:
    revoked = dict(trust.revoked)
    lists = tuple(lists)
    for one in lists:
        issuer = trust.certificates[one.issuer][-1]
        district = issuer.key if issuer.role is Role.DISTRICT else issuer.issuer
        for hint, day in one.entries:
            revoked[district, hint] = min(day, revoked.get((district, hint), day))
    return replace(
        trust, revoked=MappingProxyType(revoked), revocations=(*trust.revocations, *lists)
    )


def _fault(
    check: Callable[[K, Trust, Collection[AnyDocument]], None],
    document: K,
    trust: Trust,
    verified: Collection[AnyDocument],
) -> bool:
    try:
        check(document, trust, verified)
    except Refused:
        return True
    return False
