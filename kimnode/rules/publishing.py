"""What a bulletin and a vote must be to enter the log, whichever road they come by.

Forms and numbers are judged here, keys and roles by rules/trust.py. Nothing is refused for its age:
a clock may be wrong, and what is over is shown as over (rules/bulletins.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kimnode.errors import Reason, Refused
from kimnode.record import Kind
from kimnode.rules import trust as trusts
from kimnode.rules.bulletins import MIN_PINNED_DAYS, BulletinState, Step, may
from kimnode.rules.clock import Estimate
from kimnode.rules.text import clean_text
from kimnode.rules.trust import Capability, Holder, Moment, Trust, covers
from kimnode.wire.codes import Form, HoaxType, Topic, Verdict
from kimnode.wire.documents import (
    MAX_CLAIM_CHARS,
    MAX_SOURCE_CHARS,
    MAX_TEXT_CHARS,
    Bulletin,
    Dossier,
    Vote,
)

UNITS_A_DAY = 4  # expires_6h
MIN_SOURCES, MIN_PRIMARY = 2, 1
MIN_REASON_CHARS = 15  # what was wrong, or what to do now: a word alone tells neither
MAX_VOTES_EACH = 4  # of one person by one signer about one bulletin
MAX_VOTES = 64  # about one bulletin
MAX_DRAFTS = 20  # of one key that wait: a stolen radio must not fill the queue
# Of one signer, a post or a person's own key: who has stolen it must fill neither board nor card.
MAX_NOTICES = 10  # in force: one person may publish them alone
MAX_UNCONFIRMED = 200  # from elsewhere: their approvals may come last
DESA_END = 10_000  # the last four digits of an area code are the desa

JUDGED = frozenset(Verdict) - {Verdict.NONE, Verdict.UNCHECKED}
FALSE_PARTS = frozenset({Verdict.HOAX, Verdict.DISINFORMATION, Verdict.PARTLY_TRUE})


@dataclass(frozen=True, slots=True)
class Shape:
    """What a form asks for. `about`: None = it may name an earlier bulletin, or not."""

    verdicts: frozenset[Verdict]
    about: bool | None
    min_days: int
    max_days: int
    reason: bool  # the text must tell something, not only a word


SHAPES = {
    Form.CHECK: Shape(JUDGED, about=None, min_days=0, max_days=30, reason=False),
    Form.INFO: Shape(frozenset({Verdict.NONE}), about=False, min_days=0, max_days=14, reason=False),
    Form.CORRECTION: Shape(
        JUDGED | {Verdict.NONE}, about=True, min_days=MIN_PINNED_DAYS, max_days=30, reason=True
    ),
    Form.RETRACTION: Shape(
        frozenset({Verdict.NONE}), about=True, min_days=MIN_PINNED_DAYS, max_days=30, reason=True
    ),
    # A verdict must follow, or it was no outbreak.
    Form.NOTICE: Shape(
        frozenset({Verdict.UNCHECKED}), about=False, min_days=0, max_days=3, reason=True
    ),
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A bulletin as its author wants it; numbers, time and keys are added when it is signed.

    about    whole 32-byte id of the bulletin that it corrects, withdraws or answers; b"" for none
    days     how long it holds; None: as long as its form may
    claim    the 3 of "K-3": the claim at this node that it answers, or None
    """

    form: Form
    text: str
    area: int
    topic: Topic = Topic.OTHER
    verdict: Verdict = Verdict.NONE
    hoax_type: HoaxType = HoaxType.NONE
    about: bytes = b""
    days: int | None = None
    dossier: Dossier | None = None
    claim: int | None = None

    @property
    def expires_6h(self) -> int:
        return (SHAPES[self.form].max_days if self.days is None else self.days) * UNITS_A_DAY


@dataclass(frozen=True, slots=True)
class About:
    """The earlier bulletin that a new one names, as it stands here."""

    bulletin: Bulletin
    state: BulletinState


def check_bulletin(
    bulletin: Bulletin,
    dossier: Dossier | None,
    about: About | None,
    trust: Trust,
    estimate: Estimate,
    local: bool,
) -> Holder:
    """Its author. Refused(reason) unless it may enter.

    `local`: written at this node, so that what it names must be here: its dossier, and the earlier
    bulletin in a state in which it may be replaced.
    """
    check_content(bulletin, dossier)
    if local and bulletin.dossier and dossier is None:
        raise Refused(Reason.NO_DOSSIER)
    author = trusts.author(bulletin, trust, estimate)
    if local and bulletin.about:
        _check_about(bulletin, about)
    return author


def check_content(bulletin: Bulletin, dossier: Dossier | None) -> None:
    """What it says, whoever signed it: form, sources, and that the dossier is the one it names."""
    check_form(bulletin)
    _check_sources(bulletin)
    if dossier is not None:
        _check_dossier(bulletin, dossier)


def check_form(bulletin: Bulletin) -> None:
    """Verdict, type, earlier bulletin, length of life and text as the form asks for."""
    shape = SHAPES[bulletin.form]
    if bulletin.verdict not in shape.verdicts:
        raise Refused(Reason.WRONG_FORM, f"{bulletin.form.name} with {bulletin.verdict.name}")
    if bulletin.hoax_type is not HoaxType.NONE and bulletin.verdict not in FALSE_PARTS:
        raise Refused(Reason.WRONG_FORM, f"{bulletin.verdict.name} has no hoax type")
    if shape.about is not None and shape.about != bool(bulletin.about):
        raise Refused(Reason.WRONG_FORM, f"{bulletin.form.name} and what it is about")
    if not max(shape.min_days * UNITS_A_DAY, 1) <= bulletin.expires_6h <= shape.max_days * 4:
        raise Refused(Reason.WRONG_FORM, f"{bulletin.form.name} holds at most {shape.max_days} d")
    if clean_text(bulletin.text, MAX_TEXT_CHARS) != bulletin.text:
        raise Refused(Reason.BAD_TEXT)
    if shape.reason and len(bulletin.text) < MIN_REASON_CHARS:
        raise Refused(Reason.WRONG_FORM, "the text does not say why")


