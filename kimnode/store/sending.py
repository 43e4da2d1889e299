"""What the sender reads from the outbox: the front of each class, and what is still unsettled.

A flood of chat fills its own class only: an SOS behind ten thousand rows is seen at once.
"""

import sqlite3

from kimnode.rules.delivery import State, Why
from kimnode.store import outbox
from kimnode.store.outbox import OutPacket

FRONT = 50  # packets of one class that the sender looks at


def waiting(connection: sqlite3.Connection) -> list[OutPacket]:
    """QUEUED packets, the oldest FRONT of each class, highest class first."""
    rows = connection.execute(
        "SELECT id FROM (SELECT id, priority, row_number() OVER"
        " (PARTITION BY priority ORDER BY id) AS place FROM outbox WHERE state = ?)"
        " WHERE place <= ? ORDER BY priority DESC, id",
        (State.QUEUED, FRONT),
    ).fetchall()
    return _packets(connection, rows)


def unsettled(connection: sqlite3.Connection) -> list[OutPacket]:
    """Packets that the radio still owes a word about, oldest first."""
    rows = connection.execute(
        "SELECT id FROM outbox WHERE state = ? OR (state = ? AND want_ack AND reason = ?)"
        " ORDER BY id",
        (State.IN_RADIO, State.ON_AIR, Why.NONE),
    ).fetchall()
    return _packets(connection, rows)


def _packets(connection: sqlite3.Connection, rows: list[tuple[int]]) -> list[OutPacket]:
    packets = (outbox.get(connection, row) for (row,) in rows)
    return [packet for packet in packets if packet is not None]
