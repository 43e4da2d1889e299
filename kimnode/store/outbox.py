"""Packets that wait for the radio or travel in it. Written by the radio's outbound loop and sender.

Every change takes the next `rev`, so that a phone that was away asks "what changed after rev n".
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kimnode.rules.airtime import Priority, Spent
from kimnode.rules.delivery import State

BROADCAST = 0xFFFFFFFF
TEXT_PORT = 1
# A clock that says that nothing was done for longer than this is not believed: it was set.
LONGEST_OFF_S = 86_400.0
COLUMNS = (
    "id, seq, part, parts, priority, dest, channel, payload, reply_id, want_ack, state, packet_id,"
    " attempt, queued_at, not_before, expires_at, written_at, reason, port"
)
NEXT_REV = "(SELECT coalesce(max(rev), 0) + 1 FROM outbox)"


@dataclass(frozen=True, slots=True)
class NewPacket:
    """A packet to be queued; see OutPacket for the fields."""

    seq: int
    part: int
    parts: int
    priority: Priority
    dest: int
    channel: int
    payload: bytes
    reply_id: int | None
    want_ack: bool
    expires_at: float
    state: State = State.QUEUED
    reason: str = ""
    port: int = TEXT_PORT


@dataclass(frozen=True, slots=True)
class OutPacket:
    """One packet on its way: `seq` is the log entry it carries (0 = a service reply)."""

    id: int
    seq: int
    part: int  # 1..parts
    parts: int
    priority: Priority
    dest: int  # node number, BROADCAST for everybody
    channel: int  # channel index of the radio
    payload: bytes  # UTF-8, <= 200 bytes; on another port <= 231 bytes of that port
    reply_id: int | None  # packet id that it answers
    want_ack: bool
    state: State
    packet_id: int | None
    attempt: int  # writes to the radio, also under the same packet id
    queued_at: float  # seconds of Clock.steady(), as the times below
    not_before: float
    expires_at: float
    written_at: float | None
    reason: str
    port: int = TEXT_PORT  # Meshtastic port number


def queue(connection: sqlite3.Connection, packets: Sequence[NewPacket], now: float) -> None:
    """Append packets in order."""
    for p in packets:
        connection.execute(
            "INSERT INTO outbox (seq, part, parts, priority, dest, channel, payload, reply_id,"
            " want_ack, state, reason, queued_at, expires_at, port, rev)"
            f" VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,{NEXT_REV})",
            (
                p.seq,
                p.part,
                p.parts,
                p.priority,
                p.dest,
                p.channel,
                p.payload,
                p.reply_id,
                p.want_ack,
                p.state,
                p.reason,
                now,
                p.expires_at,
                p.port,
            ),
        )


def in_state(connection: sqlite3.Connection, *states: State, limit: int = 1000) -> list[OutPacket]:
    """Packets in any of these states, oldest first."""
    marks = ",".join("?" * len(states))
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM outbox WHERE state IN ({marks}) ORDER BY id LIMIT ?",
        (*states, limit),
    )
    return [_packet(row) for row in rows]


def get(connection: sqlite3.Connection, packet_row: int) -> OutPacket | None:
    row = connection.execute(
        f"SELECT {COLUMNS} FROM outbox WHERE id = ?",
        (packet_row,),
    ).fetchone()
    return _packet(row) if row else None


def by_packet_id(connection: sqlite3.Connection, packet_id: int) -> OutPacket | None:
    """The newest packet that was sent under this id."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM outbox WHERE packet_id = ? ORDER BY id DESC LIMIT 1",
        (packet_id,),
    ).fetchone()
    return _packet(row) if row else None


def assign(connection: sqlite3.Connection, packet_row: int, packet_id: int, spent: Spent) -> None:
    """Commit the packet id, the state IN_RADIO and the reserved airtime BEFORE the write."""
    connection.execute(
        "UPDATE outbox SET packet_id = ?, state = ?, attempt = attempt + 1, written_at = ?,"
        f" reason = '', rev = {NEXT_REV} WHERE id = ?",
        (packet_id, State.IN_RADIO, spent.at, packet_row),
    )
    spend(connection, spent)


def move(
    connection: sqlite3.Connection,
    packet_row: int,
    state: State,
    reason: str = "",
    not_before: float = 0.0,
) -> None:
    """A step of the life cycle (rules/delivery.py decides which)."""
    connection.execute(
        f"UPDATE outbox SET state = ?, reason = ?, not_before = ?, rev = {NEXT_REV} WHERE id = ?",
        (state, reason, not_before, packet_row),
    )


