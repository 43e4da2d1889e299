"""What the signatures under a bulletin are worth at this node.

    nobody but the author ................................................. WAITING
    an approval by another person who may, and besides at least one of
      that person signed with an own key ................................. VERIFIED
      this very gateway heard it from that person's radio ................ VERIFIED (here)
      two different gateways heard approvals of other persons ............ VERIFIED
      the district or its hub countersigned .............................. VERIFIED
    an approval by another person who may, but all by the word of one
      other gateway ...................................................... VIA_POST (its name)

Author, approver and every gateway that attests must be certified for the bulletin's area. A notice
(BELUM DICEK) is never more than WAITING.

Why so: whoever has stolen ONE gateway can make it say that anybody's radio approved anything. So a
word of one gateway about approvals never suffices elsewhere, whoever wrote the draft: a true draft
that was never approved may have been kept for that day. The reverse is harmless: a made-up draft
still needs a true approval of exactly these words. At home its own word is good: if this gateway is
stolen, what it shows is the thief's anyway. The district's key replaces no person, and one person
with two radios is one person, but one whom two gateways heard has really spoken.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from kimnode.errors import Refused
from kimnode.record import Kind
from kimnode.rules.trust import PERSONS, Holder, Standing, StandingState, Trust, was_allowed
from kimnode.wire.codes import Form, Mode
from kimnode.wire.documents import Bulletin, Vote

WORTH = (StandingState.WAITING, StandingState.VIA_POST, StandingState.VERIFIED)
WAITING = Standing(StandingState.WAITING)


@dataclass(frozen=True, slots=True)
class _Approval:
    vote: Vote
    who: Holder

    @property
    def is_person(self) -> bool:
        return self.who.role in PERSONS


def standing(
    bulletin: Bulletin, approvals: Iterable[Vote], trust: Trust, here: bytes | None
) -> Standing:
    """What the bulletin is worth at the gateway `here` (its key; None: at no gateway).

    All are documents that are in the log; every signature is verified again.
    """
    return _standing(bulletin, approvals, trust, here, {})


def doubtful(
    bulletin: Bulletin,
    approvals: Collection[Vote],
    trust: Trust,
    here: bytes | None,
    received_min: Mapping[bytes, int],
) -> bool:
    """DIPERIKSA ULANG: whether it would be worth more if nobody had been revoked.

    received_min  id of the bulletin or approval -> minute at which it came here. What came since
                  the day from which a key is doubtful is doubtful too: its date may be invented.
    """
    as_was = _standing(bulletin, approvals, trust, here, None)
    if as_was.state is StandingState.WAITING:
        return False
    as_is = _standing(bulletin, approvals, trust, here, received_min)
    return WORTH.index(as_is.state) < WORTH.index(as_was.state)


def _standing(
    bulletin: Bulletin,
    approvals: Iterable[Vote],
    trust: Trust,
    here: bytes | None,
    received_min: Mapping[bytes, int] | None,
) -> Standing:
    author = _holder(bulletin, bulletin, trust, received_min)
    if author is None or bulletin.form is Form.NOTICE:
        return WAITING
    counted = [
        _Approval(vote, who)
        for vote in approvals
        if vote.kind is Kind.APPROVAL
        and vote.subject == bulletin.id
        and (who := _holder(vote, bulletin, trust, received_min)) is not None
        and who.person != author.person
        and who.key != author.key
    ]
    persons = [one for one in counted if one.is_person]
    if not persons:
        return WAITING
    if len(counted) > len(persons) or any(_is_sure(one.vote, here) for one in persons):
        return Standing(StandingState.VERIFIED)
    posts = {_post(one.vote, trust) for one in persons}
    if len(posts) > 1:
        return Standing(StandingState.VERIFIED)
    first = min(persons, key=lambda one: (one.vote.stamp.made_min, one.vote.id))
    return Standing(StandingState.VIA_POST, first.vote.stamp.signer)


def _holder(
    document: Bulletin | Vote,
    bulletin: Bulletin,
    trust: Trust,
    received_min: Mapping[bytes, int] | None,
) -> Holder | None:
    """Who wanted it, if that counts. `received_min` None: as if nobody had been revoked."""
    doubt_min = None
    if received_min is not None:
        made_min = document.stamp.made_min
        doubt_min = max(made_min, received_min.get(document.id, made_min))
    try:
        return was_allowed(document, bulletin.area, trust, doubt_min)
    except Refused:
        return None


def _is_sure(vote: Vote, here: bytes | None) -> bool:
    """Nobody but that person, or this gateway itself, can have made it up."""
    return vote.stamp.mode is Mode.DIRECT or vote.stamp.signer == here


def _post(vote: Vote, trust: Trust) -> tuple[int, str]:
    """The post by area and name: a gateway that was given a new key is no second witness."""
    certificate = trust.certificates[vote.stamp.signer][-1]
    return certificate.area, certificate.name.casefold()
