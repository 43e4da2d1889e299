"""What the pages and the phones read: messages with everything that is shown beside them."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kimnode.record import Kind, RecordId, Via
from kimnode.rules.delivery import State
from kimnode.rules.sos import SosState

QUOTE_CHARS = 80  # of the message that a reply answers


@dataclass(frozen=True, slots=True)
class Quote:
    """The message that a reply answers, shortened; text None when it was erased."""

    seq: int
    name: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a message has come on the air, over all its parts."""

    state: State
    parts: int
    parts_done: int  # parts that are at least on the air
    reason: str
    rev: int


@dataclass(frozen=True, slots=True)
class Sos:
    """How an alarm stands."""

    state: SosState
    by_nick: str


@dataclass(frozen=True, slots=True)
class Message:
    """One entry as people see it."""

    seq: int
    id: RecordId
    kind: Kind
    room: str
    author: str
    name: str  # nickname, or the radio's own name
    text: str | None  # None: erased
    via: Via
    at: int  # unix seconds at this node
    client_id: str  # hex; lets a phone find its own message again
    hops: int | None
    snr_db: float | None
    quote: Quote | None
    delivery: Delivery | None
    sos: Sos | None


SELECT = """
SELECT m.seq, m.id, m.kind, m.room, m.author, b.nick, b.text, m.via, m.received_at, m.nonce,
       r.node_num, r.hops, r.snr_db, n.long_name,
       q.seq, qb.nick, qb.text, q.author, qn.long_name, s.state, s.by_nick
FROM log m
LEFT JOIN body b ON b.seq = m.seq
LEFT JOIN reception r ON r.seq = m.seq
LEFT JOIN node n ON n.num = r.node_num
LEFT JOIN log q ON q.seq = coalesce(
  (SELECT seq FROM log WHERE id = m.subject),
  (SELECT max(seq) FROM reception WHERE packet_id = r.reply_id),
  (SELECT max(seq) FROM outbox WHERE packet_id = r.reply_id AND seq > 0))
LEFT JOIN body qb ON qb.seq = q.seq
LEFT JOIN reception qr ON qr.seq = q.seq
LEFT JOIN node qn ON qn.num = qr.node_num
LEFT JOIN sos s ON s.seq = m.seq
"""
# What is talk or about an alarm. Reports and signed documents have pages of their own, and a
# report is nobody's to read as talk.
_TALK = (Kind.CHAT, Kind.SOS, Kind.SOS_ACK, Kind.SOS_CANCEL)
IS_TALK = f"m.kind IN ({','.join(str(int(kind)) for kind in _TALK)})"


def recent(
    connection: sqlite3.Connection, room: str, limit: int, before: int | None = None
) -> list[Message]:
    """The newest `limit` messages of a room (older than `before`), oldest first."""
    rows = connection.execute(
        f"{SELECT} WHERE {IS_TALK} AND m.room = ? AND m.seq < ? ORDER BY m.seq DESC LIMIT ?",
        (room, before if before is not None else 2**62, limit),
    ).fetchall()
    return _messages(connection, rows[::-1])


def since(connection: sqlite3.Connection, after: int, limit: int) -> list[Message]:
    """Messages of all rooms with seq > after, oldest first."""
    rows = connection.execute(
        f"{SELECT} WHERE {IS_TALK} AND m.seq > ? ORDER BY m.seq LIMIT ?", (after, limit)
    ).fetchall()
    return _messages(connection, rows)


def one(connection: sqlite3.Connection, seq: int) -> Message | None:
    rows = connection.execute(f"{SELECT} WHERE {IS_TALK} AND m.seq = ?", (seq,)).fetchall()
    return _messages(connection, rows)[0] if rows else None


def open_alarms(connection: sqlite3.Connection) -> list[Message]:
    """Every SOS that nobody has taken yet, oldest first."""
    rows = connection.execute(
        f"{SELECT} WHERE s.state = ? ORDER BY m.seq", (SosState.OPEN,)
    ).fetchall()
    return _messages(connection, rows)


