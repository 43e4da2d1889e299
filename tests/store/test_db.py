"""The one writer: group commit, the signal, cancellation, and files with faults."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from kimnode.errors import Reason, Refused, StoreError
from kimnode.store import log
from kimnode.store.db import Database, open_database
from tests.store import samples


def _append(text="halo"):
    record = samples.chat(text)
    return lambda c: log.append(c, record, 1, 1_800_000_000)


async def test_a_write_is_seen_by_the_reader_after_it_returns(db: Database):
    entry = await db.write(_append())
    assert (await db.read(lambda c: log.entry(c, entry.seq))) == entry


async def test_the_reader_cannot_write(db: Database):
    with pytest.raises(StoreError, match="readonly"):
        await db.read(lambda c: c.execute("DELETE FROM log"))


async def test_one_refused_work_leaves_the_others_of_its_group(db: Database):
    def refuse(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO fact VALUES ('half', x'00')")
        raise Refused(Reason.EMPTY)

    outcomes = await asyncio.gather(
        db.write(_append("satu")),
        db.write(refuse),
        db.write(_append("dua")),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], Refused)
    assert len(await db.read(lambda c: log.since(c, 0, 10))) == 2
    assert (await db.read(lambda c: c.execute("SELECT count(*) FROM fact").fetchone())) == (0,)


async def test_waiting_writers_share_a_commit(db: Database):
    """The signal rises once per commit, so 100 writers that wait together need few of them."""
    rises = 0
    rise = db.committed.rise

    def count() -> None:
        nonlocal rises
        rises += 1
        rise()

    db.committed.rise = count
    await asyncio.gather(*(db.write(_append(str(i))) for i in range(100)))
    assert 1 <= rises <= 5


async def test_quiet_writes_wake_nobody(db: Database):
    waiter = db.committed.waiter()
    await db.write(lambda c: log.move_cursor(c, "radio", 3), quiet=True)
    assert not waiter.is_set()
    await db.write(_append())
    assert waiter.is_set()


@pytest.mark.parametrize("turns", range(0, 40, 3))
async def test_a_cancelled_caller_neither_blocks_nor_halves_a_commit(db: Database, turns: int):
    async with asyncio.TaskGroup() as tasks:
        caller = tasks.create_task(db.write(_append("dibatalkan")))
        for _ in range(turns):
            await asyncio.sleep(0)
        waiter = db.committed.waiter()
        caller.cancel()
    entry = await db.write(_append("sesudahnya"))
    entries = await db.read(lambda c: log.since(c, 0, 10))
    assert entries[-1] == entry
    assert not list(await db.read(lambda c: list(log.verify(c))))
    assert waiter.is_set()


async def test_what_was_queued_is_on_disk_after_close(tmp_path: Path):
    path = tmp_path / "x.db"
    async with open_database(path, 0) as db:
        async with asyncio.TaskGroup() as tasks:
            callers = [tasks.create_task(db.write(_append(str(i)))) for i in range(300)]
            await asyncio.sleep(0)
            for caller in callers:
                caller.cancel()
    async with open_database(path, 0) as db:
        assert await db.read(log.last_seq) == 300


async def test_a_number_is_never_given_twice(db: Database):
    entry = await db.write(_append())
    await db.write(lambda c: c.execute("DELETE FROM log WHERE seq = ?", (entry.seq,)))
    assert (await db.write(_append())).seq == entry.seq + 1


async def test_a_newer_schema_is_refused_with_the_next_step(tmp_path: Path):
    path = tmp_path / "x.db"
    async with open_database(path, 0):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(StoreError, match=r"schema v99.*Install a newer kimnode"):
        async with open_database(path, 0):
            pass


@pytest.mark.parametrize("damage", ["head", "middle"])
async def test_a_damaged_file_is_kept_aside_and_the_node_starts(tmp_path: Path, damage: str):
    path = tmp_path / "x.db"
    async with open_database(path, 0) as db:
        await asyncio.gather(*(db.write(_append("x" * 500)) for _ in range(200)))
    content = bytearray(path.read_bytes())
    start = 0 if damage == "head" else 8192
    content[start : start + 9000] = b"\xa5" * 9000
    path.write_bytes(content)

    async with open_database(path, now=1234) as db:
        assert db.quarantined == tmp_path / "x.db.damaged-1234"
        await db.write(_append("baru"))
    assert (tmp_path / "x.db.damaged-1234").read_bytes() == content


async def test_a_sound_file_is_not_moved(tmp_path: Path):
    path = tmp_path / "x.db"
    async with open_database(path, 0) as db:
        await db.write(_append())
    async with open_database(path, 1) as db:
        assert db.quarantined is None
        assert await db.read(log.last_seq) == 1


async def test_a_full_disk_fails_the_writer_with_words_and_later_writes_work(db: Database):
    (pages,) = await db.read(lambda c: c.execute("PRAGMA page_count").fetchone())
    await db.write(lambda c: c.execute(f"PRAGMA max_page_count={pages}"))
    with pytest.raises(StoreError, match="Free disk space"):
        await db.write(_append("x" * 100_000))
    await db.write(lambda c: c.execute("PRAGMA max_page_count=1000000"))
    await db.write(_append())
    assert len(await db.read(lambda c: log.since(c, 0, 10))) == 1


async def test_a_second_node_on_the_same_file_is_refused(tmp_path: Path):
    path = tmp_path / "x.db"
    async with open_database(path, 0):
        with pytest.raises(StoreError, match="Stop it first"):
            async with open_database(path, 0):
                pass
    async with open_database(path, 0):
        pass


@pytest.mark.parametrize(
    "code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR_SHMSIZE]
)
async def test_a_sound_file_that_cannot_be_opened_now_is_not_put_aside(
    tmp_path: Path, monkeypatch, code: int
):
    """A full disk after a power cut, or a file that belongs to root."""
    path = tmp_path / "x.db"
    async with open_database(path, 0) as db:
        await db.write(_append())

    def refuse(*_: object, **__: object) -> None:
        error = sqlite3.OperationalError("no")
        error.sqlite_errorcode = code
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", refuse)
        with pytest.raises(StoreError, match="Free disk space"):
            async with open_database(path, 0):
                pass
    async with open_database(path, 0) as db:
        assert db.quarantined is None
        assert await db.read(log.last_seq) == 1
