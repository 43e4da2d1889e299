"""Reach and incidents: counts only, nobody twice, bounded."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from kimnode.record import Via
from kimnode.rules.airtime import Priority
from kimnode.rules.delivery import BROADCAST, State
from kimnode.store import incidents, outbox, reach
from kimnode.store.incidents import MAX_INCIDENTS, Incident
from kimnode.store.reach import MIN_PHONES, Reach
from tests.published import Node, opened
from tests.rules import trust_samples as samples

NOW = 1_800_000_000


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with opened(tmp_path / "village.db") as node:
        yield node


async def counts(node: Node, seq: int) -> Reach:
    return await node.db.read(partial(reach.counts, bulletin=seq))


async def test_few_phones_are_not_told(node):
    bulletin = samples.bulletin(samples.V1)
    seq = await node.accept(bulletin, Via.RADIO)
    assert await counts(node, seq) == Reach(0, 0, 0)
    for phone in range(MIN_PHONES):
        device = bytes([phone] * 8)
        for _ in range(2):
            seen = partial(reach.on_screen, bulletin=seq, device=device, now=NOW)
            await node.db.write(seen)
        told = (await counts(node, seq)).phones
        assert told == (None if phone + 1 < MIN_PHONES else MIN_PHONES)


async def test_a_phone_is_not_recognised_from_bulletin_to_bulletin(node):
    one = await node.accept(samples.bulletin(samples.V1), Via.RADIO)
    two = await node.accept(samples.bulletin(samples.V1, text="Yang kedua."), Via.RADIO)
    for seq in (one, two):
        await node.db.write(partial(reach.on_screen, bulletin=seq, device=b"phone---", now=NOW))
    kept = await node.db.read(lambda c: c.execute("SELECT who FROM reach").fetchall())
    assert len(set(kept)) == 2
    assert not [who for (who,) in kept if b"phone" in who]


async def test_gateways_count_by_their_signed_receipts(node):
    bulletin = samples.bulletin(samples.V1)
    seq = await node.accept(bulletin, Via.RADIO)
    for minute in (0, 1):
        receipt = samples.receipt(bulletin, by=samples.SALUTIWO, made_min=samples.NOW_MIN - minute)
        await node.accept(receipt, Via.RADIO)
    await node.accept(samples.receipt(bulletin, by=samples.LEBBA), Via.RADIO)
    assert (await counts(node, seq)).gateways == 2
    forged = samples.receipt(bulletin, by=samples.Machine("Pos curian", samples.HUB.role, 0))
    assert await node.refusal(forged, Via.RADIO) is not None
    assert (await counts(node, seq)).gateways == 2


async def test_radios_count_by_acknowledged_direct_copies(node):
    seq = await node.accept(samples.bulletin(samples.V1), Via.NODE)

    def queued(connection) -> None:
        for dest, state in (
            (1, State.DELIVERED), (2, State.DELIVERED), (2, State.DELIVERED),
            (3, State.RELAYED), (BROADCAST, State.DELIVERED),
        ):  # fmt: skip
            packet = outbox.NewPacket(
                *(seq, 1, 1, Priority.CHAT, dest, 0, b"KIM", None, True, NOW + 60.0, state)
            )
            outbox.queue(connection, [packet], NOW)

    await node.db.write(queued)
    for _ in range(2):
        await node.db.write(partial(reach.gather_radios, now=NOW))
    assert (await counts(node, seq)).radios == 2


async def test_a_counter_is_bounded(node, monkeypatch):
    monkeypatch.setattr(reach, "MAX_COUNTED", 7)
    for n in range(9):
        await node.db.write(partial(reach.verified_by, bulletin=1, gateway=bytes([n]), now=NOW))
    assert (await counts(node, 1)).gateways == 7


async def test_incidents_are_counted_and_the_oldest_go(db):
    for at in (NOW, NOW + 5):
        await db.write(partial(incidents.add, kind="own-key", who="key:aa", now=at))
    assert await db.read(partial(incidents.recent, limit=5)) == [
        Incident("own-key", "key:aa", NOW + 5, 2)
    ]
    for n in range(MAX_INCIDENTS):
        await db.write(partial(incidents.add, kind="key-changed", who=f"!{n}", now=NOW + 9))
    known = await db.read(partial(incidents.recent, limit=2 * MAX_INCIDENTS))
    assert len(known) == MAX_INCIDENTS
    assert {one.kind for one in known} == {"key-changed"}
