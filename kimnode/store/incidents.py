"""What was wrong and needs a person's eye: reused numbers, forged bulletins, changed keys.

One row for each kind and culprit, counted; the oldest go first when somebody fills the table.
"""

import sqlite3
from dataclasses import dataclass

MAX_INCIDENTS = 500
MAX_WHO_CHARS = 80


@dataclass(frozen=True, slots=True)
class Incident:
    """`kind` is a machine word (catalogue key `incident.<kind>`); `at` unix seconds, the last."""

    kind: str
    who: str
    at: int
    count: int


def add(connection: sqlite3.Connection, kind: str, who: str, now: int) -> int:
    """Once more; how often it has happened by now."""
    (count,) = connection.execute(
        "INSERT INTO incident (kind, who, at) VALUES (?, ?, ?) ON CONFLICT (kind, who) DO UPDATE"
        " SET count = count + 1, at = excluded.at RETURNING count",
        (kind, who[:MAX_WHO_CHARS], now),
    ).fetchone()
    connection.execute(
        "DELETE FROM incident WHERE id IN"
        " (SELECT id FROM incident ORDER BY at DESC, id DESC LIMIT -1 OFFSET ?)",
        (MAX_INCIDENTS,),
    )
    return int(count)


def recent(connection: sqlite3.Connection, limit: int) -> list[Incident]:
    """Newest first."""
    rows = connection.execute(
        "SELECT kind, who, at, count FROM incident ORDER BY at DESC, id DESC LIMIT ?", (limit,)
    )
    return [Incident(*row) for row in rows]
