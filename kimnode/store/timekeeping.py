"""What is known about the time, on disk: one fact, never lowered.

CBOR [version, floor_s, uptime_s, alone_left_s, lent_s], all unsigned integers
"""

import sqlite3

import cbor2

from kimnode.errors import StoreError
from kimnode.rules.clock import LATEST_S, Saved
from kimnode.store import people

FACT = "time"
VERSION = 1


def load(connection: sqlite3.Connection) -> Saved | None:
    """What was saved last, None at the first start. StoreError when it cannot be read."""
    fact = people.fact(connection, FACT)
    if fact is None:
        return None
    try:
        version, *values = cbor2.loads(fact)
        if version == VERSION and all(type(v) is int and 0 <= v <= LATEST_S for v in values):
            return Saved(*values)
    except (cbor2.CBORError, ValueError, TypeError) as error:
        raise _unreadable() from error
    raise _unreadable()


def save(connection: sqlite3.Connection, saved: Saved) -> None:
    """Write it; floor and running time never become less than what is there."""
    try:
        before = load(connection)
    except StoreError:  # what nobody can read is no bound
        before = None
    if before is not None:
        saved = Saved(
            max(saved.floor_s, before.floor_s),
            max(saved.uptime_s, before.uptime_s),
            saved.alone_left_s,
            saved.lent_s,
        )
    values = (VERSION, saved.floor_s, saved.uptime_s, saved.alone_left_s, saved.lent_s)
    people.set_fact(connection, FACT, cbor2.dumps(values, canonical=True))


def _unreadable() -> StoreError:
    return StoreError(
        f"The fact {FACT!r} in the database cannot be read. It is written anew: "
        "connect to the district or a radio with GPS, so that old bulletins end again."
    )
