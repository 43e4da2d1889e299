"""Small counters that outlive a restart: what was refused, per day. No words, no senders."""

import sqlite3
from collections.abc import Mapping

from kimnode.errors import Reason
from kimnode.record import Via

KEPT_DAYS = 90


def add_refused(
    connection: sqlite3.Connection, refusals: Mapping[tuple[int, Via, Reason], int]
) -> None:
    """More refusals: (unix day, road, reason) -> how many."""
    for (day, via, reason), count in refusals.items():
        connection.execute(
            "INSERT INTO refused VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET count = count + excluded.count",
            (day, via, reason.value, count),
        )
        connection.execute("DELETE FROM refused WHERE day < ?", (day - KEPT_DAYS,))


def refused_since(connection: sqlite3.Connection, day: int) -> dict[str, int]:
    """Reason -> how often, from this unix day on."""
    return dict(
        connection.execute(
            "SELECT reason, sum(count) FROM refused WHERE day >= ? GROUP BY reason", (day,)
        )
    )
