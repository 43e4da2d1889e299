"""What a power cut leaves of a database: two files, and nobody knows where the last bytes went.

`snapshot` is taken while the process stands still, so it is what the system held at one moment.
`tear` then makes of it what a disk may hold after the power failed: SQLite has synced the frames
that the shared-memory index calls committed (synchronous=FULL), and nothing beyond. Pages that a
checkpoint is just copying back may be half written as well; the log still has all of them.
"""

import random
import shutil
import sqlite3
import struct
from dataclasses import dataclass
from pathlib import Path

WAL_HEADER_BYTES, FRAME_HEADER_BYTES = 32, 24
COMMITTED_AT, BACKFILLED_AT = 16, 96  # offsets in the -shm file: mxFrame, nBackfill
SECTOR_BYTES = 512


@dataclass(frozen=True, slots=True)
class Wal:
    """The log of one snapshot."""

    page_bytes: int
    committed: int  # frames
    backfilled: int  # frames that are surely in the database file
    pages: list[int]  # page number of each committed frame

    @property
    def durable_bytes(self) -> int:
        frame = FRAME_HEADER_BYTES + self.page_bytes
        return WAL_HEADER_BYTES + self.committed * frame if self.committed else 0


def snapshot(database: Path, target: Path) -> None:
    """Copy the database and its side files; its process must stand still."""
    for suffix in ("", "-wal", "-shm"):
        source = database.with_name(database.name + suffix)
        if source.exists():
            shutil.copyfile(source, target.with_name(target.name + suffix))


def tear(database: Path, rng: random.Random) -> bool:
    """Damage in place what was not on the disk for sure. False when there was nothing to damage."""
    wal_file = database.with_name(database.name + "-wal")
    index_file = database.with_name(database.name + "-shm")
    wal = _read(wal_file, index_file)
    index_file.unlink(missing_ok=True)
    torn = _tear_tail(wal_file, wal, rng)
    return _tear_pages(database, wal, rng) or torn


def _read(wal_file: Path, index_file: Path) -> Wal:
    data = wal_file.read_bytes() if wal_file.exists() else b""
    index = index_file.read_bytes() if index_file.exists() else b""
    if len(data) < WAL_HEADER_BYTES or len(index) < BACKFILLED_AT + 4:
        return Wal(4096, 0, 0, [])
    (page_bytes,) = struct.unpack_from(">I", data, 8)
    (committed,) = struct.unpack_from("=I", index, COMMITTED_AT)
    (backfilled,) = struct.unpack_from("=I", index, BACKFILLED_AT)
    step = FRAME_HEADER_BYTES + page_bytes
    at = [WAL_HEADER_BYTES + number * step for number in range(committed)]
    return Wal(
        page_bytes, committed, backfilled, [struct.unpack_from(">I", data, a)[0] for a in at]
    )


def _tear_tail(wal_file: Path, wal: Wal, rng: random.Random) -> bool:
    """Cut off, blank or garble what follows the last synced frame."""
    size = wal_file.stat().st_size if wal_file.exists() else 0
    rest = size - wal.durable_bytes
    if rest <= 0:
        return False
    with wal_file.open("r+b") as file:
        if rng.random() < 0.5:
            file.truncate(wal.durable_bytes + rng.randrange(rest))
            return True
        for start in range(wal.durable_bytes, size, SECTOR_BYTES):
            if rng.random() < 0.5:
                file.seek(start)
                file.write(rng.randbytes(min(SECTOR_BYTES, size - start)))
    return True


def _tear_pages(database: Path, wal: Wal, rng: random.Random) -> bool:
    """Garble some of the pages that only the log holds for sure."""
    pages = sorted(set(wal.pages[wal.backfilled :]) - {1})
    torn = [page for page in pages if rng.random() < 0.3]
    size = database.stat().st_size
    with database.open("r+b") as file:
        for page in torn:
            start = (page - 1) * wal.page_bytes
            if start + wal.page_bytes <= size:
                file.seek(start + rng.randrange(0, wal.page_bytes, SECTOR_BYTES))
                file.write(rng.randbytes(SECTOR_BYTES))
    return bool(torn)


def faults(database: Path) -> list[str]:
    """What SQLite itself finds wrong with the file; empty when it is sound."""
    connection = sqlite3.connect(database)
    try:
        rows = connection.execute("PRAGMA integrity_check").fetchall()
    finally:
        connection.close()
    return [text for (text,) in rows if text != "ok"]
