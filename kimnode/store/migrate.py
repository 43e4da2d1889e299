"""Opening a database that may be old, newer than we are, or damaged by a power cut.

A damaged file is renamed, never deleted: the village's history may still be rescued from it.
"""

import contextlib
import importlib.resources
import logging
import sqlite3
from pathlib import Path

from kimnode.errors import StoreError

log = logging.getLogger(__name__)
SIDE_FILES = ("", "-wal", "-shm")


def schema_files() -> list[tuple[int, str]]:
    """(number, SQL text) of every schema file, in order."""
    folder = importlib.resources.files("kimnode.store") / "schema"
    names = sorted(f.name for f in folder.iterdir() if f.name.endswith(".sql"))
    return [(int(name[:4]), (folder / name).read_text()) for name in names]


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date, each step in a transaction of its own.

    StoreError when the file was written by a newer kimnode: its meaning is not known here.
    """
    files = schema_files()
    (have,) = connection.execute("PRAGMA user_version").fetchone()
    if have > files[-1][0]:
        raise StoreError(
            f"The database has schema v{have}; this kimnode knows v{files[-1][0]}. "
            "Install a newer kimnode, or point [store] path at another file."
        )
    for number, sql in files:
        if number > have:
            log.info("database schema v%d -> v%d", have, number)
            connection.executescript(f"BEGIN;\n{sql}\nPRAGMA user_version={number};\nCOMMIT;")


def quarantine_if_damaged(path: Path, now: int) -> Path | None:
    """Where a damaged database (and its side files) was moved to, or None when it is sound."""
    if not path.exists() or (fault := _fault(path)) is None:
        return None
    target = path.with_name(f"{path.name}.damaged-{now}")
    for suffix in SIDE_FILES:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(target.with_name(target.name + suffix))
    log.error("the database is damaged (%s): kept as %s, starting with an empty one", fault, target)
    return target


def _fault(path: Path) -> str | None:
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            raise StoreError(f"{path} is in use by another kimnode. Stop it first.") from error
        return str(error)
    return None if verdict == "ok" else str(verdict)
