"""Which signed documents may enter, by kind and road. Part of the one admission (admission.py).

A document proves itself, so most roads are equal. Two are not: what is made here must have all that
it names, and what carries this gateway's own signature cannot come from elsewhere.
"""

from dataclasses import dataclass

from kimnode.errors import Reason, Refused
from kimnode.record import Kind, Via
from kimnode.rules import publishing
from kimnode.rules.chain import check_trust_document
from kimnode.rules.clock import Estimate
from kimnode.rules.publishing import About
from kimnode.rules.trust import Trust, was_allowed
from kimnode.wire.codes import Form, Mode
from kimnode.wire.documents import AnyDocument, Bulletin, Dossier, Vote

HERE = (Via.NODE, Via.WEB)  # made at this node: attested by it, or signed in a browser on its page


@dataclass(frozen=True, slots=True)
class Papers:
    """A signed document and what this node knows around it.

    here, epoch   key of this gateway and the epoch byte of its database
    number_owner  id of the document that has its sequence number, None when it is free
    dossier       that a bulletin names, if it is here
    about         the bulletin that it names (of a vote: votes about), if it is here
    votes         those about that bulletin, with the number of each person
    drafts        bulletins of the same author that wait, by the word of the same signer
    unconfirmed   bulletins of this signer that no independent key has confirmed: those in force,
                  and those of the last day that are over
    notices       of these the notices in force
    is_named      of a dossier: whether a bulletin here names it
    """

    document: AnyDocument
    trust: Trust
    estimate: Estimate
    pinned_root: bytes | None
    here: bytes | None
    epoch: int
    number_owner: bytes | None = None
    dossier: Dossier | None = None
    about: About | None = None
    votes: tuple[tuple[Vote, int], ...] = ()
    drafts: int = 0
    unconfirmed: int = 0
    notices: int = 0
    is_named: bool = False


def admit_document(papers: Papers, via: Via) -> None:
    """Refused(reason) unless the document may enter."""
    document = papers.document
    match document:
        case Dossier():
            publishing.check_dossier(document)
            if via not in HERE and not papers.is_named:  # unsigned: it could be anybody's
                raise Refused(Reason.UNKNOWN_SUBJECT)
        case Bulletin():
            _admit_bulletin(document, papers, via)
            _check_number(document, papers, via)
        case Vote():
            _admit_vote(document, papers, via)
            _check_number(document, papers, via)
        case _:
            check_trust_document(document, papers.trust, papers.estimate, papers.pinned_root)


def _admit_bulletin(bulletin: Bulletin, papers: Papers, via: Via) -> None:
    publishing.check_bulletin(
        bulletin, papers.dossier, papers.about, papers.trust, papers.estimate, via in HERE
    )
    if bulletin.form is Form.NOTICE and papers.notices >= publishing.MAX_NOTICES:
        raise Refused(Reason.NO_ROOM, "notices of this key in force")
    if via in HERE and papers.drafts >= publishing.MAX_DRAFTS:
        raise Refused(Reason.NO_ROOM, "drafts of this person that wait")
    if via not in HERE and papers.unconfirmed >= publishing.MAX_UNCONFIRMED:
        raise Refused(Reason.NO_ROOM, "bulletins of this key that nobody has confirmed")


def _admit_vote(vote: Vote, papers: Papers, via: Via) -> None:
    if vote.kind is Kind.SUSPENSION:
        check_trust_document(vote, papers.trust, papers.estimate, papers.pinned_root)
        return
    if papers.about is None:
        raise Refused(Reason.UNKNOWN_SUBJECT)
    bulletin = papers.about.bulletin
    author = was_allowed(bulletin, bulletin.area, papers.trust, bulletin.stamp.made_min)
    publishing.check_vote(
        *(vote, papers.about, author, papers.votes, papers.trust, papers.estimate, via in HERE)
    )


def _check_number(document: Bulletin | Vote, papers: Papers, via: Via) -> None:
    """After the signature: nobody else can make a signer look like a cheat."""
    stamp = document.stamp
    if papers.number_owner not in (None, document.id):
        raise Refused(Reason.SEQUENCE_USED, f"number {stamp.seq}")
    own = stamp.signer == papers.here
    if via is Via.WEB and stamp.mode is not Mode.DIRECT:
        raise Refused(Reason.BAD_REQUEST, "a browser signs with a person's own key")
    if via not in HERE and own and stamp.epoch == papers.epoch:
        raise Refused(Reason.OWN_KEY, f"number {stamp.seq} was never given here")
