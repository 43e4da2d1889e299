"""The board: how bulletins stand, judged anew from the signed documents at each read.

No row of a table makes a bulletin verified, however it came there. `judge()` only writes down what
it found, so that a loop can ask "what is published?" without reading everything.
"""

import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from kimnode.errors import Reason, Refused, WireError
from kimnode.record import Entry, Kind
from kimnode.rules import publishing, standing
from kimnode.rules.bulletins import (
    MIN_PINNED_DAYS,
    BulletinState,
    Facts,
    Replacement,
    replaces,
    settle,
)
from kimnode.rules.clock import Estimate
from kimnode.rules.expiry import Display, Life, display_state
from kimnode.rules.trust import Holder, Moment, Standing, StandingState, Trust, was_allowed
from kimnode.store import bulletins, claims, log
from kimnode.store import trust as trusts
from kimnode.store.bulletins import LOCAL
from kimnode.store.trust import TrustCache
from kimnode.wire.codes import Form, Mode, Role
from kimnode.wire.documents import ABOUT_BYTES, Bulletin, Dossier, Vote
from kimnode.wire.times import DAY_S, minutes_of, unix_of_minutes

QUARTER_DAY_S = 6 * 3600  # expires_6h
MAX_SHOWN = 60  # bulletins on one page
MAX_STEPS = 10  # from a bulletin to the last correction of it
BOARD = (BulletinState.NOTICE, BulletinState.VIA_POST, BulletinState.VERIFIED)
ARCHIVE = (BulletinState.CORRECTED, BulletinState.WITHDRAWN, BulletinState.EXPIRED)
LIVING = (BulletinState.WAITING, *BOARD)  # the rest changes only by a new document about it
CORRECTIONS = (Form.CORRECTION, Form.RETRACTION)
NOTHING = Standing(StandingState.WAITING)


@dataclass(frozen=True, slots=True)
class Signed:
    """Somebody's word and what it is worth. `problem` None: it counts.

    name, role  as certified, also of one who does not count any more; "" and None when unknown
    post        name of the gateway that heard it from a radio; "" when signed with an own key
    """

    document: Bulletin | Vote
    name: str
    role: Role | None
    post: str
    problem: Reason | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A bulletin as this node has it. Times in unix seconds.

    local        made at this gateway
    via_post     name of the gateway whose word it is, in state VIA_POST
    replaced_by  log positions of the bulletins that correct, withdraw or answer it
    replaces     log position of the earlier one that it names, None when that is not known here
    pinned       a correction that must stay in sight
    doubtful     DIPERIKSA ULANG: it was worth more before a key was revoked
    """

    seq: int
    at: int
    local: bool
    bulletin: Bulletin
    state: BulletinState
    standing: Standing
    via_post: str
    author: Signed
    votes: tuple[Signed, ...]
    dossier: Dossier | None
    replaced_by: tuple[int, ...]
    replaces: int | None
    pinned: bool
    time_unsure: bool
    doubtful: bool
    expires_s: int


@dataclass(frozen=True, slots=True)
class Eyes:
    """Who looks: whom this node believes, what time it has, which gateway it is."""

    trust: Trust
    estimate: Estimate
    here: bytes | None


@dataclass(frozen=True, slots=True)
class _Worth:
    """What the signatures under one bulletin are worth."""

    standing: Standing
    author: Signed
    votes: tuple[Signed, ...]
    doubtful: bool

    def counts(self, kind: Kind) -> bool:
        return any(one.document.KIND is kind and one.problem is None for one in self.votes)


def board(connection: sqlite3.Connection, cache: TrustCache, estimate: Estimate) -> list[Shown]:
    """What villagers see: pinned corrections first, then newest first."""
    found = _in_states(connection, BOARD, MAX_SHOWN, eyes(connection, cache, estimate))
    return sorted(found, key=lambda shown: (not shown.pinned, -shown.seq))


def waiting(connection: sqlite3.Connection, cache: TrustCache, estimate: Estimate) -> list[Shown]:
    """Drafts for the second person, oldest first."""
    at = eyes(connection, cache, estimate)
    found = _in_states(connection, (BulletinState.WAITING,), MAX_SHOWN, at)
    return sorted(found, key=lambda shown: shown.seq)


def archive(
    connection: sqlite3.Connection, cache: TrustCache, estimate: Estimate, limit: int = MAX_SHOWN
) -> list[Shown]:
    """What is over, corrected or withdrawn, newest first."""
    return _in_states(connection, ARCHIVE, limit, eyes(connection, cache, estimate))


def show(
    connection: sqlite3.Connection, seq: int, cache: TrustCache, estimate: Estimate
) -> Shown | None:
    """The bulletin at this log position with every signature; None when there is none."""
    return _shown(connection, seq, eyes(connection, cache, estimate))


def last_word(
    connection: sqlite3.Connection, shown: Shown, cache: TrustCache, estimate: Estimate
) -> Shown | None:
    """What holds in its place: a correction may itself be corrected, or withdrawn. None: itself."""
    newer, last = None, shown
    for _ in range(MAX_STEPS):
        seq = max(last.replaced_by, default=None)
        later = show(connection, seq, cache, estimate) if seq else None
        if later is None:
            break
        newer = last = later
    return newer


def refresh(
    connection: sqlite3.Connection, cache: TrustCache, estimate: Estimate, now: int
) -> list[int]:
    """Judge every bulletin that time or trust may change; log positions of those that changed.

    For a loop: time passes, suspensions end. intake.py calls it after trust documents too.
    """
    marks = ",".join("?" * len(LIVING))
    rows = connection.execute(
        f"SELECT seq FROM bulletin WHERE state IN ({marks}) ORDER BY seq", LIVING
    ).fetchall()
    return judge(connection, [seq for (seq,) in rows], eyes(connection, cache, estimate), now)


def judge(connection: sqlite3.Connection, seqs: Iterable[int], at: Eyes, now: int) -> list[int]:
    """Write down how these bulletins stand, and those that they are about; log positions of those
    that changed."""
    changed: list[int] = []
    left = list(seqs)
    while left:
        seq = left.pop(0)
        shown = _shown(connection, seq, at)
        if shown is None:
            continue
        after = (shown.state, shown.standing.state, shown.standing.via_post)
        before = connection.execute(
            "SELECT state, standing, via_post FROM bulletin WHERE seq = ?", (seq,)
        ).fetchone()
        if before != after:
            connection.execute(
                "UPDATE bulletin SET state = ?, standing = ?, via_post = ?, changed_at = ?"
                " WHERE seq = ?",
                (*after, now, seq),
            )
            claims.follow(connection, seq, shown.state, now)
            changed.append(seq)
            left += [old for old in bulletins.named_by(connection, seq) if old not in left]
    return changed


def eyes(connection: sqlite3.Connection, cache: TrustCache, estimate: Estimate) -> Eyes:
    """This node's own eyes."""
    return Eyes(cache.load(connection), estimate, trusts.here(connection))


