"""A day of bad cables: phones fall off the Wi-Fi, the gateway's radio drops, restarts and hangs.

Nothing is lost, nothing is doubled, and everybody's words stay in the order they were said in.
"""

import asyncio
import contextlib
import random
from dataclasses import dataclass
from functools import partial

import pytest

from kimnode.clock import Clock
from kimnode.radio.sim.village import SimVillage
from tests.journeys.gateways import Gateway, hanging, open_gateway
from tests.journeys.phones import Phone, crowd, living
from tests.journeys.sizes import short_and_long
from tests.journeys.watch import AirWatch, Truth, arrive, in_order, shown_twice, texts_on, twice
from tests.waiting import until

RADIOS = ["gerbang", "bukit", "sawah", "pasar"]
SPEED = 60
AIR_WAIT_S = 20.0  # mesh seconds in which a text reaches the gateway's radio, or never
LATE_S = 60.0  # mesh seconds in which a late repetition would show


@dataclass(frozen=True, slots=True)
class Size:
    """How much is said, and how often something breaks."""

    phones: int
    texts_each: int
    radio_texts: int
    faults: int
    pause_s: float  # between two texts of one phone: what waits longer than an hour for the air is
    seed: int = 1  # not sent any more, and that is another story


@pytest.mark.parametrize(
    "size",
    short_and_long(
        Size(20, 5, 50, 30, 60), *(Size(100, 6, 400, 150, 900, seed) for seed in range(1, 4))
    ),
)
async def test_nothing_is_lost_or_doubled_however_often_phones_and_radio_drop(
    size, tmp_path, monkeypatch
):
    clock, rng = Clock(SPEED), random.Random(size.seed)
    async with SimVillage(RADIOS, seed=size.seed, clock=clock, preset="SHORT_TURBO") as village:
        air = AirWatch(village.air)
        truth = Truth(monkeypatch, air, {village.device("gerbang").num})
        async with open_gateway(
            tmp_path / "x.db", clock, village.port("gerbang"), airtime_percent=100.0
        ) as gateway:
            await gateway.radio_is_up()
            phones = crowd(size.phones, gateway.url, clock, rng)
            async with living(phones):
                day = Day(village, gateway, phones, size, rng, air)
                await day.run()
                await day.check()
        assert truth.lies == []
        assert truth.claims >= size.phones * size.texts_each
        assert sum(p.visits for p in phones) > len(phones) + size.faults


class Day:
    """One run of the story, and what must hold at its end."""

    def __init__(
        self,
        village: SimVillage,
        gateway: Gateway,
        phones: list[Phone],
        size: Size,
        rng: random.Random,
        air: AirWatch,
    ) -> None:
        self.village = village
        self.air = air
        self.gateway = gateway
        self.phones = phones
        self.size = size
        self.rng = rng
        self.radio = village.device("gerbang")
        self.written: dict[str, list[str]] = {phone.nick: [] for phone in phones}
        self.said: dict[str, list[str]] = {name: [] for name in RADIOS[1:]}
        self.quiet = asyncio.Lock()  # held while a radio's text is on its way to the node

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            trouble = tasks.create_task(self._break_phones())
            async with asyncio.TaskGroup() as talk:
                for phone in self.phones:
                    talk.create_task(self._write(phone))
                talk.create_task(self._say())
                talk.create_task(self._break_radio())
            trouble.cancel()

    async def check(self) -> None:
        mine = [text for texts in self.written.values() for text in texts]
        aired = {f"{nick}: {text}" for nick, texts in self.written.items() for text in texts}
        heard = [t for texts in self.said.values() for t in texts if t in texts_on(self.radio)]
        assert len(heard) >= 0.9 * self.size.radio_texts
        for phone in self.phones:
            await arrive([*mine, *heard], lambda p=phone: p.texts, 60)
        for name in RADIOS[1:]:
            await arrive(aired, partial(texts_on, self.village.device(name)), 120)
        await self.village.clock.sleep(LATE_S)
        for phone in self.phones:
            assert twice(phone.texts) == []
            assert (phone.again, phone.reloads, phone.refused, list(phone.outbox)) == (0, 0, [], [])
            for texts in [*self.written.values(), *self.said.values()]:
                assert in_order(texts, phone.texts)
        for name in RADIOS[1:]:
            screen = self.village.device(name)
            assert shown_twice(screen) == []
            for nick, texts in self.written.items():
                assert in_order([f"{nick}: {text}" for text in texts], texts_on(screen))

    async def _write(self, phone: Phone) -> None:
        for number in range(self.size.texts_each):
            await self.village.clock.sleep(self.rng.uniform(0, 2 * self.size.pause_s))
            text = f"pesan {number} dari {phone.nick}"
            self.written[phone.nick].append(text)
            phone.write(text)
            if self.rng.random() < 0.2:
                phone.tear_off()  # after it was handed to the network, before the answer

    async def _say(self) -> None:
        for number in range(self.size.radio_texts):
            await self.village.clock.sleep(self.rng.uniform(0, self.size.pause_s / 10))
            name = self.rng.choice(RADIOS[1:])
            text = f"radio {name} nomor {number}"
            async with self.quiet:
                self.said[name].append(text)
                self.village.device(name).say(text)
                if await self._reached_our_radio(text):
                    await until(lambda t=text: t in self.phones[0].texts, 60)

    async def _reached_our_radio(self, text: str) -> bool:
        end = self.village.clock.monotonic() + AIR_WAIT_S
        while self.village.clock.monotonic() < end:
            if text in texts_on(self.radio):
                return True
            await self.village.clock.sleep(0.2)
        return False

    async def _break_radio(self) -> None:
        for _ in range(self.size.faults):
            await self.village.clock.sleep(self.rng.uniform(1, 15))
            await self.rng.choice([self._drop, self._refuse, self._reboot, self._hang])()

    async def _worst_moment(self) -> None:
        """Just when a packet of ours goes out, and the node may not have heard that it did."""
        with contextlib.suppress(TimeoutError):
            async with self.village.clock.timeout(20):
                await self.air.next_sent(self.radio.num)
        await self.village.clock.sleep(self.rng.uniform(0, 0.4))

    async def _drop(self) -> None:
        await self._worst_moment()
        self.radio.drop_client()

    async def _refuse(self) -> None:
        await self._worst_moment()
        self.village.refuse("gerbang", self.rng.uniform(1, 15))

    async def _reboot(self) -> None:
        """What the radio holds for the node is lost with it, so no text may be on its way."""
        async with self.quiet:
            await self._worst_moment()
            self.radio.reboot(self.rng.uniform(0.5, 8))
            await until(lambda: self.radio.powered)

    async def _hang(self) -> None:
        await self._worst_moment()
        with hanging(self.radio):
            await self.village.clock.sleep(self.rng.uniform(5, 60))

    async def _break_phones(self) -> None:
        while True:
            await self.village.clock.sleep(self.rng.uniform(0, 60 / len(self.phones)))
            self.rng.choice(self.phones).tear_off()
