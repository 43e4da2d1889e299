"""What the dialogue with volunteers' radios remembers: commands seen, drafts told, keys pinned.

A command is written here before it is obeyed: a recording of it stays a repetition for ever.
"""

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from kimnode.record import Kind, Via
from kimnode.rules.announcements import matches
from kimnode.rules.bulletins import BulletinState
from kimnode.rules.clock import Estimate
from kimnode.rules.delivery import State
from kimnode.store import board, bulletins, outbox
from kimnode.store.outbox import NewPacket
from kimnode.store.trust import TrustCache

STICKS_S = 6 * 3600  # a node number that was heard so lately is not given up for another
MAX_PINNED = 200  # keys; a desa has a few
NOT_SAID = (BulletinState.WAITING, BulletinState.REJECTED)
NUMBER = re.compile(r"\(B-([0-9]{1,5})\)$")  # at the end of an announcement


def was_given(connection: sqlite3.Connection, key: bytes, node_num: int, packet_id: int) -> bool:
    """Whether this command came before."""
    row = connection.execute(
        "SELECT 1 FROM command WHERE public_key = ? AND node_num = ? AND packet_id = ?",
        (key, node_num, packet_id),
    ).fetchone()
    return row is not None


def note(
    connection: sqlite3.Connection, key: bytes, node_num: int, packet_id: int, now: int
) -> None:
    """This command was given, for ever. The one who obeys has asked was_given() before, and hears
    one packet after another."""
    connection.execute("INSERT INTO command VALUES (?, ?, ?, ?)", (key, node_num, packet_id, now))


@dataclass(frozen=True, slots=True)
class Address:
    """Where a volunteer's radio is: its node number and when it was heard last (unix seconds)."""

    node_num: int
    last_heard: int


def address(connection: sqlite3.Connection, key: bytes) -> Address | None:
    """Where the radio with this key is. Node numbers change (firmware 2.8 gives new ones), and
    NodeInfo can be forged: a number that is still heard is kept."""
    rows = connection.execute(
        "SELECT num, last_heard, num = (SELECT node_num FROM pinned WHERE public_key = ?)"
        " FROM node WHERE public_key = ? ORDER BY last_heard DESC",
        (key, key),
    ).fetchall()
    if not rows:
        return None
    newest = rows[0][1]
    num, heard, _ = next((r for r in rows if r[2] and newest - r[1] < STICKS_S), rows[0])
    return Address(num, heard)


def confirm(connection: sqlite3.Connection, key: bytes, node_num: int, now: int) -> None:
    """A packet that only this key can have sealed came from this node: that number is its own."""
    connection.execute(
        "INSERT INTO node VALUES (?, '', '', ?, ?) ON CONFLICT (num) DO UPDATE"
        " SET public_key = excluded.public_key, last_heard = excluded.last_heard",
        (node_num, key, now),
    )
    connection.execute(
        "UPDATE pinned SET node_num = ?, at = 0 WHERE public_key = ? AND node_num != ?",
        (node_num, key, node_num),
    )


@dataclass(frozen=True, slots=True)
class Pinned:
    """A key that our own radio was told to keep, and when."""

    public_key: bytes
    node_num: int
    at: int


def pinned(connection: sqlite3.Connection) -> list[Pinned]:
    """Every key that our radio keeps for us."""
    rows = connection.execute("SELECT public_key, node_num, at FROM pinned ORDER BY at")
    return [Pinned(*row) for row in rows]


def pinned_at(connection: sqlite3.Connection, node_num: int) -> bytes | None:
    """The volunteer's key that belongs to this node number, if it is one's."""
    row = connection.execute(
        "SELECT public_key FROM pinned WHERE node_num = ?", (node_num,)
    ).fetchone()
    return bytes(row[0]) if row else None


def pin(connection: sqlite3.Connection, key: bytes, node_num: int, now: int) -> None:
    """Our radio was given this key."""
    connection.execute("INSERT OR REPLACE INTO pinned VALUES (?, ?, ?)", (key, node_num, now))
    connection.execute(
        "DELETE FROM pinned WHERE public_key IN"
        " (SELECT public_key FROM pinned ORDER BY at DESC LIMIT -1 OFFSET ?)",
        (MAX_PINNED,),
    )


def unpin(connection: sqlite3.Connection, key: bytes) -> None:
    """Our radio was told to forget it."""
    connection.execute("DELETE FROM pinned WHERE public_key = ?", (key,))


def tell(
    connection: sqlite3.Connection,
    subject: int,
    key: bytes,
    packets: Sequence[NewPacket],
    now: float,
) -> None:
    """Put all parts of a draft in line for one radio, and remember them as what it was told."""
    outbox.queue(connection, packets, now)
    (last,) = connection.execute("SELECT last_insert_rowid()").fetchone()
    first = last - len(packets) + 1
    connection.execute(
        "INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?, ?)",
        (subject, key, packets[0].dest, first, last),
    )


