"""The time on disk: comes back, never goes back, and garbage is said."""

import cbor2
import pytest

from kimnode.errors import StoreError
from kimnode.rules.clock import EARLIEST_S, LATEST_S, Saved
from kimnode.store import people, timekeeping
from kimnode.store.db import Database, open_database

KNOWN = Saved(EARLIEST_S + 500, 4000, 300, 20)


async def save(db: Database, saved: Saved) -> None:
    await db.write(lambda c: timekeeping.save(c, saved), quiet=True)


async def test_nothing_is_known_at_first(db: Database):
    assert await db.read(timekeeping.load) is None


async def test_it_comes_back_after_a_restart(tmp_path):
    for _ in range(2):
        async with open_database(tmp_path / "time.db", now=EARLIEST_S) as db:
            await save(db, KNOWN)
    async with open_database(tmp_path / "time.db", now=EARLIEST_S) as db:
        assert await db.read(timekeeping.load) == KNOWN


async def test_floor_and_running_time_are_never_lowered(db: Database):
    await save(db, KNOWN)
    await save(db, Saved(EARLIEST_S, 1, 7, 8))
    assert await db.read(timekeeping.load) == Saved(KNOWN.floor_s, KNOWN.uptime_s, 7, 8)
    await save(db, Saved(EARLIEST_S + 501, 4001, 7, 8))
    assert await db.read(timekeeping.load) == Saved(EARLIEST_S + 501, 4001, 7, 8)


GOOD = [1, EARLIEST_S, 0, 0, 0]


@pytest.mark.parametrize(
    "fact",
    [
        b"", b"\xff", b"\x85\x01", b"hello", cbor2.dumps(3), cbor2.dumps({}), cbor2.dumps([]),
        cbor2.dumps(GOOD[:4]), cbor2.dumps([*GOOD, 0]), cbor2.dumps([2, *GOOD[1:]]),
        cbor2.dumps([1, LATEST_S + 1, 0, 0, 0]), cbor2.dumps([1, -1, 0, 0, 0]),
        cbor2.dumps([1, 1.5e9, 0, 0, 0]), cbor2.dumps([1, "x", 0, 0, 0]),
        cbor2.dumps([1, True, 0, 0, 0]),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_said_and_written_anew(db: Database, fact):
    await db.write(lambda c: people.set_fact(c, timekeeping.FACT, fact))
    with pytest.raises(StoreError, match="GPS"):
        await db.read(timekeeping.load)
    await save(db, KNOWN)
    assert await db.read(timekeeping.load) == KNOWN
