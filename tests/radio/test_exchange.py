"""Port 302 with real logs, real trust and real signatures; only radio and mesh are played."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kimnode.clock import Clock
from kimnode.radio import exchange as edge
from kimnode.record import Kind
from kimnode.store import exchange, log
from kimnode.wire import air, gossip
from kimnode.wire.air import PORT
from kimnode.wire.documents import Bulletin, Certificate, Receipt
from kimnode.wire.gossip import Beacon, Item, Want
from tests.radio import stations
from tests.radio.stations import Ether, Station, approved, drafted, ether, heard, station
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import CHAIN, KARATAUN, RINA, ROOT, SALUTIWO, V3, V4
from tests.waiting import until

REPEATS_OVER_S = 400.0  # nobody says by himself what was published before
LONG = " Kemarin 3 orang di Salutiwo, Lebba dan Rantedoda 7x menerima SMS 0812-5599-1347: 'awas'."
LORA_ONLY_HINT = Beacon(b"foreign", 5, 5, b"abcd")


@pytest.fixture
async def mesh() -> AsyncIterator[Ether]:
    async with ether() as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock(stations.SPEED)


@pytest.fixture
async def posts(
    mesh: Ether, tmp_path: Path, clock: Clock
) -> AsyncIterator[tuple[Station, Station]]:
    async with (
        station(mesh, tmp_path / "a.db", KARATAUN, clock) as a,
        station(mesh, tmp_path / "b.db", SALUTIWO, clock, 2) as b,
    ):
        yield a, b


async def test_a_bulletin_made_at_one_post_is_verified_at_another(posts):
    a, b = posts
    bulletin = await drafted(a)
    await approved(a, bulletin, direct=True)
    await until(lambda: _is(b, bulletin, "verified"))


async def test_two_persons_by_the_word_of_one_post_are_shown_as_that(posts):
    a, b = posts
    bulletin = await drafted(a)
    await approved(a, bulletin)
    await until(lambda: _is(b, bulletin, "via-post"))
    assert await a.state(bulletin) == "verified"


async def test_what_waits_for_a_second_person_stays_here(mesh, posts, clock):
    a, b = posts
    draft, bulletin = await drafted(a), await drafted(a)
    await approved(a, bulletin)
    await until(lambda: _is(b, bulletin, "via-post"))
    a.correspondent._sync_at = 0.0
    hint = draft.id[:8]
    asked = gossip.pack_ask([Item(Want.BULLETIN, hint), Item(Want.APPROVAL, hint)])
    for _ in range(3):
        await a.correspondent.heard(heard(asked))
        await clock.sleep(100)
    assert await b.state(draft) == "unknown"
    assert not any(draft.signature in packet for _, packet in mesh.said)


@pytest.mark.parametrize("lost", ["PAIR", "BULLETIN", "APPROVAL"])
async def test_what_was_lost_is_asked_for(lost, mesh, posts):
    a, b = posts
    left = 2
    types: list[str] = []

    def is_lost(_a: Station, _b: Station, packet: bytes) -> bool:
        nonlocal left
        kind = air.type_of(packet).name
        types.append(kind)
        hit = kind in (lost, "REPAIR") and left > 0
        left -= hit
        return hit

    mesh.lost = is_lost
    bulletin = await drafted(a, LONG if lost != "PAIR" else "")
    await approved(a, bulletin, direct=True)
    await until(lambda: _is(b, bulletin, "verified"))
    assert left == 0
    assert "ASK" in types


async def test_a_post_that_was_off_catches_up(mesh, tmp_path, clock):
    async with station(mesh, tmp_path / "a.db", KARATAUN, clock) as a:
        made = [await drafted(a) for _ in range(3)]
        for bulletin in made:
            await approved(a, bulletin, direct=True)
        await until(lambda: len(mesh.said) >= 3)
        await clock.sleep(REPEATS_OVER_S)
        async with station(mesh, tmp_path / "b.db", SALUTIWO, clock, 2) as b:
            for bulletin in made:
                await until(lambda one=bulletin: _is(b, one, "verified"), 60)
    assert "BEACON" in mesh.types()
    assert {"ASK", "VECTOR"} & set(mesh.types())


async def test_after_a_power_cut_nothing_is_forgotten_and_nothing_is_said_twice(
    mesh, tmp_path, clock
):
    async with station(mesh, tmp_path / "b.db", SALUTIWO, clock, 2) as b:
        async with station(mesh, tmp_path / "a.db", KARATAUN, clock) as a:
            mesh.deaf = True  # nobody takes packets to the air
            bulletin = await drafted(a)
            await approved(a, bulletin, direct=True)
            await until(a.queued)
        mesh.deaf = False
        mesh.said.clear()
        async with station(mesh, tmp_path / "a.db", KARATAUN, clock, 3, chain=()) as again:
            await until(lambda: _is(b, bulletin, "verified"))
            last = await again.db.read(log.last_seq)
            assert await again.db.read(lambda c: log.cursor(c, edge.CURSOR)) <= last
    pairs = [packet for packet in mesh.said if air.type_of(packet[1]).name == "PAIR"]
    assert len(pairs) <= 2


async def test_an_entry_that_was_not_published_before_a_crash_is_published_after_it(
    mesh, tmp_path, clock
):
    async with station(mesh, tmp_path / "b.db", SALUTIWO, clock, 2) as b:
        async with stations.silent(mesh, tmp_path / "a.db", KARATAUN, clock) as a:
            bulletin = await drafted(a)
            await approved(a, bulletin, direct=True)
        async with station(mesh, tmp_path / "a.db", KARATAUN, clock, 3, chain=()):
            await until(lambda: _is(b, bulletin, "verified"))


async def test_certificates_that_are_missing_are_asked_for(mesh, tmp_path, clock):
    office = (ROOT, samples.DISTRICT_CERT)
    own = tuple(d for d in CHAIN if isinstance(d, Certificate) and d.key == SALUTIWO.key)
    async with (
        station(mesh, tmp_path / "a.db", KARATAUN, clock) as a,
        station(mesh, tmp_path / "b.db", SALUTIWO, clock, 2, chain=(*office, *own)) as b,
    ):
        bulletin = await drafted(a)
        await approved(a, bulletin, direct=True)
        await until(lambda: _is(b, bulletin, "verified"), 60)
    assert "CERTIFICATE" in mesh.types()


async def test_a_long_revocation_list_and_suspensions_arrive(posts):
    a, b = posts
    strangers = [samples.seed_of(f"stranger {n}") for n in range(60)]
    await a.accept(samples.revocation(*strangers, RINA.key, RINA.radio, number=2))
    await until(lambda: _listed(b, 2))
    for person in (V3, V4):
        await a.attestor.vote(Kind.SUSPENSION, samples.V1.radio, person.radio)
    await until(lambda: _is_suspended(b))


async def test_lists_of_two_issuers_are_both_wanted(mesh, clock, tmp_path):
    """Each issuer counts its own: a great number of the hub must not hide the district's next."""
    by_hub = samples.revocation(RINA.radio, by=samples.HUB, number=500)
    by_district = samples.revocation(RINA.key, number=2)
    async with (
        station(mesh, tmp_path / "a.db", KARATAUN, clock, chain=(*samples.CHAIN, by_hub)) as a,
        station(mesh, tmp_path / "b.db", SALUTIWO, clock, 2, (*samples.CHAIN, by_district)) as b,
    ):
        for post in (a, b):
            await until(lambda post=post: _has_lists(post, {500, 2}), 60)


