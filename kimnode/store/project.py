"""Read tables derived from the log, written in the same transaction. `rebuild` replays them."""

import sqlite3

from kimnode.record import DOCUMENT_KINDS, Entry, Kind
from kimnode.rules.sos import SosState, step
from kimnode.store import bulletins, claims, log, reach, sequence
from kimnode.wire.documents import Bulletin, Receipt, Vote


def apply(connection: sqlite3.Connection, entry: Entry, uptime_s: int = 0) -> None:
    """What this new entry changes in the read tables. `uptime_s`: running time of this node."""
    if entry.record.kind in DOCUMENT_KINDS:
        _apply_document(connection, entry, uptime_s)
    elif entry.record.kind is Kind.REPORT:
        claims.file(connection, entry)
    else:
        _apply_alarm(connection, entry)


def _apply_document(connection: sqlite3.Connection, entry: Entry, uptime_s: int) -> None:
    """Where to find it. How it stands is judged by board.py, from the documents alone."""
    document = bulletins.decoded(entry.record.document)
    if isinstance(document, Bulletin):
        bulletins.add(connection, entry, document, uptime_s)
    if isinstance(document, Bulletin | Vote):
        stamp = document.stamp
        sequence.record(connection, stamp.signer, stamp.epoch, stamp.seq, document.id)
    elif isinstance(document, Receipt):
        for named in document.bulletins:
            if (seq := bulletins.seq_of(connection, named)) is not None:
                reach.verified_by(connection, seq, document.signer, entry.received_at)


def _apply_alarm(connection: sqlite3.Connection, entry: Entry) -> None:
    if entry.record.kind is Kind.SOS:
        connection.execute(
            "INSERT INTO sos (seq, state, changed_at) VALUES (?, ?, ?)",
            (entry.seq, SosState.OPEN, entry.received_at),
        )
    elif entry.record.kind in (Kind.SOS_ACK, Kind.SOS_CANCEL):
        _advance_sos(connection, entry)


def _advance_sos(connection: sqlite3.Connection, entry: Entry) -> None:
    row = connection.execute(
        "SELECT sos.seq, sos.state FROM sos JOIN log USING (seq) WHERE log.id = ?",
        (entry.record.subject,),
    ).fetchone()
    if row is None or (after := step(SosState(row[1]), entry.record.kind)) is None:
        return
    nick = entry.record.body.nick if entry.record.body else ""
    connection.execute(
        "UPDATE sos SET state = ?, by_nick = ?, changed_at = ? WHERE seq = ?",
        (after, nick, entry.received_at, row[0]),
    )


def sos_state(connection: sqlite3.Connection, seq: int) -> SosState | None:
    row = connection.execute("SELECT state FROM sos WHERE seq = ?", (seq,)).fetchone()
    return SosState(row[0]) if row else None


def sos_by(connection: sqlite3.Connection, author: str, *states: SosState) -> list[int]:
    """Positions of this author's alarms in these states, newest first."""
    marks = ",".join("?" * len(states))
    rows = connection.execute(
        "SELECT sos.seq FROM sos JOIN log USING (seq)"
        f" WHERE author = ? AND state IN ({marks}) ORDER BY sos.seq DESC",
        (author, *states),
    )
    return [row[0] for row in rows]


def rebuild(connection: sqlite3.Connection) -> int:
    """Make the read tables again from the log; how many entries were replayed.

    What no document tells is kept: since when a bulletin is known here, and that it is over.
    """
    kept = bulletins.remembered(connection)
    for table in ("sos", "bulletin", "sequence"):
        connection.execute(f"DELETE FROM {table}")
    count = position = 0
    while entries := log.since(connection, position, 500):
        for entry in entries:
            apply(connection, entry)
        count, position = count + len(entries), entries[-1].seq
    bulletins.remember(connection, kept)
    return count
