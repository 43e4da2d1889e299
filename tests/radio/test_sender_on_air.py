"""Link and sender against simulated radios: late, in order, once; and every state is true."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from kimnode.clock import Clock
from kimnode.metrics import Metrics
from kimnode.radio.link import Link
from kimnode.radio.messages import LinkState
from kimnode.radio.sender import Sender
from kimnode.radio.sim.village import SimVillage
from kimnode.radio.transport import parse_address
from kimnode.rules.airtime import Governor, Priority
from kimnode.rules.delivery import BROADCAST, State
from kimnode.store import outbox
from kimnode.store.db import Database
from kimnode.store.outbox import NewPacket, OutPacket
from kimnode.wire.airtext import split
from tests.radio.freezer import Freezer
from tests.waiting import until

SPEED = 40
TRANSMITTED = (State.ON_AIR, State.RELAYED, State.DELIVERED)


@dataclass
class Post:
    """A gateway without its web half. `lies` collects claims that the air does not bear out."""

    village: SimVillage
    db: Database
    link: Link
    sender: Sender
    lies: list[str] = field(default_factory=list)

    async def say(self, *texts: str, dest: int = BROADCAST) -> None:
        """Queue each text as one message, split as the node splits it."""
        now = self.village.clock.steady()
        priority = Priority.CHAT if dest == BROADCAST else Priority.DIRECT
        for text in texts:
            parts = split("Ani", text)
            new = [
                NewPacket(1, n, len(parts), priority, dest, 0, part, None, True, now + 3600)
                for n, part in enumerate(parts, 1)
            ]
            await self.db.write(lambda c, new=new: outbox.queue(c, new, now))

    async def packets(self) -> list[OutPacket]:
        return await self.db.read(lambda c: outbox.in_state(c, *State))

    async def settled(self) -> bool:
        """Nothing waits, and the radio owes no word."""
        return all(
            p.state not in (State.QUEUED, State.IN_RADIO)
            and (p.state is not State.ON_AIR or p.reason)
            for p in await self.packets()
        )

    def shown(self, name: str = "bukit") -> list[str]:
        """What a person read on that radio, without our sender's name."""
        return [s.text.removeprefix("Ani: ") for s in self.village.device(name).shown]

    def transmitted(self) -> list[int]:
        """Packet ids that our own radio put on the air for the first hop, each time it did."""
        own = self.village.device("gerbang").num
        return [
            e.frame.packet_id
            for e in self.village.air.log
            if e.what == "tx" and e.by == own and e.frame.sender == own
        ]

    async def transmissions(self) -> list[int]:
        """How often each of our packets went on the air."""
        ids = self.transmitted()
        return [ids.count(p.packet_id) for p in await self.packets() if p.packet_id]

    async def listen(self) -> None:
        async for event in self.link.events():
            self.sender.feed(event)

    async def watch_for_lies(self) -> None:
        while True:
            grew = self.db.committed.waiter()
            for packet in await self.packets():
                if packet.state in TRANSMITTED and packet.packet_id not in self.transmitted():
                    self.lies.append(f"{packet.payload!r} {packet.state} {packet.reason}")
            await grew.wait()


@contextlib.asynccontextmanager
async def post_at(village: SimVillage, db: Database, port: int) -> AsyncIterator[Post]:
    clock = village.clock
    link = Link(parse_address(f"tcp:127.0.0.1:{port}"), clock, rng=random.Random(1))
    sender = Sender(db, link, Governor(budget_share=1.0), clock, random.Random(2), Metrics())
    post = Post(village, db, link, sender)
    async with asyncio.TaskGroup() as tasks:
        jobs = [
            tasks.create_task(loop())
            for loop in (link.run, sender.run, post.listen, post.watch_for_lies)
        ]
        try:
            await until(lambda: link.status().state is LinkState.UP)
            yield post
        finally:
            for job in jobs:
                job.cancel()
    assert post.lies == []


@pytest.fixture
async def village():
    async with SimVillage(["gerbang", "bukit", "sawah"], seed=7, clock=Clock(SPEED)) as village:
        yield village


@pytest.fixture
async def post(village, db):
    async with post_at(village, db, village.port("gerbang")) as post:
        yield post


async def test_four_posts_while_the_radio_hangs_for_two_minutes(village, db):
    async with Freezer(village.port("gerbang")) as wire:
        async with post_at(village, db, wire.port) as post:
            texts = [f"saat macet {n}" for n in range(4)]
            wire.freeze()
            frozen_at = village.clock.monotonic()
            for text in texts:
                await post.say(text)
                await village.clock.sleep(10)
            await until(lambda: post.link.status().state is LinkState.WEDGED)
            assert village.clock.monotonic() - frozen_at <= 90
            await until(lambda: village.clock.monotonic() - frozen_at >= 120)
            waiting = [p.state for p in await post.packets()]
            assert set(waiting) <= {State.QUEUED, State.IN_RADIO}
            assert waiting.count(State.IN_RADIO) <= 1
            wire.thaw()
            await until(post.settled)
            await until(lambda: len(post.shown()) >= 4)
            assert post.shown() == texts
            assert [p.state for p in await post.packets()] == [State.RELAYED] * 4