def spend(connection: sqlite3.Connection, spent: Spent) -> None:
    """Put (or correct) one packet's airtime in the ledger."""
    connection.execute(
        "INSERT OR REPLACE INTO airtime VALUES (?, ?, ?, ?)",
        (spent.packet_id, spent.at, spent.airtime_ms, spent.priority),
    )


def spent_since(connection: sqlite3.Connection, since: float) -> list[Spent]:
    """The ledger from `since` (seconds of Clock.steady()) on, oldest first."""
    rows = connection.execute(
        "SELECT packet_id, at, airtime_ms, priority FROM airtime WHERE at >= ? ORDER BY at",
        (since,),
    )
    return [Spent(pid, at, ms, Priority(priority)) for pid, at, ms, priority in rows]


def resume(connection: sqlite3.Connection, now: float) -> float:
    """At the start of the node: put what waits, and the ledger, on the clock it starts with.

    Returns the seconds by which they were moved. 0 when the clock says that the last thing in line
    or on the air was today: then time has passed, and what ends meanwhile has ended. Any other
    clock was set, and everything that waits keeps the time that it had left.
    """
    (newest,) = connection.execute(
        "SELECT max(at) FROM (SELECT max(queued_at) AS at FROM outbox"
        " UNION ALL SELECT max(at) FROM airtime)"
    ).fetchone()
    if newest is None or newest <= now <= newest + LONGEST_OFF_S:
        return 0.0
    moved_s = now - float(newest)
    connection.execute(
        "UPDATE outbox SET queued_at = queued_at + :s, expires_at = expires_at + :s,"
        " written_at = written_at + :s,"
        " not_before = CASE WHEN not_before > 0 THEN not_before + :s ELSE 0 END"
        " WHERE state IN (:queued, :in_radio) OR queued_at > :now",
        {"s": moved_s, "now": now, "queued": State.QUEUED, "in_radio": State.IN_RADIO},
    )
    connection.execute("UPDATE airtime SET at = at + ?", (moved_s,))
    connection.execute("UPDATE said SET due_at = due_at + ? WHERE NOT done", (moved_s,))
    return moved_s


def messages_between(connection: sqlite3.Connection, author: str, since: float, to: float) -> int:
    """How many messages of this author were put in line for the air then."""
    (count,) = connection.execute(
        "SELECT count(DISTINCT seq) FROM outbox JOIN log USING (seq)"
        " WHERE author = ? AND queued_at BETWEEN ? AND ? AND reason != 'quota'",
        (author, since, to),
    ).fetchone()
    return int(count)


def answers_between(
    connection: sqlite3.Connection, priority: Priority, since: float, to: float
) -> int:
    """How many texts of the node's own, not of a message, were put in line then."""
    (count,) = connection.execute(
        "SELECT count(*) FROM outbox WHERE seq = 0 AND priority = ? AND port = ?"
        " AND queued_at BETWEEN ? AND ?",
        (priority, TEXT_PORT, since, to),
    ).fetchone()
    return int(count)


def alarms_between(
    connection: sqlite3.Connection, priority: Priority, since: float, to: float
) -> int:
    """How many messages of this class were put in line then, however often each."""
    (count,) = connection.execute(
        "SELECT count(DISTINCT seq) FROM outbox WHERE seq > 0 AND priority = ?"
        " AND queued_at BETWEEN ? AND ? AND reason != 'quota'",
        (priority, since, to),
    ).fetchone()
    return int(count)


def last_queued_at(connection: sqlite3.Connection, seq: int) -> float | None:
    """When the message at `seq` was put in line last (an alarm is said again and again)."""
    (at,) = connection.execute("SELECT max(queued_at) FROM outbox WHERE seq = ?", (seq,)).fetchone()
    return None if at is None else float(at)


def queued_on(connection: sqlite3.Connection, port: int) -> int:
    """Packets of this port that wait for their turn on the air."""
    (count,) = connection.execute(
        "SELECT count(*) FROM outbox WHERE state = ? AND port = ?", (State.QUEUED, port)
    ).fetchone()
    return int(count)


def waiting_count(connection: sqlite3.Connection) -> int:
    """Packets that wait for their turn on the air."""
    (count,) = connection.execute(
        "SELECT count(*) FROM outbox WHERE state = ?", (State.QUEUED,)
    ).fetchone()
    return int(count)


def _packet(row: tuple[Any, ...]) -> OutPacket:
    values = list(row)
    values[4] = Priority(row[4])
    values[9] = bool(row[9])
    values[10] = State(row[10])
    return OutPacket(*values)
