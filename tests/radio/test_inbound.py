"""Alarms from the air, without a radio: what is raised, what is taken back, what is never lost."""

from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from kimnode.clock import Clock
from kimnode.intake import Intake
from kimnode.metrics import Metrics
from kimnode.radio.inbound import HELPS_PER_HOUR, Inbound
from kimnode.radio.messages import BROADCAST, ChannelInfo, Heard, Radio
from kimnode.radio.outbound import Voice
from kimnode.record import Kind, Via
from kimnode.rules.sos import SosState
from kimnode.store import views
from kimnode.store.db import open_database
from tests.store import samples

US = Radio(1, b"", "", None, (ChannelInfo(0, "Umum", "PRIMARY", True),))
BUKIT = 0x20
DAY_S = 86_400


class SetClock(Clock):
    """A clock that somebody sets (`ahead_s`), and time that passes (`passed_s`)."""

    ahead_s = passed_s = 0.0

    def now(self) -> float:
        return super().now() + self.ahead_s + self.passed_s

    def monotonic(self) -> float:
        return super().monotonic() + self.passed_s


@dataclass
class Ear:
    inbound: Inbound
    intake: Intake
    clock: SetClock
    numbers: count = field(default_factory=lambda: count(1))

    async def hear(self, *texts: str, sender: int = BUKIT, to: int = BROADCAST) -> None:
        for text in texts:
            packet_id = next(self.numbers)
            packet = Heard(
                sender, to, 0, packet_id, 1, text.encode(), False, b"", False, 1, 3, 3,
                5.0, -80, 0, 0, 0,
            )  # fmt: skip
            await self.inbound.heard(packet, US)

    async def alarms(self) -> list[tuple[str | None, SosState]]:
        return [(m.text, m.sos.state) for m in await self._room("darurat") if m.sos]

    async def talk(self, room: str) -> list[str | None]:
        return [m.text for m in await self._room(room) if m.kind is Kind.CHAT]

    async def take_all(self) -> None:
        for alarm in await self.intake._db.read(views.open_alarms):
            await self.intake.accept(samples.about(Kind.SOS_ACK, alarm.id), Via.WEB)

    async def _room(self, room: str) -> list[views.Message]:
        return await self.intake._db.read(lambda c: views.recent(c, room, 1000))


@pytest.fixture
async def ear(tmp_path: Path):
    clock = SetClock()
    async with open_database(tmp_path / "x.db", 0) as db:
        intake = Intake(db, clock, Metrics())
        yield Ear(Inbound(db, intake, clock, Metrics(), Voice("Pos", "id", 0)), intake, clock)


async def test_the_newest_open_alarm_is_taken_back(ear):
    await ear.hear("SOS", "SOS banjir", "BATAL SOS")
    assert await ear.alarms() == [("SOS", SosState.OPEN), ("SOS banjir", SosState.CANCELLED)]


async def test_an_alarm_of_long_ago_does_not_keep_todays_from_being_taken_back(ear):
    await ear.hear("SOS lama")
    await ear.take_all()
    await ear.hear("SOS baru", "batal sos salah kirim")
    assert await ear.alarms() == [("SOS lama", SosState.TAKEN), ("SOS baru", SosState.CANCELLED)]


async def test_a_gateway_takes_back_by_name_and_never_somebody_elses_alarm(ear):
    await ear.hear("SOS Ani: banjir", "BATAL SOS Budi")  # Budi's alarm was not heard here
    assert await ear.alarms() == [("SOS Ani: banjir", SosState.OPEN)]
    await ear.hear("BATAL SOS Ani")
    assert await ear.alarms() == [("SOS Ani: banjir", SosState.CANCELLED)]


async def test_who_calls_again_and_again_loses_no_word(ear):
    await ear.hear("SOS", "SOS tolong", "SOS banjir", "SOS dusun atas RT 3, dua anak")
    assert len(await ear.alarms()) == 3
    assert await ear.talk("darurat") == ["SOS dusun atas RT 3, dua anak"]


async def test_a_true_call_among_invented_ones_is_shown(ear):
    for number in range(40):
        await ear.hear("SOS palsu", sender=0x900 + number)
    await ear.hear("SOS kebakaran di pasar")
    assert "SOS kebakaran di pasar" in await ear.talk("darurat")


@pytest.mark.parametrize("taken", [True, False])
async def test_the_same_words_on_another_day_are_a_new_alarm(ear, taken):
    await ear.hear("SOS")
    if taken:
        await ear.take_all()
    await ear.hear("SOS")
    assert len(await ear.alarms()) == 1
    ear.clock.ahead_s = DAY_S
    await ear.hear("SOS")
    assert (await ear.alarms())[1:] == [("SOS", SosState.OPEN)]


async def test_a_clock_that_was_ahead_swallows_no_alarm_when_it_is_set_right(ear):
    ear.clock.ahead_s = 365 * DAY_S
    await ear.hear("SOS")
    await ear.take_all()
    ear.clock.ahead_s = 0
    await ear.hear("SOS")
    assert (await ear.alarms())[1:] == [("SOS", SosState.OPEN)]


async def test_invented_radios_get_only_so_many_help_replies_an_hour(ear):
    count = "SELECT count(*) FROM outbox"
    for number in range(40):
        await ear.hear("apa ini?", sender=0x900 + number, to=US.num)
    assert await ear.intake._db.read(lambda c: c.execute(count).fetchone()) == (HELPS_PER_HOUR,)
    ear.clock.passed_s = 2 * 3600
    await ear.hear("apa ini?", sender=0xA00, to=US.num)
    assert await ear.intake._db.read(lambda c: c.execute(count).fetchone()) == (HELPS_PER_HOUR + 1,)
