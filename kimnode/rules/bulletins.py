"""The life of a bulletin, as one table. Unlisted = nothing happens, and nobody may do it.

A draft IS a bulletin that waits; approvals, rejections, corrections and withdrawals are documents
about it. Nodes hear them in any order, so the state is computed from all that is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kimnode.rules.trust import Standing, StandingState, covers
from kimnode.wire.codes import Form
from kimnode.wire.documents import ABOUT_BYTES, Bulletin

MIN_PINNED_DAYS = 7  # a correction stays in sight at least so long
REPLY_DAYS = 7  # right of reply: pages say for so long how to object


class BulletinState(StrEnum):
    """What a bulletin is at this node."""

    WAITING = "waiting"  # for the second person: nobody is shown it as verified
    NOTICE = "notice"  # BELUM DICEK
    VIA_POST = "via-post"  # two persons by the word of one other gateway
    VERIFIED = "verified"
    REJECTED = "rejected"  # by a verifier, taken back by its author, or nobody agreed in time
    CORRECTED = "corrected"  # a newer word stands in its place, for ever
    WITHDRAWN = "withdrawn"  # text is kept, struck through
    EXPIRED = "expired"  # was published


class Step(StrEnum):
    """What happens to a bulletin."""

    DOUBT = "doubt"  # author or approver does not count (yet, or any more)
    NOTIFY = "notify"  # one verifier's signature under a notice counts
    POST = "post"  # a second person, by the word of another gateway
    VERIFY = "verify"  # a second person, by an independent key
    REJECT = "reject"
    CORRECT = "correct"  # a correction, or the answer to a notice, is verified
    RETRACT = "retract"
    EXPIRE = "expire"


_S, _T = BulletinState, Step
STEPS: dict[tuple[BulletinState, Step], BulletinState] = {
    (_S.WAITING, _T.NOTIFY): _S.NOTICE,
    (_S.WAITING, _T.POST): _S.VIA_POST,
    (_S.WAITING, _T.VERIFY): _S.VERIFIED,
    (_S.WAITING, _T.REJECT): _S.REJECTED,
    (_S.WAITING, _T.CORRECT): _S.CORRECTED,
    (_S.WAITING, _T.RETRACT): _S.WITHDRAWN,
    (_S.WAITING, _T.EXPIRE): _S.REJECTED,  # nobody agreed in time: it never was public, nor will be
    (_S.NOTICE, _T.DOUBT): _S.WAITING,
    (_S.NOTICE, _T.CORRECT): _S.CORRECTED,
    (_S.NOTICE, _T.RETRACT): _S.WITHDRAWN,
    (_S.NOTICE, _T.EXPIRE): _S.EXPIRED,
    (_S.VIA_POST, _T.DOUBT): _S.WAITING,
    (_S.VIA_POST, _T.VERIFY): _S.VERIFIED,
    (_S.VIA_POST, _T.CORRECT): _S.CORRECTED,
    (_S.VIA_POST, _T.RETRACT): _S.WITHDRAWN,
    (_S.VIA_POST, _T.EXPIRE): _S.EXPIRED,
    (_S.VERIFIED, _T.DOUBT): _S.WAITING,
    (_S.VERIFIED, _T.POST): _S.VIA_POST,
    (_S.VERIFIED, _T.CORRECT): _S.CORRECTED,
    (_S.VERIFIED, _T.RETRACT): _S.WITHDRAWN,
    (_S.VERIFIED, _T.EXPIRE): _S.EXPIRED,
    # Two persons elsewhere against one here: what is published is undone by two persons only.
    (_S.REJECTED, _T.DOUBT): _S.WAITING,  # and then REJECT, if a rejection still counts
    (_S.REJECTED, _T.POST): _S.VIA_POST,
    (_S.REJECTED, _T.VERIFY): _S.VERIFIED,
    (_S.REJECTED, _T.CORRECT): _S.CORRECTED,
    (_S.REJECTED, _T.RETRACT): _S.WITHDRAWN,
    # It was seen while it held: who saw it must learn what was wrong.
    (_S.EXPIRED, _T.CORRECT): _S.CORRECTED,
    (_S.EXPIRED, _T.RETRACT): _S.WITHDRAWN,
    (_S.CORRECTED, _T.RETRACT): _S.WITHDRAWN,
}
# These only happen when news from other posts comes late or crosses ours; nobody here may do them.
FROM_ELSEWHERE = {
    (_S.WAITING, _T.CORRECT),
    (_S.WAITING, _T.RETRACT),
    (_S.REJECTED, _T.POST),
    (_S.REJECTED, _T.VERIFY),
    (_S.REJECTED, _T.CORRECT),
    (_S.REJECTED, _T.RETRACT),
}
PUBLISHED = frozenset({_S.NOTICE, _S.VIA_POST, _S.VERIFIED, _S.CORRECTED, _S.WITHDRAWN})
STEP_OF_STANDING = {
    StandingState.WAITING: Step.DOUBT,
    StandingState.VIA_POST: Step.POST,
    StandingState.VERIFIED: Step.VERIFY,
}
REPLACES = {
    Form.CHECK: Step.CORRECT,  # a notice by its answer
    Form.CORRECTION: Step.CORRECT,
    Form.RETRACTION: Step.RETRACT,
}


def step(state: BulletinState, happened: Step) -> BulletinState:
    """The state after it; the same state when the table does not list the pair."""
    return STEPS.get((state, happened), state)


def may(state: BulletinState, wanted: Step) -> bool:
    """Whether somebody at this node may do this to a bulletin in this state."""
    return (state, wanted) in STEPS and (state, wanted) not in FROM_ELSEWHERE


def printable() -> str:
    """STEPS as a text table for the manual: one line a pair, by state."""
    width = max(len(s) for s in BulletinState)
    lines = [
        f"{state:<{width}}  {happened:<8} -> {STEPS[state, happened]:<{width}}"
        f"{'  (news from another post)' if (state, happened) in FROM_ELSEWHERE else ''}".rstrip()
        for state in BulletinState
        for happened in Step
        if (state, happened) in STEPS
    ]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Replacement:
    """A bulletin about an earlier one, and how it stands itself."""

    bulletin: Bulletin
    standing: Standing


@dataclass(frozen=True, slots=True)
class Facts:
    """All that decides about one bulletin's state.

    standing     with the approvals that count
    notice       a notice whose one signature counts
    rejected     a rejection counts
    """

    standing: Standing
    notice: bool
    rejected: bool
    replacements: Sequence[Replacement]
    expired: bool


def settle(before: BulletinState, bulletin: Bulletin, facts: Facts) -> BulletinState:
    """The state now. `before`: what it was here; WAITING for one that is new.

    Only what is for ever is taken from `before`: the rest is built up again from the facts.
    """
    happened = [Step.DOUBT]
    if bulletin.form is not Form.NOTICE:
        happened.append(STEP_OF_STANDING[facts.standing.state])
    elif facts.notice:  # whatever was voted: never with the badge of a verified one
        happened.append(Step.NOTIFY)
    if facts.rejected:
        happened.append(Step.REJECT)
    replaced = [
        REPLACES[r.bulletin.form]
        for r in facts.replacements
        if replaces(r, bulletin, facts.standing)
    ]
    happened += sorted(replaced)  # CORRECT before RETRACT
    if facts.expired:
        happened.append(Step.EXPIRE)
    state = before
    for one in happened:
        state = step(state, one)
    return state


def replaces(newer: Replacement, old: Bulletin, standing: Standing) -> bool:
    """Whether the newer bulletin takes the old one's place.

    A verified word is undone by a verified word only; what stands by the word of one gateway also
    by the same gateway's word. Else a stolen gateway could silence what others have verified.
    """
    about = newer.bulletin
    fits = (
        about.about == old.id[:ABOUT_BYTES]
        and about.demo == old.demo
        and covers(about.area, old.area)
        and about.form in REPLACES
        and (about.form is not Form.CHECK or old.form is Form.NOTICE)
    )
    if not fits:
        return False
    if newer.standing.state is StandingState.VERIFIED:
        return True
    same_post = newer.standing.via_post == standing.via_post
    by_post = newer.standing.state is StandingState.VIA_POST
    return by_post and standing.state is StandingState.VIA_POST and same_post
