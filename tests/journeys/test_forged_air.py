"""Somebody with the channel's key and a stock radio: forged packets at a whole post, over the air.

The long numbers, packet by packet, are in tests/rules/test_forged.py; here from the antenna
to what people read.
"""

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from kimnode.radio.sim.village import SimVillage
from kimnode.record import Kind
from kimnode.wire import air
from kimnode.wire.documents import AnyDocument, signed_by
from tests.journeys.posts import VillageClock, furnish, open_post
from tests.journeys.robbed import Thief
from tests.journeys.sizes import short_and_long
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import HUB, KARATAUN, KETUA, SALUTIWO, V1, V2, V3, V4
from tests.waiting import until

SPEED = 100.0
POST, RADIO = "Pos Salutiwo", "Pos Karataun"


def spoofed(rng: random.Random) -> Iterator[bytes]:
    """Bulletins and approvals of true people with signatures that nobody made, without end."""
    while True:
        author, second = rng.sample([V1, V2, V3, V4, KETUA], 2)
        post = rng.choice([None, KARATAUN, SALUTIWO])
        made = samples.bulletin(author, post, text=f"Semua lari ke gunung {rng.random()}!")
        vote = samples.approval(made, rng.choice([second, HUB]), None)
        forger = samples.seed_of(f"forger {rng.random()}")
        made, vote = signed_by(made, forger), signed_by(vote, forger)
        yield air.pack_pair(made, vote)
        yield air.pack(vote)


def flipped(rng: random.Random, genuine: list[AnyDocument]) -> Iterator[bytes]:
    """A true packet with one bit turned in each byte in turn."""
    packets = [air.pack_pair(*genuine), *map(air.pack, genuine)]
    while True:
        for packet in packets:
            for place in range(len(packet)):
                turned = packet[place] ^ 1 << rng.randrange(8)
                yield packet[:place] + bytes([turned]) + packet[place + 1 :]


@pytest.mark.parametrize("count", short_and_long(60, 1000))
async def test_nothing_forged_is_ever_shown_as_verified(tmp_path, monkeypatch, count):
    clock, rng = VillageClock(SPEED), random.Random(1)
    await furnish(tmp_path / "post", SALUTIWO)
    true = samples.bulletin(V1, text="Tidak ada tsunami malam ini.")
    vote = samples.approval(true, V3)
    turned = replace(samples.rejection(true, V3), kind=Kind.APPROVAL)
    async with SimVillage([POST, RADIO], seed=5, clock=clock) as village:
        port = village.port(POST)
        async with open_post(tmp_path / "post", SALUTIWO, clock, monkeypatch, port) as post:
            thief = Thief(village, post)
            await thief.send(turned)
            forged, broken = spoofed(rng), flipped(rng, [true, vote])
            for _ in range(count // 2):
                await thief.say(next(forged))
                await thief.say(next(broken))
            assert post.rows("SELECT id FROM bulletin WHERE id != ?", true.id) == []
            assert not post.rows("SELECT 1 FROM bulletin WHERE state != 'waiting'")
            assert "TERVERIFIKASI" not in await post.page("buletin")
            await thief.send(true, vote)  # it was not deaf
            await until(lambda: post.state(true) == "verified")
            assert await post.badge(true) == "verified"
