"""The power fails at any moment: kill -9 under load, again and again, on the same database.

The radio and its mesh live on. What the node confirmed to a phone is there afterwards, nothing is
shown twice, and whatever went on the air again is in the ledger of airtime.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from kimnode.clock import Clock
from kimnode.radio.sim.village import SimVillage
from tests.journeys.gateways import Gateway
from tests.journeys.phones import Phone, crowd, living
from tests.journeys.processes import NodeProcess
from tests.journeys.sizes import short_and_long
from tests.journeys.watch import AirWatch, arrive, in_order, shown_twice, texts_on, twice
from tests.waiting import until

RADIOS = ["gerbang", "bukit", "sawah"]
SPEED = 40
PHONES, PER_HOUR = 6, 6  # phones that write at a time; texts of each that may go on the air
LIFE_S = (0.0, 1.0)  # real seconds between a first page and the kill
LATE_S = 60.0


@dataclass(frozen=True, slots=True)
class Size:
    kills: int
    pause_s: float  # between two texts; over hours the radio must keep up, or chat expires
    seed: int = 1


@pytest.mark.parametrize("size", short_and_long(Size(20, 6), Size(200, 15, 2)))
async def test_what_a_phone_was_told_survives_every_kill_and_is_shown_once(
    size, tmp_path, record_property
):
    clock, rng = Clock(SPEED), random.Random(size.seed)
    async with SimVillage(RADIOS, seed=size.seed, clock=clock, preset="SHORT_TURBO") as village:
        air = AirWatch(village.air)
        radio = f"tcp:127.0.0.1:{village.port('gerbang')}"
        node = NodeProcess(tmp_path / "x.db", clock, radio)
        story = Kills(village, node, rng, size.pause_s)
        try:
            await node.start()
            await story.run(size.kills, air)
            await story.check(air)
            await node.stop()
        finally:
            await node.kill()
    record_property("start_to_first_page_max_s", max(node.starts_s))
    record_property("starts", len(node.starts_s))
    print(f"start to first page: max {max(node.starts_s):.2f} s of {len(node.starts_s)} starts")


class Kills:
    """Phones that write all the time, a radio that talks, and somebody who pulls the plug."""

    def __init__(
        self, village: SimVillage, node: NodeProcess, rng: random.Random, pause_s: float
    ) -> None:
        self.village = village
        self.node = node
        self.rng = rng
        self.pause_s = pause_s
        self.phones: list[Phone] = []
        self.said: list[str] = []

    async def run(self, kills: int, air: AirWatch) -> None:
        async with self._phones_come(), asyncio.TaskGroup() as tasks:
            talk = tasks.create_task(self._say())
            for _ in range(kills):
                await self._some_moment(air)
                await self.node.kill()
                if self.rng.random() < 0.6:  # the power cut takes the radio as well
                    self.village.device("gerbang").reboot()
                await self.node.start()
            talk.cancel()

    async def _some_moment(self, air: AirWatch) -> None:
        """Any moment, or the worst: while the radio sends what the node has just given to it."""
        await asyncio.sleep(self.rng.uniform(*LIFE_S))
        if self.rng.random() < 0.5:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await air.next_sent(self.village.device("gerbang").num)
            await asyncio.sleep(self.rng.uniform(0, 0.008))

    async def check(self, air: AirWatch) -> None:
        gateway = Gateway(self.node.url, self.node.database)
        aired = [f"{p.nick}: {text}" for p in self.phones for text in p.written]
        last = self.phones[-PHONES:]  # the others have gone home with what they had seen
        async with living(last):
            for phone in last:
                await arrive(phone.written, lambda p=phone: p.texts, 60)
            for name in RADIOS[1:]:
                await arrive(aired, lambda n=name: texts_on(self.village.device(n)), 120)
            await self.village.clock.sleep(LATE_S)
        kept = dict(gateway.rows("SELECT lower(hex(nonce)), seq FROM log"))
        for phone in self.phones:
            assert {cid: kept.get(cid) for cid in phone.acked} == phone.acked
            assert twice(phone.texts) == []
            assert (phone.refused, phone.reloads, list(phone.outbox)) == ([], 0, [])
            assert in_order(phone.written, phone.texts)
        rows = [text for (text,) in gateway.rows("SELECT text FROM body")]
        assert twice(rows) == []
        assert len([text for text in self.said if text in rows]) > 0
        for name in RADIOS[1:]:
            screen = self.village.device(name)
            assert shown_twice(screen) == []
            for phone in self.phones:
                words = [f"{phone.nick}: {text}" for text in phone.written]
                assert in_order(words, texts_on(screen))
        self._check_ledger(gateway, air)

    def _check_ledger(self, gateway: Gateway, air: AirWatch) -> None:
        """Each packet costs at least what the air carried; repetitions under the same id too."""
        ours = self.village.device("gerbang").num
        spent = dict(gateway.rows("SELECT packet_id, airtime_ms FROM airtime"))
        since = self.village.clock.now() - 3600
        rows = gateway.rows("SELECT packet_id FROM outbox WHERE written_at > ?", since)
        packets = [pid for (pid,) in rows]
        on_air = {pid: air.airtime_ms(ours, pid) for pid in packets}
        short = {pid: (ms, spent[pid]) for pid, ms in on_air.items() if spent[pid] < ms - 0.5}
        assert short == {}
        repeated = [pid for pid in packets if len(air.sent[ours, pid]) > 1]
        print(
            f"{len(packets)} packets, {len(repeated)} of them sent again,"
            f" {sum(on_air.values()):.0f} ms on the air, {sum(spent.values()):.0f} ms counted"
        )
        assert repeated

    @contextlib.asynccontextmanager
    async def _phones_come(self) -> AsyncIterator[None]:
        """New phones take over when the ones before have written their share of the hour."""

        async def come() -> None:
            while True:
                crew = crowd(
                    PHONES, self.node.url, self.village.clock, self.rng, first=len(self.phones)
                )
                self.phones += crew
                async with living(crew):
                    for number in range(PER_HOUR):
                        for phone in crew:
                            phone.write(f"kabar {number} dari {phone.nick}")
                            await self.village.clock.sleep(
                                self.rng.uniform(0.5, 1.5) * self.pause_s
                            )
                    for phone in crew:
                        await until(lambda p=phone: not p.outbox, 60)

        async with asyncio.TaskGroup() as tasks:
            coming = tasks.create_task(come())
            yield
            coming.cancel()

    async def _say(self) -> None:
        for number in range(100_000):
            await self.village.clock.sleep(self.rng.uniform(5, 30))
            name = self.rng.choice(RADIOS[1:])
            self.said.append(f"radio {name} nomor {number}")
            self.village.device(name).say(self.said[-1])