async def test_receipts_go_out_together_and_late(mesh, posts):
    a, b = posts
    made = [await drafted(a) for _ in range(2)]
    for bulletin in made:
        await approved(a, bulletin)
        await until(lambda one=bulletin: _is(b, one, "via-post"))
    before = mesh.types().count("RECEIPT")
    assert before == 0
    b.correspondent._receipt_at = 0.0
    b.correspondent._wake.set()
    receipts = await until(lambda: _receipts(a))
    assert {one for receipt in receipts for one in receipt.bulletins} == {one.id for one in made}
    assert await b.db.read(lambda c: exchange.unreceipted(c, SALUTIWO.key, 16)) == []


async def test_documents_may_come_by_any_road_hints_only_by_our_own_radio(mesh, posts):
    a, _ = posts
    bulletin = samples.bulletin(samples.V1, SALUTIWO)
    approval = samples.approval(bulletin, V3)
    asked = gossip.pack_ask([Item(Want.ROOT, number=0)])
    for changes in ({"transport": 6}, {"transport": 1, "via_mqtt": True}):
        await a.correspondent.heard(heard(asked, **changes))
        await a.correspondent.heard(heard(LORA_ONLY_HINT.pack()[:19], **changes))
    assert a.correspondent._exchange._lacks.wake_at() == float("inf")
    forged = bytearray(air.pack_pair(bulletin, approval))
    forged[-1] ^= 1
    await a.correspondent.heard(heard(bytes(forged), transport=6, pki_encrypted=True))
    assert await a.state(bulletin) == "unknown"
    await a.correspondent.heard(heard(air.pack_pair(bulletin, approval), transport=6))
    assert await a.state(bulletin) == "verified"