def _check_sources(bulletin: Bulletin) -> None:
    if bulletin.verdict in JUDGED:
        if bulletin.sources < MIN_SOURCES:
            raise Refused(Reason.TOO_FEW_SOURCES, f"{bulletin.sources} of {MIN_SOURCES}")
        if bulletin.primary < MIN_PRIMARY:
            raise Refused(Reason.NO_PRIMARY_SOURCE)
    if bulletin.primary > bulletin.sources:
        raise Refused(Reason.TOO_FEW_SOURCES, "more first-hand sources than sources")
    if bulletin.sources and not bulletin.dossier:
        raise Refused(Reason.NO_DOSSIER)


def _check_dossier(bulletin: Bulletin, dossier: Dossier) -> None:
    if dossier.hash != bulletin.dossier:
        raise Refused(Reason.NO_DOSSIER, "another dossier than the bulletin names")
    if (len(dossier.sources), dossier.primary) != (bulletin.sources, bulletin.primary):
        raise Refused(Reason.TOO_FEW_SOURCES, "the dossier holds other sources than it says")


def _check_about(bulletin: Bulletin, about: About | None) -> None:
    if about is None:
        raise Refused(Reason.UNKNOWN_SUBJECT)
    if not covers(bulletin.area, about.bulletin.area):
        raise Refused(Reason.WRONG_AREA)
    if bulletin.form is Form.CHECK and about.bulletin.form is not Form.NOTICE:
        raise Refused(Reason.WRONG_FORM, "only a notice is answered; the rest is corrected")
    wanted = Step.RETRACT if bulletin.form is Form.RETRACTION else Step.CORRECT
    if not may(about.state, wanted):
        raise Refused(Reason.DECIDED, about.state.value)


def check_dossier(dossier: Dossier) -> None:
    """Refused unless every text in it may be shown."""
    texts = [(dossier.claim, MAX_CLAIM_CHARS), (dossier.fact, MAX_TEXT_CHARS)]
    texts.append((dossier.place, MAX_SOURCE_CHARS))
    for source in dossier.sources:
        texts += [(source.title, MAX_SOURCE_CHARS), (source.reference, MAX_SOURCE_CHARS)]
        if not source.title:
            raise Refused(Reason.TOO_FEW_SOURCES, "a source without a name")
    for text, max_chars in texts:
        if text and clean_text(text, max_chars) != text:
            raise Refused(Reason.BAD_TEXT)
    if len({(s.title.casefold(), s.reference.casefold()) for s in dossier.sources}) < len(
        dossier.sources
    ):
        raise Refused(Reason.TOO_FEW_SOURCES, "a source is named twice")


def check_vote(
    vote: Vote,
    about: About,
    author: Holder,
    votes: Sequence[tuple[Vote, int]],
    trust: Trust,
    estimate: Estimate,
    local: bool,
) -> Holder:
    """Who votes. Refused(reason) unless this approval or rejection may enter.

    author  of the bulletin, as its own check gave it
    votes   those that are known about it, with the number of the person
    local   made at this node: only in a state that waits for it. From elsewhere it is news: it may
            come late and cross ours
    """
    bulletin = about.bulletin
    if vote.kind is Kind.APPROVAL:
        voter = trusts.voter(vote, bulletin.area, trust, estimate)
        check_pair(bulletin, author, voter)
    else:
        moment = Moment(estimate, vote.stamp.made_min)
        voter = rejecter(vote, bulletin, author, trust, moment)
    signer = vote.stamp.signer  # what a stolen post says in my name does not take my own vote away
    mine = [one for one, who in votes if who == voter.person and one.stamp.signer == signer]
    if len(mine) >= MAX_VOTES_EACH:
        raise Refused(Reason.NO_ROOM, "votes of this person")
    if len(votes) >= MAX_VOTES:
        raise Refused(Reason.NO_ROOM, "votes about this bulletin")
    wanted = Step.VERIFY if vote.kind is Kind.APPROVAL else Step.REJECT
    if local and about.state is BulletinState.EXPIRED:
        raise Refused(Reason.EXPIRED)
    if local and (bulletin.form is Form.NOTICE or not may(about.state, wanted)):
        raise Refused(Reason.DECIDED, about.state.value)
    return voter


def rejecter(
    vote: Vote, bulletin: Bulletin, author: Holder, trust: Trust, moment: Moment
) -> Holder:
    """A verifier, or the author who takes the draft back."""
    rights = {Capability.APPROVE, Capability.DRAFT}
    voter = trusts.allowed(vote, rights, bulletin.area, trust, moment)
    if not voter.may(Capability.APPROVE) and voter.person != author.person:
        raise Refused(Reason.WRONG_ROLE)
    return voter


def check_pair(bulletin: Bulletin, author: Holder, voter: Holder) -> None:
    """Two different persons; about the village government one of them from outside the village.

    A village's own people may be afraid of the office they write about, or belong to it. Outside
    means a certificate that is not for one desa alone: kecamatan, regency, hub.
    """
    if author.person == voter.person:
        raise Refused(Reason.SAME_PERSON)
    if bulletin.topic is Topic.GOVERNMENT and not (is_outside(author) or is_outside(voter)):
        raise Refused(Reason.NEEDS_OUTSIDER)


def is_outside(holder: Holder) -> bool:
    """Whether the certificate is for more than one desa."""
    return holder.area % DESA_END == 0
