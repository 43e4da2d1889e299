"""What the database knows around a record that wants to enter: the eyes of the one admission."""

import sqlite3
from dataclasses import replace

from kimnode.errors import WireError
from kimnode.record import DOCUMENT_KINDS, Kind, Record
from kimnode.rules.admission import Situation
from kimnode.rules.clock import Estimate
from kimnode.rules.documents import Papers
from kimnode.rules.publishing import About
from kimnode.rules.sos import SosState
from kimnode.rules.trust import Trust
from kimnode.store import bulletins, claims, log, project, sequence
from kimnode.store import trust as trusts
from kimnode.store.trust import TrustCache
from kimnode.wire import records
from kimnode.wire.documents import AnyDocument, Bulletin, Dossier, Vote
from kimnode.wire.times import DAY_S


def of(
    connection: sqlite3.Connection, record: Record, cache: TrustCache, estimate: Estimate
) -> Situation:
    """Read in the same transaction that appends the record."""
    if record.kind in DOCUMENT_KINDS:
        return Situation(papers=_papers(connection, record, cache.load(connection), estimate))
    if record.kind is Kind.REPORT:
        return Situation(open_reports=claims.open_reports_by(connection, record.author))
    if record.kind is Kind.CHAT and record.subject is None:
        return Situation()
    subject_seq = log.by_id(connection, record.subject) if record.subject else None
    return Situation(
        subject=log.entry(connection, subject_seq) if subject_seq else None,
        subject_sos=project.sos_state(connection, subject_seq) if subject_seq else None,
        open_sos=len(project.sos_by(connection, record.author, SosState.OPEN)),
    )


def _papers(
    connection: sqlite3.Connection, record: Record, trust: Trust, estimate: Estimate
) -> Papers | None:
    document = read(record)
    if document is None:
        return None
    papers = Papers(
        document=document,
        trust=trust,
        estimate=estimate,
        pinned_root=trusts.pinned_root(connection),
        here=trusts.here(connection),
        epoch=sequence.epoch(connection),
    )
    match document:
        case Dossier():
            return replace(papers, is_named=bulletins.is_named(connection, document.hash))
        case Bulletin():
            return _around_bulletin(connection, papers, document)
        case Vote():
            return _around_vote(connection, papers, document)
        case _:
            return papers


def read(record: Record) -> AnyDocument | None:
    """The document of a record; None when the two do not agree or it is none."""
    try:
        return records.document_of(record)
    except WireError:
        return None


def _around_bulletin(connection: sqlite3.Connection, papers: Papers, bulletin: Bulletin) -> Papers:
    named = bulletins.by_hint(connection, bulletin.about) if bulletin.about else []
    stamp, since_s = bulletin.stamp, papers.estimate.uptime_s - DAY_S
    made = bulletins.unconfirmed_by(connection, stamp.signer, since_s)
    return replace(
        papers,
        number_owner=_owner(connection, bulletin),
        dossier=bulletins.dossier(connection, bulletin.dossier),
        about=_about(connection, named[0]) if named else None,
        drafts=bulletins.drafts_by(connection, stamp.person, stamp.signer),
        unconfirmed=made.all,
        notices=made.notices,
    )


def _around_vote(connection: sqlite3.Connection, papers: Papers, vote: Vote) -> Papers:
    known = bulletins.votes_about(connection, vote.subject)
    return replace(
        papers,
        number_owner=_owner(connection, vote),
        about=_about(connection, vote.subject),
        votes=tuple((one, _person(one, papers.trust)) for _, one in known),
    )


def _owner(connection: sqlite3.Connection, document: Bulletin | Vote) -> bytes | None:
    stamp = document.stamp
    return sequence.owner(connection, stamp.signer, stamp.epoch, stamp.seq)


def _about(connection: sqlite3.Connection, bulletin_id: bytes) -> About | None:
    seq = bulletins.seq_of(connection, bulletin_id)
    bulletin = bulletins.document(connection, seq) if seq is not None else None
    if seq is None or bulletin is None:
        return None
    return About(bulletin, bulletins.state(connection, seq))


def _person(vote: Vote, trust: Trust) -> int:
    """The district's number of who voted, 0 for machines."""
    known = trust.certificates.get(vote.stamp.person, ())
    return known[-1].person if known else 0