def _in_states(
    connection: sqlite3.Connection, states: tuple[BulletinState, ...], limit: int, at: Eyes
) -> list[Shown]:
    """As bulletins.in_states(). What was written down is looked at again before it is believed."""
    found = (_shown(connection, s, at) for s in bulletins.in_states(connection, states, limit))
    return [shown for shown in found if shown is not None and shown.state in states]


@dataclass(frozen=True, slots=True)
class _Row:
    """What no document tells."""

    state: BulletinState
    known_uptime_s: int
    local: bool


def _row(connection: sqlite3.Connection, seq: int) -> _Row | None:
    row = connection.execute(
        "SELECT state, known_uptime_s, local FROM bulletin WHERE seq = ?", (seq,)
    ).fetchone()
    return _Row(BulletinState(row[0]), row[1], bool(row[2])) if row else None


def _shown(connection: sqlite3.Connection, seq: int, at: Eyes) -> Shown | None:
    entry, bulletin = log.entry(connection, seq), bulletins.document(connection, seq)
    row = _row(connection, seq)
    if entry is None or bulletin is None or row is None:
        return None
    worth = _worth(connection, bulletin, entry, at)
    newer = _replacements(connection, bulletin, worth.standing, at)
    display = display_state(_life(bulletin, row), at.estimate)
    facts = Facts(
        standing=worth.standing,
        notice=bulletin.form is Form.NOTICE and worth.author.problem is None,
        rejected=worth.counts(Kind.REJECTION),
        replacements=[replacement for _, replacement in newer],
        expired=display is Display.EXPIRED,
    )
    state = settle(row.state, bulletin, facts)
    old = bulletins.by_hint(connection, bulletin.about) if bulletin.about else []
    return Shown(
        seq=seq,
        at=entry.received_at,
        local=row.local,
        bulletin=bulletin,
        state=state,
        standing=worth.standing,
        via_post=name_of(worth.standing.via_post, at.trust),
        author=worth.author,
        votes=worth.votes,
        dossier=bulletins.dossier(connection, bulletin.dossier),
        replaced_by=tuple(position for position, _ in newer),
        replaces=bulletins.seq_of(connection, old[0]) if old else None,
        pinned=state in BOARD and _is_fresh_correction(bulletin, row, at.estimate),
        time_unsure=display is Display.TIME_UNSURE,
        doubtful=worth.doubtful,
        expires_s=_life(bulletin, row).expires_s,
    )


