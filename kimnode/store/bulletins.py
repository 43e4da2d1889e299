"""Bulletins as rows: where they are in the log, and what documents cannot tell.

The table `bulletin` says only where to look; how a bulletin stands is judged from the documents
(board.py). From here come just two things: when it was first known at this node, and that it is
over, corrected or withdrawn for ever.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from kimnode.errors import WireError
from kimnode.record import Entry, Kind, Via
from kimnode.rules.bulletins import BulletinState
from kimnode.rules.publishing import MAX_VOTES
from kimnode.rules.trust import StandingState
from kimnode.store import log
from kimnode.wire import sealed
from kimnode.wire.documents import (
    ABOUT_BYTES,
    ID_BYTES,
    AnyDocument,
    Bulletin,
    Dossier,
    Vote,
)

QUARTER_DAY_MIN = 6 * 60  # expires_6h
LOCAL = (Via.NODE, Via.WEB)  # made at this gateway, not heard
DECODED_KEPT = 512  # documents, about 1 MB: the same ones are read again with every page
VOTES = (Kind.APPROVAL, Kind.REJECTION)
UNCONFIRMED = (BulletinState.WAITING, BulletinState.NOTICE, BulletinState.VIA_POST)
OVER = (BulletinState.REJECTED, BulletinState.EXPIRED)


def add(connection: sqlite3.Connection, entry: Entry, bulletin: Bulletin, uptime_s: int) -> None:
    """A new row; `uptime_s` is this node's running time when it was first known."""
    stamp = bulletin.stamp
    end_min = stamp.made_min + bulletin.expires_6h * QUARTER_DAY_MIN
    connection.execute(
        "INSERT OR IGNORE INTO bulletin (seq, id, number, form, verdict, area, signer, person,"
        " about, made_min, expires_min, dossier, local, state, standing, known_uptime_s,"
        " changed_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(entry.seq, bulletin.id, bulletin.number, bulletin.form, bulletin.verdict),
            *(bulletin.area, stamp.signer, stamp.person, bulletin.about, stamp.made_min, end_min),
            *(bulletin.dossier, entry.via in LOCAL, BulletinState.WAITING, StandingState.WAITING),
            *(uptime_s, entry.received_at),
        ),
    )


def touched_by(connection: sqlite3.Connection, document: AnyDocument) -> list[int]:
    """Log positions of the bulletins whose state this new document may change."""
    if isinstance(document, Dossier):
        rows = connection.execute("SELECT seq FROM bulletin WHERE dossier = ?", (document.hash,))
        return [seq for (seq,) in rows]
    if isinstance(document, Bulletin):
        seq = seq_of(connection, document.id)
    elif isinstance(document, Vote) and document.kind in VOTES:
        seq = seq_of(connection, document.subject)
    else:
        seq = None
    return [] if seq is None else [seq, *named_by(connection, seq)]


def named_by(connection: sqlite3.Connection, seq: int) -> list[int]:
    """The earlier bulletin that this one is about."""
    rows = connection.execute(
        "SELECT old.seq FROM bulletin new JOIN bulletin old ON substr(old.id, 1, ?) = new.about"
        " WHERE new.seq = ?",
        (ABOUT_BYTES, seq),
    )
    return [old for (old,) in rows]


def seq_of(connection: sqlite3.Connection, bulletin_id: bytes) -> int | None:
    """Log position of a bulletin by its whole id."""
    row = connection.execute("SELECT seq FROM bulletin WHERE id = ?", (bulletin_id,)).fetchone()
    return int(row[0]) if row else None


def by_hint(connection: sqlite3.Connection, hint: bytes) -> list[bytes]:
    """Whole ids that begin with these bytes (8 of a vote, 16 of `about`), newest first."""
    last = hint + b"\xff" * (ID_BYTES - len(hint))
    rows = connection.execute(
        "SELECT id FROM bulletin WHERE id BETWEEN ? AND ? ORDER BY seq DESC", (hint, last)
    )
    return [bytes(found) for (found,) in rows]


def by_number(connection: sqlite3.Connection, number: int) -> list[int]:
    """Log positions of every "B-17" known here, own first, then newest: numbers are per gateway."""
    rows = connection.execute(
        "SELECT seq FROM bulletin WHERE number = ? ORDER BY local DESC, seq DESC", (number,)
    )
    return [seq for (seq,) in rows]


def drafts_by(connection: sqlite3.Connection, person: bytes, signer: bytes) -> int:
    """How many bulletins of this key wait for a second person, by the word of this signer: what a
    stolen gateway makes up in somebody's name must not keep that person from writing elsewhere."""
    (count,) = connection.execute(
        "SELECT count(*) FROM bulletin WHERE person = ? AND signer = ? AND state = ?",
        (person, signer, BulletinState.WAITING),
    ).fetchone()
    return int(count)


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """Bulletins of one signer that nobody independent has confirmed.

    all      those in force, and those that came since a given running time and are over
    notices  BELUM DICEK in force
    """

    all: int
    notices: int


