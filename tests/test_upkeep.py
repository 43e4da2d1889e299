"""What the node does without being asked: bulletins end, and verified documents tell the time."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest

from kimnode.clock import Clock
from kimnode.errors import StoreError
from kimnode.record import Via
from kimnode.rules.bulletins import BulletinState
from kimnode.rules.clock import Evidence, Source
from kimnode.rules.expiry import end_of_day
from kimnode.upkeep import Upkeep, evidence_of
from kimnode.wire.codes import TimeTrust
from kimnode.wire.times import unix_of_minutes
from tests.published import opened
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import HUB, KARATAUN, NOW_MIN, V1, V3
from tests.waiting import until

TRUST = samples.trust()
NOW_S = unix_of_minutes(NOW_MIN)


def end_of(machine) -> int:
    (certificate,) = TRUST.certificates[machine.key]
    return end_of_day(certificate.to_day)


def test_a_district_or_hub_tells_the_time_within_its_certificate():
    anchor = samples.time_anchor()
    assert evidence_of(anchor, TRUST) == Evidence(Source.DISTRICT, NOW_S, end_of(HUB))
    listed = samples.revocation()
    said = evidence_of(listed, TRUST)
    assert said is not None
    assert (said.source, said.unix_s) == (Source.DISTRICT, unix_of_minutes(listed.made_min))


def test_a_post_or_volunteer_tells_it_only_when_sure():
    bulletin = samples.bulletin(V1, KARATAUN)
    vote = samples.approval(bulletin, V3, KARATAUN)
    for document in (bulletin, vote):
        made_s = unix_of_minutes(document.stamp.made_min)
        until_s = end_of(KARATAUN)
        assert evidence_of(document, TRUST) == Evidence(Source.VOLUNTEER, made_s, until_s)
    unsure = samples.bulletin(V1, KARATAUN, when={"trust": TimeTrust.ABOUT})
    assert evidence_of(unsure, TRUST) is None


@pytest.mark.parametrize(
    "document",
    [
        samples.receipt(),
        replace(samples.time_anchor(), signature=bytes(64)),
        replace(samples.time_anchor(), made_min=NOW_MIN + 1),
        replace(samples.time_anchor(), issuer=bytes(32)),
        replace(samples.bulletin(V1, KARATAUN), text="lain"),
    ],
)
def test_what_is_not_signed_by_a_known_key_says_nothing(document):
    assert evidence_of(document, TRUST) is None


async def test_a_full_disk_does_not_end_the_loop(tmp_path, monkeypatch):
    """A bulletin ends while nothing can be written; it is written down when there is room again."""
    async with opened(tmp_path / "village.db") as node:
        bulletin = samples.bulletin(V1)
        await node.accept(bulletin, Via.RADIO)
        await node.accept(samples.approval(bulletin, V3), Via.RADIO)
        node.now = samples.later(100 * samples.DAY)
        tried, write = asyncio.Event(), node.db.write

        async def full(work, *, quiet=False):
            tried.set()
            raise StoreError("disk full")

        keeper = SimpleNamespace(take=[].append, estimate=lambda: node.now)
        monkeypatch.setattr(node.db, "write", full)
        async with asyncio.TaskGroup() as tasks:
            upkeep = Upkeep(node.db, node.intake, keeper, Clock(speed=6000.0))
            loop = tasks.create_task(upkeep.run())
            async with asyncio.timeout(5):
                await tried.wait()
            monkeypatch.setattr(node.db, "write", write)

            async def over() -> bool:
                return await node.written(bulletin.id) is BulletinState.EXPIRED

            await until(over)
            loop.cancel()
