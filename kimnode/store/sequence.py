"""Sequence numbers: own ones before they are used, others' as they were seen.

Own numbers are reserved in blocks on disk; the rest of a block lives in a table of this connection
only. So a crash, or a card that lost its last second, skips numbers and never uses one twice.
"""

import os
import sqlite3
from dataclasses import dataclass

from kimnode.store import people

BLOCK = 64
EPOCH_FACT = "epoch"  # 8 random bytes of this database's birth, or of its restoration
EPOCH_BYTES = 8
WINDOW = 128  # below the highest number: what is older is not asked for any more
MAX_STREAMS = 256  # signers and epochs in a vector, those heard last
NUMBER_END = 1 << 16  # of "B-17", two bytes on the air
BULLETINS = "bulletin"


@dataclass(frozen=True, slots=True)
class Stream:
    """What is known of one signer in one epoch; `missing` ascending, at most WINDOW of them."""

    highest: int
    missing: tuple[int, ...]


def epoch(connection: sqlite3.Connection) -> int:
    """One byte of the random number that this database was born with."""
    born = people.fact(connection, EPOCH_FACT)
    if born is None:
        return new_epoch(connection)
    return born[0]


def new_epoch(connection: sqlite3.Connection) -> int:
    """After a restored backup: numbers that were used since must not be used for other things."""
    before = people.fact(connection, EPOCH_FACT)
    born = os.urandom(EPOCH_BYTES)
    while before and born[0] == before[0]:  # one byte of it is what travels
        born = os.urandom(EPOCH_BYTES)
    people.set_fact(connection, EPOCH_FACT, born)
    connection.execute("DELETE FROM counter WHERE name LIKE 'seq:%'")
    _reserved(connection)
    connection.execute("DELETE FROM temp.reserved")
    return born[0]


def next_seq(connection: sqlite3.Connection, signer: bytes) -> tuple[int, int]:
    """(epoch byte, number) for the next document of this key. Use it after the commit only."""
    name = f"seq:{signer.hex()}"
    now = epoch(connection)
    _reserved(connection)
    row = connection.execute(
        "UPDATE temp.reserved SET next = next + 1 WHERE name = ? AND next < last RETURNING next",
        (name,),
    ).fetchone()
    if row is not None:
        return now, row[0] - 1
    first = max(_counter(connection, name), _used(connection, signer, now) + 1)
    _count_on(connection, name, first + BLOCK)
    connection.execute(
        "INSERT OR REPLACE INTO temp.reserved VALUES (?, ?, ?)", (name, first + 1, first + BLOCK)
    )
    return now, first


def next_number(connection: sqlite3.Connection) -> int:
    """The next 17 of "B-17": not in blocks, because people count them. Starts again at 1 after the
    last that fits; by then the first one is archive."""
    number = _counter(connection, BULLETINS)
    _count_on(connection, BULLETINS, number % (NUMBER_END - 1) + 1)
    return number


def record(
    connection: sqlite3.Connection, signer: bytes, in_epoch: int, seq: int, document_id: bytes
) -> None:
    """This document has this number; the caller has asked `owner()` before."""
    connection.execute(
        "INSERT OR IGNORE INTO sequence VALUES (?, ?, ?, ?)", (signer, in_epoch, seq, document_id)
    )


def owner(connection: sqlite3.Connection, signer: bytes, in_epoch: int, seq: int) -> bytes | None:
    """Id of the document that has this number, None when it is free or was not heard."""
    row = connection.execute(
        "SELECT id FROM sequence WHERE signer = ? AND epoch = ? AND seq = ?",
        (signer, in_epoch, seq),
    ).fetchone()
    return bytes(row[0]) if row else None


def vector(connection: sqlite3.Connection) -> dict[tuple[bytes, int], Stream]:
    """(signer, epoch byte) -> what is known of it, for the MAX_STREAMS that were heard last."""
    rows = connection.execute(
        "SELECT signer, epoch, max(sequence.seq) FROM sequence LEFT JOIN log USING (id)"
        " GROUP BY signer, epoch ORDER BY max(log.seq) DESC LIMIT ?",
        (MAX_STREAMS,),
    ).fetchall()
    return {(key, in_epoch): _stream(connection, key, in_epoch, top) for key, in_epoch, top in rows}


def _stream(connection: sqlite3.Connection, signer: bytes, in_epoch: int, highest: int) -> Stream:
    rows = connection.execute(
        "SELECT seq FROM sequence WHERE signer = ? AND epoch = ? AND seq > ?",
        (signer, in_epoch, highest - WINDOW),
    )
    have = {seq for (seq,) in rows}
    first = max(highest - WINDOW, 0) + 1
    return Stream(highest, tuple(seq for seq in range(first, highest) if seq not in have))


def _used(connection: sqlite3.Connection, signer: bytes, in_epoch: int) -> int:
    """The highest number of ours that a document has: `counter` may be older than the log."""
    (highest,) = connection.execute(
        "SELECT coalesce(max(seq), 0) FROM sequence WHERE signer = ? AND epoch = ?",
        (signer, in_epoch),
    ).fetchone()
    return int(highest)


def _counter(connection: sqlite3.Connection, name: str) -> int:
    row = connection.execute("SELECT next FROM counter WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else 1


def _count_on(connection: sqlite3.Connection, name: str, following: int) -> None:
    connection.execute("INSERT OR REPLACE INTO counter VALUES (?, ?)", (name, following))


def _reserved(connection: sqlite3.Connection) -> None:
    connection.execute(
        "CREATE TEMP TABLE IF NOT EXISTS reserved"
        " (name TEXT PRIMARY KEY, next INTEGER NOT NULL, last INTEGER NOT NULL)"
    )
