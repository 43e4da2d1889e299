"""The log: append once, read by position. The only writer of it is intake.py.

`append` is the idempotent half of accept(): the same author and nonce again is the same entry.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any

from kimnode.errors import WireError
from kimnode.record import Body, Entry, Kind, Reception, Record, Seq, Via
from kimnode.wire import records

CHAIN_START = bytes(32)
COLUMNS = (
    "log.seq, id, kind, author, room, channel, made_at, nonce, subject, salt, body_hash,"
    " via, received_at, nick, text, bytes, node_num, packet_id, hops, snr_db, rssi_dbm, direct,"
    " reply_id"
)
JOINED = (
    "log LEFT JOIN body USING (seq) LEFT JOIN document USING (seq) LEFT JOIN reception USING (seq)"
)


def find(connection: sqlite3.Connection, author: str, nonce: bytes) -> Seq | None:
    """The entry that this author already made with this nonce (packet id, client id), if any."""
    row = connection.execute(
        "SELECT seq FROM seen WHERE author = ? AND nonce = ?", (author, nonce)
    ).fetchone()
    return Seq(row[0]) if row else None


def append(
    connection: sqlite3.Connection,
    record: Record,
    via: Via,
    now: int,
    reception: Reception | None = None,
) -> Entry:
    """Write the record; the caller has made sure that it is not known yet."""
    (previous,) = connection.execute(
        "SELECT coalesce((SELECT chain FROM log ORDER BY seq DESC LIMIT 1), ?)", (CHAIN_START,)
    ).fetchone()
    header = (
        *(record.id, record.kind, record.author, record.room, record.channel, record.made_at),
        *(record.nonce, record.subject, record.salt, record.body_hash),
    )
    cursor = connection.execute(
        "INSERT INTO log (id, kind, author, room, channel, made_at, nonce, subject, salt,"
        " body_hash, via, received_at, chain) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*header, via, now, records.link(previous, record.id)),
    )
    seq = Seq(cursor.lastrowid or 0)
    connection.execute("INSERT INTO seen VALUES (?, ?, ?)", (record.author, record.nonce, seq))
    if record.body is not None:
        connection.execute("INSERT INTO body VALUES (?, ?, ?)", (seq, *astuple(record.body)))
    if record.document:
        connection.execute("INSERT INTO document VALUES (?, ?)", (seq, record.document))
    if reception is not None:
        connection.execute(
            "INSERT INTO reception VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (seq, *astuple(reception))
        )
    return Entry(seq, via, now, record, reception)


def since(connection: sqlite3.Connection, after: int, limit: int) -> list[Entry]:
    """Entries with seq > after, oldest first, at most `limit`."""
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM {JOINED} WHERE log.seq > ? ORDER BY log.seq LIMIT ?",
        (after, limit),
    )
    return [_entry(row) for row in rows]


def entry(connection: sqlite3.Connection, seq: int) -> Entry | None:
    """One entry by its position."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM {JOINED} WHERE log.seq = ?",
        (seq,),
    ).fetchone()
    return _entry(row) if row else None


def by_id(connection: sqlite3.Connection, record_id: bytes) -> Seq | None:
    row = connection.execute("SELECT seq FROM log WHERE id = ?", (record_id,)).fetchone()
    return Seq(row[0]) if row else None


def last_seq(connection: sqlite3.Connection) -> int:
    (seq,) = connection.execute("SELECT coalesce(max(seq), 0) FROM log").fetchone()
    return int(seq)


def cursor(connection: sqlite3.Connection, name: str) -> int:
    """How far the outbound loop `name` has carried the log; 0 = nothing yet."""
    row = connection.execute("SELECT position FROM cursor WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else 0


def move_cursor(connection: sqlite3.Connection, name: str, position: int) -> None:
    """Forward only: a late writer must not make an outbound loop repeat itself."""
    connection.execute(
        "INSERT INTO cursor VALUES (?, ?) ON CONFLICT (name) DO UPDATE"
        " SET position = max(position, excluded.position)",
        (name, position),
    )


@dataclass(frozen=True, slots=True)
class Damage:
    """One entry that does not verify, and why."""

    seq: int
    why: str


def verify(connection: sqlite3.Connection) -> Iterator[Damage]:
    """Every entry whose id, body or place in the chain is not what it should be.

    Erased bodies are fine. Where retention has removed rows, the chain is taken up again after
    the gap.
    """
    previous_seq, chain = 0, CHAIN_START
    for position, kept in connection.execute("SELECT seq, chain FROM log ORDER BY seq").fetchall():
        found = entry(connection, position)
        if found is None:
            continue
        try:
            records.check(found.record)
        except WireError as error:
            yield Damage(position, str(error))
        if position == previous_seq + 1 and records.link(chain, found.record.id) != kept:
            yield Damage(position, "the chain is broken before this entry")
        previous_seq, chain = position, kept


def _entry(row: tuple[Any, ...]) -> Entry:
    seq, rid, kind, author, room, channel, made_at, nonce, subject, salt, body_hash = row[:11]
    via, received_at, nick, text, document, *heard = row[11:]
    body = None if text is None else Body(nick, text)
    record = Record(
        *(rid, Kind(kind), author, room, channel, made_at, nonce, subject, salt, body_hash, body),
        document or b"",
    )
    heard[5] = bool(heard[5])
    reception = None if heard[0] is None else Reception(*heard)
    return Entry(Seq(seq), Via(via), received_at, record, reception)


def of_kinds(connection: sqlite3.Connection, *kinds: Kind, after: int = 0) -> list[Entry]:
    """Entries of these kinds with seq > after, oldest first: for kinds of which there are few."""
    marks = ",".join("?" * len(kinds))
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM {JOINED} WHERE kind IN ({marks}) AND log.seq > ? ORDER BY log.seq",
        (*kinds, after),
    )
    return [_entry(row) for row in rows]
