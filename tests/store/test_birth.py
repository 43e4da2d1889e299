"""A database that was put back counts in a new epoch; one that ran here last goes on."""

import shutil
from pathlib import Path

from kimnode.store import birth, sequence
from kimnode.store.db import open_database

SIGNER = bytes(32)


async def start(path: Path) -> tuple[bool, int, int]:
    """Whether it was put back, the epoch, and the next number."""
    async with open_database(path, 0) as db:
        restored = await db.write(lambda c: birth.begin(c, path))
        epoch, number = await db.write(lambda c: sequence.next_seq(c, SIGNER))
        return restored, epoch, number


async def test_the_same_file_goes_on_and_a_copy_put_back_does_not(tmp_path):
    path, copy = tmp_path / "kimnode.db", tmp_path / "copy.db"
    first = await start(path)
    shutil.copy(path, copy)
    second = await start(path)
    assert [first[0], second[0]] == [False, False]
    assert first[1] == second[1]
    assert second[2] > first[2]
    shutil.copy(copy, path)
    restored, epoch, number = await start(path)
    assert restored
    assert epoch != first[1]
    assert number == 1
    assert (await start(path))[:2] == (False, epoch)


async def test_another_card_is_a_restoration_too(tmp_path):
    path = tmp_path / "kimnode.db"
    _, epoch, _ = await start(path)
    (tmp_path / "kimnode.db.started").unlink()
    assert (await start(path))[1] != epoch


async def test_a_file_that_cannot_be_written_costs_an_epoch_and_no_more(tmp_path):
    path = tmp_path / "kimnode.db"
    (tmp_path / "kimnode.db.started.new").mkdir()
    _, epoch, _ = await start(path)
    restored, later, _ = await start(path)
    assert restored
    assert later != epoch