def alarms_since(connection: sqlite3.Connection, since: int) -> list[Message]:
    """Every SOS that came in since then (unix seconds), however it stands, oldest first."""
    rows = connection.execute(
        f"{SELECT} WHERE s.seq IS NOT NULL AND m.received_at >= ? ORDER BY m.seq", (since,)
    ).fetchall()
    return _messages(connection, rows)


def alarms_by(connection: sqlite3.Connection, author: str) -> list[Message]:
    """This author's alarms that are not cancelled, newest first."""
    rows = connection.execute(
        f"{SELECT} WHERE m.author = ? AND s.state != ? ORDER BY m.seq DESC",
        (author, SosState.CANCELLED),
    ).fetchall()
    return _messages(connection, rows)


def last_rev(connection: sqlite3.Connection) -> int:
    """The newest change of any packet's state."""
    (rev,) = connection.execute("SELECT coalesce(max(rev), 0) FROM outbox").fetchone()
    return int(rev)


def delivery_changes(
    connection: sqlite3.Connection, after_rev: int, limit: int
) -> list[tuple[int, Delivery]]:
    """(seq, delivery) of messages with a packet that changed after `after_rev`, by change."""
    rows = connection.execute(
        "SELECT seq, max(rev) AS newest FROM outbox WHERE rev > ? AND seq > 0"
        " GROUP BY seq ORDER BY newest LIMIT ?",
        (after_rev, limit),
    ).fetchall()
    found = deliveries(connection, [seq for seq, _ in rows])
    return [(seq, found[seq]) for seq, _ in rows]


def deliveries(connection: sqlite3.Connection, seqs: Sequence[int]) -> dict[int, Delivery]:
    """How far each of these messages has come; messages that never go on air are absent."""
    if not seqs:
        return {}
    marks = ",".join("?" * len(seqs))
    parts: dict[int, list[tuple[State, str, int]]] = {}
    for seq, state, reason, rev in connection.execute(
        f"SELECT seq, state, reason, rev FROM outbox WHERE seq IN ({marks}) ORDER BY id",
        list(seqs),
    ):
        parts.setdefault(seq, []).append((State(state), reason, rev))
    return {seq: _summary(states) for seq, states in parts.items()}


# From the least to the most: a message is only as far as its slowest part, and one lost part
# makes it incomplete, which the sender must see.
PROGRESS = (
    State.FAILED,
    State.EXPIRED,
    State.QUEUED,
    State.IN_RADIO,
    State.ON_AIR,
    State.RELAYED,
    State.DELIVERED,
)
DONE = (State.ON_AIR, State.RELAYED, State.DELIVERED)


def _summary(parts: list[tuple[State, str, int]]) -> Delivery:
    state, reason, _ = min(parts, key=lambda part: PROGRESS.index(part[0]))
    done = sum(part[0] in DONE for part in parts)
    return Delivery(state, len(parts), done, reason, max(part[2] for part in parts))


def _messages(connection: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> list[Message]:
    sent = deliveries(connection, [row[0] for row in rows])
    return [_message(row, sent.get(row[0])) for row in rows]


def _message(row: tuple[Any, ...], delivery: Delivery | None) -> Message:
    seq, rid, kind, room, author, nick, text, via, at, nonce, _node, hops, snr, long_name = row[:14]
    q_seq, q_nick, q_text, q_author, q_long_name, sos_state, sos_by = row[14:]
    quote = None
    if q_seq is not None:
        short = q_text if q_text is None else q_text[:QUOTE_CHARS]
        quote = Quote(q_seq, _name(q_nick, q_long_name, q_author), short)
    return Message(
        seq=seq,
        id=rid,
        kind=Kind(kind),
        room=room,
        author=author,
        name=_name(nick, long_name, author),
        text=text,
        via=Via(via),
        at=at,
        client_id=nonce.hex(),
        hops=hops,
        snr_db=snr,
        quote=quote,
        delivery=delivery,
        sos=None if sos_state is None else Sos(SosState(sos_state), sos_by),
    )


def _name(nick: str | None, long_name: str | None, author: str) -> str:
    return nick or long_name or author.partition(":")[2]