async def test_bits_flipped_in_the_air_are_never_verified(posts):
    a, _ = posts
    bulletin = samples.bulletin(samples.V1, SALUTIWO)
    approval = samples.approval(bulletin, V3)
    pair = air.pack_pair(bulletin, approval)
    before = await a.db.read(log.last_seq)
    rng = random.Random(1)
    for place in range(len(pair)):
        forged = bytearray(pair)
        forged[place] ^= 1 << rng.randrange(8)
        a.correspondent._heard_at[True].clear()
        await a.correspondent.heard(heard(bytes(forged)))
    kept = await a.db.read(lambda c: log.since(c, before, 500))
    assert [entry.record.id for entry in kept] == [bulletin.id]  # whose approval was hit
    assert await a.state(bulletin) == "waiting"


async def test_a_flood_of_rubbish_is_counted_and_costs_nothing(posts, mesh):
    a, _ = posts
    rng = random.Random(2)
    said = len(mesh.said)
    for number in range(2000):
        rubbish = bytes([33 + number % 16]) + rng.randbytes(rng.randrange(120))
        await a.correspondent.heard(heard(rubbish, sender=number))
    assert len(a.correspondent._held) <= edge.MAX_HELD
    await asyncio.sleep(0)
    assert len(mesh.said) - said < 10


async def test_a_flood_by_network_does_not_stop_what_comes_by_radio(posts):
    a, _ = posts
    bulletin = samples.bulletin(samples.V1, SALUTIWO)
    for number in range(300):
        await a.correspondent.heard(heard(b"\x21" + number.to_bytes(2, "big"), transport=6))
    await a.correspondent.heard(heard(air.pack_pair(bulletin, samples.approval(bulletin, V3))))
    assert await a.state(bulletin) == "verified"


async def test_only_one_packet_waits_for_the_radio(tmp_path, clock):
    lonely = Ether()  # nobody takes packets
    async with station(lonely, tmp_path / "a.db", KARATAUN, clock) as a:
        bulletin = await drafted(a)
        await approved(a, bulletin)
        await until(lambda: _waits(a, 2))  # the revocation list of the office, and the pair
        for number in range(20):
            ask = gossip.pack_ask([Item(Want.BULLETIN, bulletin.id[:8])])
            await a.correspondent.heard(heard(ask, sender=number))
        await clock.sleep(120)
        assert await _waits(a, 2)
        row = (await a.queued())[0]
        assert (row.port, row.want_ack) == (PORT, False)


async def _is(post: Station, bulletin: Bulletin, state: str) -> bool:
    return await post.state(bulletin) == state


async def _waits(post: Station, count: int) -> bool:
    return len(await post.queued()) == count


async def _listed(post: Station, number: int) -> bool:
    trust = await post.db.read(post.intake.cache.load)
    return trust.revocation is not None and trust.revocation.number == number


async def _has_lists(post: Station, numbers: set[int]) -> bool:
    trust = await post.db.read(post.intake.cache.load)
    return {one.number for one in trust.revocations} == numbers


async def _is_suspended(post: Station) -> bool:
    trust = await post.db.read(post.intake.cache.load)
    return [one.key for one in trust.suspensions] == [samples.V1.radio]


async def _receipts(post: Station) -> list[Receipt]:
    def look(connection) -> list[Receipt]:
        rows = connection.execute(
            "SELECT bytes FROM log JOIN document USING (seq) WHERE kind = ?", (Kind.RECEIPT,)
        )
        return [found for found in exchange._documents(rows) if isinstance(found, Receipt)]

    return await post.db.read(look)
