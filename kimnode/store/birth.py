"""Tells whether this file is the one that ran here last, or an older copy that was put back.

Each start writes the same random number into the database and into a small file beside it. If they
differ at the next start, the database comes from a backup or from another card: numbers may have
been used since that it does not know, so it counts in a new epoch.
"""

import contextlib
import os
import sqlite3
from pathlib import Path

from kimnode.store import people, sequence

STARTED = "started"  # fact: the number of the last start
NUMBER_BYTES = 8
ENDING = ".started"


def begin(connection: sqlite3.Connection, database: Path) -> bool:
    """In a write, once at each start. True when the database was put back and counts anew."""
    mark = database.with_name(database.name + ENDING)
    known, here = people.fact(connection, STARTED), b""
    with contextlib.suppress(OSError):
        here = mark.read_bytes()
    restored = known is not None and known != here
    if restored:
        sequence.new_epoch(connection)
    number = os.urandom(NUMBER_BYTES)
    people.set_fact(connection, STARTED, number)
    _write(mark, number)
    return restored


def _write(mark: Path, number: bytes) -> None:
    """Whole or not at all. A full disk must not keep the node from starting: without the file the
    next start counts in a new epoch, and that is all."""
    fresh = mark.with_name(mark.name + ".new")
    with contextlib.suppress(OSError), fresh.open("wb") as file:
        file.write(number)
        file.flush()
        os.fsync(file.fileno())
        fresh.replace(mark)
