"""Databases of every released schema version are opened and read by the present code."""

import contextlib
import re
import sqlite3
from pathlib import Path

import pytest

from kimnode.record import Kind
from kimnode.rules.bulletins import BulletinState
from kimnode.rules.sos import SosState
from kimnode.store import board, log, outbox, people, project, views
from kimnode.store.db import open_database
from kimnode.store.migrate import schema_files
from kimnode.store.trust import TrustCache
from tests.rules import trust_samples as samples

DUMPS = sorted((Path(__file__).parent.parent / "databases").glob("v*.sql"))
TABLES = re.compile(r"CREATE TABLE (\w+)")


def test_every_version_has_its_dump():
    assert [dump.stem for dump in DUMPS] == [f"v{number}" for number, _ in schema_files()]


def test_schema_files_are_numbered_without_gaps_and_commented():
    files = schema_files()
    assert [number for number, _ in files] == list(range(1, len(files) + 1))
    for _, sql in files:
        assert sql.startswith("-- ")


def load(dump: Path, path: Path) -> None:
    """Make the database; every table of it has rows."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(dump.read_text())
        for number, sql in schema_files():
            for table in TABLES.findall(sql) if number <= version(dump) else ():
                assert connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0], table


def version(dump: Path) -> int:
    return int(dump.stem[1:])


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
async def test_an_old_database_is_opened_and_read(tmp_path: Path, dump: Path):
    path = tmp_path / "old.db"
    load(dump, path)
    async with open_database(path, 0) as db:
        assert db.quarantined is None
        assert await db.read(lambda c: list(log.verify(c))) == []
        messages = await db.read(lambda c: views.since(c, 0, 10))
        assert [m.text for m in messages[:2]] == ["halo dari ponsel", "halo dari radio"]
        assert (messages[1].name, messages[4].text) == ("Pak RT", None)
        assert (messages[2].kind, messages[2].sos.state) == (Kind.SOS, SosState.TAKEN)
        assert (await db.read(lambda c: outbox.by_packet_id(c, 77))).seq == 1
        assert await db.read(lambda c: people.fact(c, "radio-key")) == b"k" * 32
        (now,) = await db.read(lambda c: c.execute("PRAGMA user_version").fetchone())
        assert now == schema_files()[-1][0]


@pytest.mark.parametrize("dump", [d for d in DUMPS if version(d) >= 2], ids=lambda dump: dump.stem)
async def test_its_bulletins_are_verified_again(tmp_path: Path, dump: Path):
    path = tmp_path / "old.db"
    load(dump, path)
    async with open_database(path, 0) as db:
        (shown,) = await db.read(lambda c: board.board(c, TrustCache(), samples.NOW))
        assert shown.state is BulletinState.VIA_POST
        assert [signed.problem for signed in (shown.author, *shown.votes)] == [None, None]
        assert await db.write(project.rebuild) > 0
        assert await db.read(lambda c: board.board(c, TrustCache(), samples.NOW)) == [shown]