def told(connection: sqlite3.Connection, subject: int) -> set[bytes]:
    """Keys of the radios that were sent this draft, whether it arrived or not."""
    rows = connection.execute("SELECT public_key FROM told WHERE subject = ?", (subject,))
    return {bytes(key) for (key,) in rows}


def has_all(connection: sqlite3.Connection, subject: int, key: bytes) -> bool:
    """Whether the radio with this key has acknowledged every part of the draft.

    A hint, not a proof: acknowledgements are not signed. That a part was on the air or repeated by
    somebody is not enough, for a radio that is switched off gets as far as that.
    """
    row = connection.execute(
        "SELECT first_row, last_row FROM told WHERE subject = ? AND public_key = ?", (subject, key)
    ).fetchone()
    if row is None:
        return False
    (arrived,) = connection.execute(
        "SELECT count(*) FROM outbox WHERE id BETWEEN ? AND ? AND state = ?",
        (*row, State.DELIVERED),
    ).fetchone()
    return bool(arrived == row[1] - row[0] + 1)


def unsaid(connection: sqlite3.Connection, states: Sequence[str]) -> list[int]:
    """Positions of bulletins in these states of which nothing was decided yet."""
    marks = ",".join("?" * len(states))
    rows = connection.execute(
        f"SELECT seq FROM bulletin WHERE state IN ({marks})"
        " AND seq NOT IN (SELECT bulletin FROM said) ORDER BY seq",
        tuple(states),
    )
    return [seq for (seq,) in rows]


def schedule(connection: sqlite3.Connection, bulletin: int, due_at: float) -> None:
    """It is to be said then, unless it was heard from another post."""
    connection.execute(
        "INSERT OR IGNORE INTO said (bulletin, due_at) VALUES (?, ?)", (bulletin, due_at)
    )


def due(connection: sqlite3.Connection) -> list[tuple[int, float]]:
    """Bulletins that wait to be said: position and when."""
    return connection.execute(
        "SELECT bulletin, due_at FROM said WHERE NOT done ORDER BY bulletin"
    ).fetchall()


def settle(connection: sqlite3.Connection, bulletin: int) -> None:
    """It was said, or need not be."""
    connection.execute("UPDATE said SET done = 1 WHERE bulletin = ?", (bulletin,))


def was_heard(connection: sqlite3.Connection, text: str) -> bool:
    """Whether this very text was heard on the channel."""
    row = connection.execute(
        "SELECT 1 FROM body JOIN log USING (seq) WHERE text = ? AND kind = ? AND via = ? LIMIT 1",
        (text, Kind.CHAT, Via.RADIO),
    ).fetchone()
    return row is not None


def reporters(connection: sqlite3.Connection, claim: int) -> list[int]:
    """Node numbers of the radios that passed this rumour on by direct text."""
    rows = connection.execute(
        "SELECT DISTINCT node_num FROM report JOIN reception USING (seq)"
        " WHERE claim = ? AND direct ORDER BY node_num",
        (claim,),
    )
    return [num for (num,) in rows]


def sent_alike(connection: sqlite3.Connection, payload: bytes, since: float, to: float) -> int:
    """How often these very bytes were put in line then."""
    (count,) = connection.execute(
        "SELECT count(*) FROM outbox WHERE payload = ? AND queued_at BETWEEN ? AND ?",
        (payload, since, to),
    ).fetchone()
    return int(count)


def number_of(connection: sqlite3.Connection, about: bytes) -> int | None:
    """The 17 of B-17 of the bulletin whose id begins with these 16 bytes, if it is known here."""
    row = connection.execute(
        "SELECT number FROM bulletin WHERE substr(id, 1, ?) = ? LIMIT 1", (len(about), about)
    ).fetchone()
    return int(row[0]) if about and row else None


def begins_like(connection: sqlite3.Connection, start: str, since: int) -> bool:
    """Whether a text with this beginning was heard on the channel since then."""
    row = connection.execute(
        "SELECT 1 FROM log JOIN body USING (seq)"
        " WHERE received_at >= ? AND via = ? AND substr(text, 1, ?) = ? LIMIT 1",
        (since, Via.RADIO, len(start), start),
    ).fetchone()
    return row is not None


def is_announcement(
    connection: sqlite3.Connection, text: str, cache: TrustCache, estimate: Estimate
) -> bool:
    """Whether the text is what gateways say about a bulletin that this node knows as published.

    Also one that was corrected, withdrawn or ran out since: it was no forgery.
    """
    found = NUMBER.search(text)
    for seq in bulletins.by_number(connection, int(found[1])) if found else []:
        shown = board.show(connection, seq, cache, estimate)
        if shown is None or shown.state in NOT_SAID:
            continue
        if matches(text, shown.bulletin, number_of(connection, shown.bulletin.about)):
            return True
    return False
