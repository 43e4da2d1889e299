"""The emergency brake: two persons of a desa freeze a key for 72 hours, without the district.

It may be pulled by whoever has the right, so it is bounded: one vote of a person in 30 days, none
by who is suspended or revoked. It can only take away. A stolen gateway can misuse it until it is
revoked, and then what it attested, its votes too, counts no more.
"""

from collections.abc import Iterable
from contextlib import suppress

from kimnode.errors import Reason, Refused
from kimnode.rules.clock import Estimate
from kimnode.rules.trust import (
    EARLY_S,
    PERSONS,
    VOTE_RIGHTS,
    Cast,
    Holder,
    Moment,
    Suspension,
    Trust,
    allowed,
    is_sure,
    is_suspended,
    known,
    made_s,
    was_allowed,
)
from kimnode.wire.codes import Role, TimeTrust
from kimnode.wire.documents import Certificate, Vote

SUSPENDED_S = 72 * 3600
QUOTA_S = 30 * 86_400  # one vote of a person in this time
SUSPENDABLE = PERSONS | {Role.GATEWAY}


def check_suspension(vote: Vote, trust: Trust, estimate: Estimate) -> Holder:
    """Who votes, if the vote may enter now.

    Refused(UNKNOWN_SUBJECT, WRONG_ROLE, SAME_PERSON, VOTED, OUTDATED, JUMPED, SUSPENDED or as
    trust.check_stamp).
    """
    moment = Moment(estimate, vote.stamp.made_min)
    subject = subject_of(vote, trust)
    who = allowed(vote, VOTE_RIGHTS[vote.kind], subject.area, trust, moment)
    check_pair(vote, who.person, subject)
    if any(is_suspended(key, trust, moment) for key in keys_of(who.person, trust)):
        raise Refused(Reason.SUSPENDED, "a person with a suspended key does not suspend")
    at_s = starts_s(vote, estimate.unix_s)
    check_quota(vote, who.person, at_s, trust.votes)
    if at_s + SUSPENDED_S <= estimate.floor_s:
        raise Refused(Reason.OUTDATED, "it would be over already")
    if is_sure(estimate) and at_s > estimate.unix_s + EARLY_S:
        raise Refused(Reason.JUMPED, "it is dated in the future")
    return who


def count(votes: Iterable[tuple[Vote, int]], trust: Trust) -> tuple[Cast, ...]:
    """The votes of the log that count, in its order.

    votes  with the unix second at which each came here
    """
    cast: tuple[Cast, ...] = ()
    for vote, heard_s in votes:
        with suppress(Refused):
            cast = (*cast, _counted(vote, heard_s, trust, cast))
    return cast


def _counted(vote: Vote, heard_s: int, trust: Trust, before: tuple[Cast, ...]) -> Cast:
    subject = subject_of(vote, trust)
    who = was_allowed(vote, subject.area, trust, vote.stamp.made_min)
    check_pair(vote, who.person, subject)
    at_s = starts_s(vote, heard_s)
    check_quota(vote, who.person, at_s, before)
    keys = {*keys_of(who.person, trust), vote.stamp.signer}
    if any(one.from_s <= at_s < one.until_s and one.key in keys for one in suspensions(before)):
        raise Refused(Reason.SUSPENDED)
    return Cast(vote, who.person, at_s)


def suspensions(cast: Iterable[Cast]) -> tuple[Suspension, ...]:
    """What the votes add up to: two persons about one key, not longer apart than it lasts."""
    found = []
    earlier: list[Cast] = []
    for one in cast:
        partner = next((other for other in earlier if _together(one, other)), None)
        if partner is None:
            earlier.append(one)
            continue
        earlier.remove(partner)
        from_s = max(one.at_s, partner.at_s)
        found.append(Suspension(one.vote.subject, from_s, from_s + SUSPENDED_S))
    return tuple(found)


def _together(one: Cast, other: Cast) -> bool:
    return (
        one.vote.subject == other.vote.subject
        and one.person != other.person
        and abs(one.at_s - other.at_s) < SUSPENDED_S
    )


def subject_of(vote: Vote, trust: Trust) -> Certificate:
    """The certificate that is to be suspended; Refused(NO_ROOT, UNKNOWN_SUBJECT, WRONG_ROLE)."""
    try:
        subject = known(vote.subject, trust)[-1]
    except Refused as refused:
        if refused.reason is Reason.UNKNOWN_KEY:
            raise Refused(Reason.UNKNOWN_SUBJECT) from refused
        raise
    if subject.role not in SUSPENDABLE:
        raise Refused(Reason.WRONG_ROLE, "only the province or the district may do that")
    return subject


def check_pair(vote: Vote, person: int, subject: Certificate) -> None:
    """Nobody suspends himself, and no gateway speaks for those who suspend it: it could make up
    that they did, to be rid of the one who really will."""
    if person == subject.person or vote.stamp.signer == subject.key:
        raise Refused(Reason.SAME_PERSON)


def check_quota(vote: Vote, person: int, at_s: int, cast: Iterable[Cast]) -> None:
    """Refused(VOTED) when this person has another vote within QUOTA_S."""
    for one in cast:
        if one.person == person and one.vote.id != vote.id and abs(one.at_s - at_s) < QUOTA_S:
            raise Refused(Reason.VOTED)


def keys_of(person: int, trust: Trust) -> list[bytes]:
    """Every key that was ever certified for this person."""
    every = trust.certificates.items()
    return [key for key, certificates in every if certificates[-1].person == person]


def starts_s(vote: Vote, heard_s: int) -> int:
    """From when a vote counts: as it says, or when it was heard if its maker did not know the time
    (a gateway that was off for four days would suspend for minus one)."""
    said_s = made_s(vote.stamp.made_min)
    return max(said_s, heard_s) if vote.stamp.trust is TimeTrust.UNSURE else said_s