def _life(bulletin: Bulletin, row: _Row) -> Life:
    sent_s = unix_of_minutes(bulletin.stamp.made_min)
    expires_s = sent_s + bulletin.expires_6h * QUARTER_DAY_S
    return Life(sent_s, expires_s, bulletin.stamp.trust, row.known_uptime_s)


def _is_fresh_correction(bulletin: Bulletin, row: _Row, estimate: Estimate) -> bool:
    shown_s = estimate.uptime_s - row.known_uptime_s
    return bulletin.form in CORRECTIONS and shown_s < MIN_PINNED_DAYS * DAY_S


def _worth(connection: sqlite3.Connection, bulletin: Bulletin, entry: Entry, at: Eyes) -> _Worth:
    """Every signature verified, every rule asked again: the row may never have been admitted."""
    author: Holder | None = None
    problem: Reason | None = None
    try:
        publishing.check_content(bulletin, bulletins.dossier(connection, bulletin.dossier))
        author = was_allowed(bulletin, bulletin.area, at.trust, bulletin.stamp.made_min)
    except Refused as refused:
        problem = refused.reason
    known = bulletins.votes_about(connection, bulletin.id)
    votes = tuple(_vote(vote, bulletin, author, at.trust) for _, vote in known)
    approvals = [vote for _, vote in known if vote.kind is Kind.APPROVAL]
    counted = [
        (one, vote)
        for (one, vote), signed in zip(known, votes, strict=True)
        if vote.kind is Kind.APPROVAL and signed.problem is None
    ]
    received: dict[bytes, int] = {
        one.record.id: _minute(one) for one in (entry, *(e for e, _ in known))
    }
    return _Worth(
        _standing(bulletin, counted, at) if author else NOTHING,
        _signed(bulletin, problem, at.trust),
        votes,
        standing.doubtful(bulletin, approvals, at.trust, at.here, received),
    )


def _standing(bulletin: Bulletin, approvals: Collection[tuple[Entry, Vote]], at: Eyes) -> Standing:
    """What this gateway attested is believed here only when it was made here: what carries its
    signature and came from elsewhere is its own past, or a clone of its disk."""
    own = [vote for entry, vote in approvals if not _is_from_elsewhere(entry, vote, at.here)]
    found = standing.standing(bulletin, own, at.trust, at.here)
    if found.state is not StandingState.WAITING or len(own) == len(approvals):
        return found
    return standing.standing(bulletin, [vote for _, vote in approvals], at.trust, None)


def _is_from_elsewhere(entry: Entry, vote: Vote, here: bytes | None) -> bool:
    return vote.stamp.signer == here and entry.via not in LOCAL


def _vote(vote: Vote, bulletin: Bulletin, author: Holder | None, trust: Trust) -> Signed:
    moment = Moment(made_min=vote.stamp.made_min, doubt_min=vote.stamp.made_min)
    try:
        if author is None:
            raise Refused(Reason.UNKNOWN_SUBJECT)
        if vote.kind is Kind.APPROVAL:
            voter = was_allowed(vote, bulletin.area, trust, vote.stamp.made_min)
            publishing.check_pair(bulletin, author, voter)
        else:
            publishing.rejecter(vote, bulletin, author, trust, moment)
    except Refused as refused:
        return _signed(vote, refused.reason, trust)
    return _signed(vote, None, trust)


def _signed(document: Bulletin | Vote, problem: Reason | None, trust: Trust) -> Signed:
    known = trust.certificates.get(document.stamp.person, ())
    attested = document.stamp.mode is Mode.ATTESTED
    post = name_of(document.stamp.signer, trust) if attested else ""
    name, role = (known[-1].name, known[-1].role) if known else ("", None)
    return Signed(document, name, role, post, problem)


def name_of(key: bytes, trust: Trust) -> str:
    """As certified last, "" for a key that is not known."""
    known = trust.certificates.get(key, ())
    return known[-1].name if known else ""


def _minute(entry: Entry) -> int:
    """When it came, by this node's clock; 0 when that clock was out of all bounds."""
    try:
        return minutes_of(entry.received_at)
    except WireError:
        return 0


def _replacements(
    connection: sqlite3.Connection, old: Bulletin, worth: Standing, at: Eyes
) -> list[tuple[int, Replacement]]:
    """The bulletins that take this one's place here, with their log positions."""
    found = []
    for seq in bulletins.about(connection, old.id):
        entry, newer = log.entry(connection, seq), bulletins.document(connection, seq)
        if entry is None or newer is None or newer.about != old.id[:ABOUT_BYTES]:
            continue
        candidate = Replacement(newer, _worth(connection, newer, entry, at).standing)
        if replaces(candidate, old, worth):
            found.append((seq, candidate))
    return found