def unconfirmed_by(connection: sqlite3.Connection, signer: bytes, since_s: int) -> Unconfirmed:
    """`since_s`: running time of this node; what is over and came before it does not count."""
    found = connection.execute(
        "SELECT count(*), coalesce(sum(state = ?), 0) FROM bulletin WHERE signer = ?"
        " AND (state IN (?, ?, ?) OR (state IN (?, ?) AND known_uptime_s > ?))",
        (BulletinState.NOTICE, signer, *UNCONFIRMED, *OVER, since_s),
    ).fetchone()
    return Unconfirmed(*found)


def dossier(connection: sqlite3.Connection, named: bytes) -> Dossier | None:
    """The dossier with this 16-byte hash, if it is here."""
    if not named:
        return None
    last = named + b"\xff" * (ID_BYTES - len(named))
    row = connection.execute(
        "SELECT bytes FROM log JOIN document USING (seq) WHERE kind = ? AND id BETWEEN ? AND ?",
        (Kind.DOSSIER, named, last),
    ).fetchone()
    found = decoded(row[0]) if row else None
    return found if isinstance(found, Dossier) and found.hash == named else None


def is_named(connection: sqlite3.Connection, hashed: bytes) -> bool:
    """Whether a bulletin here names the dossier with this 16-byte hash."""
    row = connection.execute("SELECT 1 FROM bulletin WHERE dossier = ?", (hashed,)).fetchone()
    return row is not None


def document(connection: sqlite3.Connection, seq: int) -> Bulletin | None:
    """The bulletin at this log position."""
    entry = log.entry(connection, seq)
    found = decoded(entry.record.document) if entry else None
    if entry is None or not isinstance(found, Bulletin) or found.id != entry.record.id:
        return None
    return found


def state(connection: sqlite3.Connection, seq: int) -> BulletinState:
    """As it was written down last."""
    (found,) = connection.execute("SELECT state FROM bulletin WHERE seq = ?", (seq,)).fetchone()
    return BulletinState(found)


def votes_about(connection: sqlite3.Connection, bulletin_id: bytes) -> list[tuple[Entry, Vote]]:
    """Approvals and rejections of a bulletin in the log, unjudged, oldest first."""
    rows = connection.execute(
        "SELECT seq FROM log WHERE subject = ? AND kind IN (?, ?) ORDER BY seq LIMIT ?",
        (bulletin_id, *VOTES, MAX_VOTES),
    ).fetchall()
    found = []
    for (seq,) in rows:
        entry = log.entry(connection, seq)
        vote = decoded(entry.record.document) if entry else None
        if entry and isinstance(vote, Vote) and vote.subject == bulletin_id:
            found.append((entry, vote))
    return found


def about(connection: sqlite3.Connection, bulletin_id: bytes) -> list[int]:
    """Log positions of the bulletins that name this one, oldest first."""
    rows = connection.execute(
        "SELECT seq FROM bulletin WHERE about = ? ORDER BY seq", (bulletin_id[:ABOUT_BYTES],)
    )
    return [seq for (seq,) in rows]


def in_states(
    connection: sqlite3.Connection, states: Sequence[BulletinState], limit: int
) -> list[int]:
    """Log positions by what was written down last: the verified ones first, then those that wait
    and were made here, each newest first. So nothing that one key made alone pushes them out."""
    marks = ",".join("?" * len(states))
    rows = connection.execute(
        f"SELECT seq FROM bulletin WHERE state IN ({marks})"
        " ORDER BY state = ? DESC, state = ? AND local DESC, seq DESC LIMIT ?",
        (*states, BulletinState.VERIFIED, BulletinState.WAITING, limit),
    )
    return [seq for (seq,) in rows]


@lru_cache(maxsize=DECODED_KEPT)
def decoded(data: bytes) -> AnyDocument | None:
    """The document of a row; None when somebody wrote something else there."""
    try:
        return sealed.decode(data)
    except WireError:
        return None


@dataclass(frozen=True, slots=True)
class Kept:
    """What a row knows that is in no document."""

    id: bytes
    state: str
    standing: str
    via_post: bytes
    known_uptime_s: int
    changed_at: int


def remembered(connection: sqlite3.Connection) -> list[Kept]:
    """Of every bulletin, before the table is made again."""
    rows = connection.execute(
        "SELECT id, state, standing, via_post, known_uptime_s, changed_at FROM bulletin"
    )
    return [Kept(*row) for row in rows]


def remember(connection: sqlite3.Connection, kept: Sequence[Kept]) -> None:
    """Put it back. A bulletin that had no row counts as known for as long as the newest one: not
    from the first second of this node, or it would be over at once."""
    newest_s = max((one.known_uptime_s for one in kept), default=0)
    connection.execute("UPDATE bulletin SET known_uptime_s = ?", (newest_s,))
    connection.executemany(
        "UPDATE bulletin SET state = ?, standing = ?, via_post = ?, known_uptime_s = ?,"
        " changed_at = ? WHERE id = ?",
        [(k.state, k.standing, k.via_post, k.known_uptime_s, k.changed_at, k.id) for k in kept],
    )
