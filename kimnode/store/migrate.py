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
# Only these mean that the file itself is bad. A full disk or a foreign owner also keeps SQLite from
# opening it, and a village must not find its history put aside for that.
DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
UNREADABLE = (
    sqlite3.SQLITE_IOERR_READ,
    sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_CORRUPTFS,
)
PRIMARY_CODE = 0xFF  # extended result codes carry the primary one in their lowest byte


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
            "Install a newer kimnode, or name another file as `database`."
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


def unusable(path: Path, error: Exception) -> StoreError:
    """For a file that may well be sound, but cannot be used now."""
    return StoreError(
        f"{path} cannot be opened ({error}). Free disk space, stop other programs that use it, "
        "and let this user write the file and its folder."
    )


def _fault(path: Path) -> str | None:
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0)
        if code & PRIMARY_CODE in DAMAGE or code in UNREADABLE:
            return str(error)
        raise unusable(path, error) from error
    return None if verdict == "ok" else str(verdict)
