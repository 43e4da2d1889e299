"""What is taken in from a file is judged by this post's own time: its floor and running time."""

import contextlib
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.keys import post
from kimnode.record import Via
from kimnode.rules.bulletins import BulletinState
from kimnode.rules.clock import Saved
from kimnode.store import timekeeping
from kimnode.store.db import open_database
from tests import published
from tests.published import Node
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import EDI, V1, V3

DAYS_ON_S = 400 * samples.DAY  # this machine has been on for longer than any bulletin holds


class LongOn(Clock):
    def monotonic(self) -> float:
        return super().monotonic() + DAYS_ON_S


@pytest.fixture
async def database(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setattr(post, "Clock", LongOn)
    path = tmp_path / "village.db"
    known = Saved(samples.NOW_S, samples.NOW.uptime_s, 0, 0)
    async with published.opened(path) as node:
        await node.db.write(lambda c: timekeeping.save(c, known))
    return path


@contextlib.asynccontextmanager
async def again(path: Path) -> AsyncIterator[Node]:
    async with open_database(path, samples.NOW_S) as db:
        yield Node(db)


async def taken(database: Path, *documents) -> str:
    out = io.StringIO()
    await post._import(Config(database=str(database)), documents, "", out)
    return out.getvalue()


async def test_a_list_from_a_file_ends_no_bulletin(database):
    bulletin = samples.bulletin(V1)
    async with again(database) as node:
        await node.accept(bulletin, Via.RADIO)
        await node.accept(samples.approval(bulletin, V3), Via.RADIO)
    assert "1 here, 0 refused" in await taken(database, samples.revocation())
    async with again(database) as node:
        assert await node.written(bulletin.id) is BulletinState.VERIFIED


async def test_a_bulletin_from_a_file_is_known_since_now(database):
    bulletin = samples.bulletin(V1)
    approval = samples.approval(bulletin, V3)
    assert "2 here, 0 refused" in await taken(database, bulletin, approval)
    async with again(database) as node:
        node.now = samples.later(60)
        assert await node.state(bulletin.id) is BulletinState.VERIFIED
        seconds = "SELECT known_uptime_s FROM bulletin"
        (known_s,) = await node.db.read(lambda c: c.execute(seconds).fetchone())
        assert samples.NOW.uptime_s <= known_s < samples.NOW.uptime_s + 60


async def test_whose_certificate_is_over_signs_no_file(database):
    """Also not with an old date: it is over by the floor."""
    dated = {"made_min": samples.NOW_MIN - 20 * 1440}
    told = await taken(database, samples.bulletin(EDI, when=dated))
    assert "0 here, 1 refused" in told
