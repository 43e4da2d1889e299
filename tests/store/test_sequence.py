"""Sequence numbers: never one twice, whatever happens to the card; what is missing of others."""

import sqlite3
from contextlib import closing
from functools import partial

import pytest

from kimnode.errors import Reason, Refused
from kimnode.store import sequence
from kimnode.store.db import open_database
from kimnode.store.sequence import BLOCK, MAX_STREAMS, NUMBER_END, WINDOW, Stream

KEY, OTHER = bytes(32), b"\1" * 32
NOW = 1_800_000_000


async def take(db, key: bytes = KEY) -> int:
    return (await db.write(partial(sequence.next_seq, signer=key)))[1]


async def test_numbers_of_each_signer_count_up(db):
    assert [await take(db) for _ in range(BLOCK + 2)] == list(range(1, BLOCK + 3))
    assert await take(db, OTHER) == 1


async def test_after_a_restart_the_rest_of_the_block_is_skipped(tmp_path):
    path = tmp_path / "village.db"
    async with open_database(path, NOW) as db:
        epoch, first = await db.write(partial(sequence.next_seq, signer=KEY))
        assert await take(db) == first + 1
    async with open_database(path, NOW) as db:
        assert await db.write(partial(sequence.next_seq, signer=KEY)) == (epoch, first + BLOCK)


async def test_after_a_restart_no_number_of_a_later_block_comes_again(tmp_path):
    """Whether or not a document was made of it."""
    path = tmp_path / "village.db"
    async with open_database(path, NOW) as db:
        used = [await take(db) for _ in range(BLOCK + 6)]
    async with open_database(path, NOW) as db:
        assert await take(db) > max(used)


async def test_a_number_that_was_not_committed_was_not_used(db):
    def fails(connection) -> None:
        sequence.next_seq(connection, KEY)
        raise Refused(Reason.BAD_REQUEST)

    with pytest.raises(Refused):
        await db.write(fails)
    assert await take(db) == 1
    with pytest.raises(Refused):
        await db.write(fails)
    assert await take(db) == 2


async def test_a_counter_that_is_older_than_the_log_is_passed(db):
    """The table was lost, the documents were not."""

    def known(connection) -> None:
        sequence.record(connection, KEY, sequence.epoch(connection), 500, bytes(32))

    await db.write(known)
    assert await take(db) == 501


async def test_after_a_restored_backup_numbers_belong_to_another_epoch(db):
    born = await db.write(sequence.epoch)
    assert await db.write(sequence.epoch) == born
    assert await take(db) == 1

    def restored(connection) -> int:
        while (fresh := sequence.new_epoch(connection)) == born:
            pass
        return fresh

    fresh = await db.write(restored)
    assert await db.write(partial(sequence.next_seq, signer=KEY)) == (fresh, 1)


async def test_a_number_belongs_to_one_document(db):
    mine, other = b"\1" * 32, b"\2" * 32
    place = {"signer": KEY, "in_epoch": 7, "seq": 3}
    assert await db.read(partial(sequence.owner, **place)) is None
    await db.write(partial(sequence.record, **place, document_id=mine))
    await db.write(partial(sequence.record, **place, document_id=other))
    assert await db.read(partial(sequence.owner, **place)) == mine
    assert await db.read(partial(sequence.owner, **{**place, "seq": 2})) is None


async def test_what_is_missing(db):
    def heard(connection) -> None:
        for seq in (1, 2, 5, 6, 9):
            sequence.record(connection, KEY, 7, seq, seq.to_bytes(32, "big"))
        for seq in (3, 1000):
            sequence.record(connection, OTHER, 7, seq, (seq + 9).to_bytes(32, "big"))
        sequence.record(connection, KEY, 8, 1, b"\5" * 32)

    await db.write(heard)
    vector = await db.read(sequence.vector)
    assert vector[KEY, 7] == Stream(9, (3, 4, 7, 8))
    assert vector[KEY, 8] == Stream(1, ())
    # One that jumps far ahead makes nobody ask for ever.
    assert vector[OTHER, 7] == Stream(1000, tuple(range(1001 - WINDOW, 1000)))


def test_the_vector_is_bounded(tmp_path):
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE sequence (signer, epoch, seq, id)")
        connection.execute("CREATE TABLE log (seq, id)")
        for n in range(MAX_STREAMS + 5):
            row = (n.to_bytes(32, "big"), 1, 1, n.to_bytes(32, "big"))
            connection.execute("INSERT INTO sequence VALUES (?, ?, ?, ?)", row)
            connection.execute("INSERT INTO log VALUES (?, ?)", (n, row[3]))
        vector = sequence.vector(connection)
    assert len(vector) == MAX_STREAMS
    assert ((0).to_bytes(32, "big"), 1) not in vector  # the ones heard last stay


async def test_bulletin_numbers_have_no_gaps_and_begin_again(db):
    assert [await db.write(sequence.next_number) for _ in range(3)] == [1, 2, 3]
    await db.write(
        lambda c: c.execute(
            "UPDATE counter SET next = ? WHERE name = 'bulletin'", (NUMBER_END - 1,)
        )
    )
    assert [await db.write(sequence.next_number) for _ in range(2)] == [NUMBER_END - 1, 1]
