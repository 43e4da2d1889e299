"""Keeps the file within its budget of days and megabytes. Runs once an hour.

Never deleted: what the uplink has no receipt for, alarms, reports that wait for an answer, the
documents that say whom to believe and what KIM has said, and the replay rows (`seen`) of what came
by radio: a recording of an old packet must stay a repetition for ever.
"""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from kimnode.record import Kind
from kimnode.rules.delivery import State
from kimnode.store import log, people
from kimnode.store.claims import UNSETTLED

UPLINK_RECEIPT = "uplink-receipt"  # cursor: entries up to it are safe at the district
BATCH = 500  # rows in one transaction, so that a phone's message never waits long
# The rest is for ever. Of receipts the counts stay, of time anchors what they moved.
FLEETING = (Kind.CHAT, Kind.REPORT, Kind.RECEIPT, Kind.TIME_ANCHOR)
OUTBOX_DAYS = 7
LEDGER_S = 2 * 3600.0
MB = 1_000_000
DAY_S = 86_400
# A Pi has no clock of its own. One that was set by more than JUMP_S must have run on for DOUBT_S
# before anything is deleted by it: a wrong year would else delete the whole chat within the hour.
JUMP_S = 86_400.0
DOUBT_S = 3 * 86_400.0
CLOCK = "retention-clock"  # fact: the time at the last look, and the seconds of doubt left
EVER = 2**62


@dataclass(frozen=True, slots=True)
class Budget:
    """How long and how much is kept; `carried_rooms` leave the village by uplink."""

    days: int
    megabytes: int
    carried_rooms: Collection[str] = ()


def used_bytes(connection: sqlite3.Connection) -> int:
    """Bytes of the file that hold rows (free pages are used again before it grows)."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int((pages - free) * size)


def clock_is_sure(connection: sqlite3.Connection, now: float, passed_s: float) -> bool:
    """Whether `now` may say what is old. `passed_s`: monotonic seconds since the last look, 0 at
    the start of the node (a night without power is shorter than JUMP_S and raises no doubt)."""
    fact = people.fact(connection, CLOCK)
    last, doubt_s = map(float, fact.split()) if fact else (now, 0.0)
    jumped = abs(now - last - passed_s) > JUMP_S
    doubt_s = DOUBT_S if jumped else max(doubt_s - passed_s, 0.0)
    people.set_fact(connection, CLOCK, f"{now} {doubt_s}".encode())
    return doubt_s == 0


def delete_batch(connection: sqlite3.Connection, budget: Budget, now: int) -> int:
    """Delete at most BATCH entries that are past the budget; how many were deleted.

    `now` 0: the time is not known, only the megabytes count.
    """
    full = used_bytes(connection) > budget.megabytes * MB
    before = EVER if full else now - budget.days * DAY_S
    kinds, marks, open_states = (
        ",".join("?" * len(some)) for some in (FLEETING, budget.carried_rooms, UNSETTLED)
    )
    rows = connection.execute(
        f"SELECT seq FROM log WHERE kind IN ({kinds}) AND received_at < ?"
        f" AND (room NOT IN ({marks}) OR seq <= ?)"
        " AND seq NOT IN (SELECT report.seq FROM report JOIN claim ON claim.id = report.claim"
        f" WHERE state IN ({open_states}))"
        " AND seq NOT IN (SELECT seq FROM outbox WHERE state IN (?, ?))"
        " ORDER BY seq LIMIT ?",
        (
            *FLEETING,
            before,
            *budget.carried_rooms,
            log.cursor(connection, UPLINK_RECEIPT),
            *UNSETTLED,
            State.QUEUED,
            State.IN_RADIO,
            BATCH,
        ),
    ).fetchall()
    # A phone asks again within hours at most; what was on the air can be replayed for ever.
    connection.executemany("DELETE FROM seen WHERE seq = ? AND author LIKE 'phone:%'", rows)
    connection.executemany("DELETE FROM log WHERE seq = ?", rows)
    return len(rows)


def delete_sent(connection: sqlite3.Connection, now: float) -> None:
    """Old finished packets and ledger rows. The newest `rev` stays, or its number comes again.

    What a clock that was ahead has written counts as of now: else it would be there for years, and
    be counted as spent at every start of the node.
    """
    connection.execute("UPDATE outbox SET queued_at = ? WHERE queued_at > ?", (now, now))
    connection.execute(
        "DELETE FROM outbox WHERE queued_at < ? AND state NOT IN (?, ?)"
        " AND rev < (SELECT max(rev) FROM outbox)",
        (now - OUTBOX_DAYS * DAY_S, State.QUEUED, State.IN_RADIO),
    )
    connection.execute("UPDATE airtime SET at = ? WHERE at > ?", (now, now))
    connection.execute("DELETE FROM airtime WHERE at < ?", (now - LEDGER_S,))


def erase(connection: sqlite3.Connection, seq: int) -> bool:
    """Forget what was written in one entry; its header, id and place in the chain stay."""
    return connection.execute("DELETE FROM body WHERE seq = ?", (seq,)).rowcount > 0
