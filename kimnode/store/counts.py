"""Small counters that outlive a restart: what was refused, per day. No words, no senders."""

import sqlite3

from kimnode.errors import Reason
from kimnode.record import Via

KEPT_DAYS = 90


def refused(connection: sqlite3.Connection, day: int, via: Via, reason: Reason) -> None:
    """One more refusal on this unix day."""
    connection.execute(
        "INSERT INTO refused VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
        (day, via, reason.value),
    )
    connection.execute("DELETE FROM refused WHERE day < ?", (day - KEPT_DAYS,))


def refused_since(connection: sqlite3.Connection, day: int) -> dict[str, int]:
    """Reason -> how often, from this unix day on."""
    return dict(
        connection.execute(
            "SELECT reason, sum(count) FROM refused WHERE day >= ? GROUP BY reason", (day,)
        )
    )
