"""How far a bulletin has come: counts only, and never more than is known.

Who it was is kept only to count nobody twice, and no function here gives it away.
"""

import hashlib
import os
import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from kimnode.rules.delivery import BROADCAST, State
from kimnode.store import people

MIN_PHONES = 5  # fewer are not told: in a small village a number can be a person
MAX_COUNTED = 5000  # of one kind and bulletin; a phone's token costs nothing
SALT_FACT = "reach-salt"
WHO_BYTES = 8


class Ear(StrEnum):
    """Who has it."""

    GATEWAY = "gateway"  # signed that it has verified it
    RADIO = "radio"  # acknowledged a copy sent to it alone (a hint: acknowledgements are unsigned)
    PHONE = "phone"  # had it on its screen


@dataclass(frozen=True, slots=True)
class Reach:
    """`phones` None: some, but fewer than MIN_PHONES."""

    gateways: int
    radios: int
    phones: int | None


def counts(connection: sqlite3.Connection, bulletin: int) -> Reach:
    """Of the bulletin at this log position."""
    rows = connection.execute(
        "SELECT kind, count(*) FROM reach WHERE bulletin = ? GROUP BY kind", (bulletin,)
    )
    found = dict(rows.fetchall())
    phones = found.get(Ear.PHONE, 0)
    few = 0 < phones < MIN_PHONES
    return Reach(found.get(Ear.GATEWAY, 0), found.get(Ear.RADIO, 0), None if few else phones)


def verified_by(connection: sqlite3.Connection, bulletin: int, gateway: bytes, now: int) -> None:
    """A gateway's receipt, whose signature was checked."""
    _add(connection, bulletin, Ear.GATEWAY, gateway, now)


def on_screen(connection: sqlite3.Connection, bulletin: int, device: bytes, now: int) -> None:
    """A phone had it on its screen. Kept as a hash that differs from bulletin to bulletin."""
    who = hashlib.sha256(_salt(connection) + bulletin.to_bytes(8, "big") + device).digest()
    _add(connection, bulletin, Ear.PHONE, who[:WHO_BYTES], now)


def gather_radios(connection: sqlite3.Connection, now: int) -> None:
    """Radios that acknowledged a direct copy, out of the outbox, whose rows do not live long."""
    rows = connection.execute(
        "SELECT DISTINCT outbox.seq, dest FROM outbox JOIN bulletin ON bulletin.seq = outbox.seq"
        " WHERE outbox.state = ? AND dest != ?",
        (State.DELIVERED, BROADCAST),
    ).fetchall()
    for bulletin, dest in rows:
        _add(connection, bulletin, Ear.RADIO, dest.to_bytes(4, "big"), now)


def _add(connection: sqlite3.Connection, bulletin: int, ear: Ear, who: bytes, now: int) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO reach SELECT ?, ?, ?, ?"
        " WHERE (SELECT count(*) FROM reach WHERE bulletin = ? AND kind = ?) < ?",
        (bulletin, ear, who, now, bulletin, ear, MAX_COUNTED),
    )


def _salt(connection: sqlite3.Connection) -> bytes:
    salt = people.fact(connection, SALT_FACT)
    if salt is None:
        salt = os.urandom(16)
        people.set_fact(connection, SALT_FACT, salt)
    return salt