async def test_a_burst_of_five_posts_in_two_seconds(post):
    texts = [f"beruntun {n}" for n in range(5)]
    for text in texts:
        await post.say(text)
        await post.village.clock.sleep(0.4)
    await until(post.settled)
    assert post.shown() == texts
    assert [p.state for p in await post.packets()] == [State.RELAYED] * 5
    assert await post.transmissions() == [1] * 5


async def test_three_hundred_characters_with_emoji(post):
    text = ("Banjir di dekat balai desa 🌊 jalan putus, mohon perahu dan selimut 🙏 " * 6)[:300]
    await post.say(text.strip())
    await until(post.settled)
    packets = await post.packets()
    assert len(packets) >= 2
    assert all(len(p.payload) <= 200 for p in packets)
    await until(lambda: len(post.shown()) == len(packets))
    heard = post.shown("sawah")
    assert [h.split(": ", 1)[0] for h in heard] == [
        f"Ani ({n}/{len(packets)})" for n in range(1, len(packets) + 1)
    ]
    assert " ".join(h.split(": ", 1)[1] for h in heard) == text.strip()


async def test_direct_texts_end_true(post):
    sawah = post.village.device("sawah")
    await post.say("untukmu", dest=sawah.num)
    await until(lambda: state_is(post, State.DELIVERED))
    assert post.shown("sawah") == ["untukmu"]
    post.village.air.partition([post.village.device("gerbang").num])
    await post.say("tidak sampai", dest=sawah.num)
    await until(lambda: state_is(post, State.FAILED))
    assert [p.reason for p in await post.packets()] == ["", "max-retransmit"]


async def state_is(post: Post, *states: State) -> bool:
    return (await post.packets())[-1].state in states


async def test_alone_on_the_air_a_text_is_sent_and_nobody_is_claimed(post):
    post.village.partition(["gerbang"], ["bukit", "sawah"])
    await post.say("halo?")
    await until(post.settled)
    assert [p.reason for p in await post.packets()] == ["not-repeated"]
    assert post.shown() == []
    assert await post.transmissions() == [3]


@pytest.mark.parametrize("fault", ["no_space", "lose_statuses"])
async def test_a_radio_that_never_tells_its_queue(post, fault):
    setattr(post.village.device("gerbang").faults, fault, True)
    texts = [f"nomor {n}" for n in range(4)]
    await post.say(*texts)
    await until(post.settled)
    assert post.shown() == texts
    assert await post.transmissions() == [1] * 4


async def test_a_key_that_was_lost_over_there_costs_one_more_try(village, db):
    async with post_at(village, db, village.port("gerbang")) as post:
        gerbang, sawah = village.device("gerbang"), village.device("sawah")
        del sawah.board.nodes.entries[gerbang.num]
        await post.say("rahasia", dest=sawah.num)
        await until(lambda: state_is(post, State.DELIVERED))
        (packet,) = await post.packets()
        assert packet.attempt == 2
        assert post.shown("sawah") == ["rahasia"]


@pytest.mark.parametrize("seed", range(3))
async def test_with_drops_reboots_and_wedges_nothing_is_lost_doubled_or_reordered(seed, db):
    rng = random.Random(seed)
    names = ["gerbang", "bukit", "sawah"]
    async with SimVillage(names, seed=seed, clock=Clock(SPEED)) as village:
        async with post_at(village, db, village.port("gerbang")) as post:
            gerbang = village.device("gerbang")
            texts = [f"pesan {n}" for n in range(30)]
            faults = [
                gerbang.drop_client,
                lambda: gerbang.reboot(down_s=rng.uniform(0.2, 5)),
                lambda: gerbang.wedge(15),
                lambda: gerbang.garbage(rng.randbytes(50)),
                lambda: village.refuse("gerbang", rng.uniform(1, 10)),
            ]
            for text in texts:
                await post.say(text)
                await village.clock.sleep(rng.uniform(0, 6))
                if rng.random() < 0.3:
                    rng.choice(faults)()
            await until(post.settled, 60)
            await until(lambda: len(post.shown()) >= len(texts))
            assert post.shown() == texts
            extra = sum(await post.transmissions()) - len(texts)
            assert 0 <= extra <= len(texts) // 2, "repeated airtime is the price of losing nothing"
