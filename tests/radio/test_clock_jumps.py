"""The system's clock jumps ten years ahead or 38 hours back, while texts wait for the radio or
while the node is off: nothing ends for that, nothing waits longer, and no airtime is forgotten."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.errors import StoreError
from kimnode.intake import Intake
from kimnode.metrics import Metrics
from kimnode.radio.crier import FOREIGN_WAIT_S
from kimnode.radio.desk import Desk, open_desk
from kimnode.radio.exchange import NEWS_TTL_S
from kimnode.radio.outbound import PHONE_QUOTA, Outbound, Voice
from kimnode.record import Via
from kimnode.rules.airtime import EXPIRY_S, Governor, Priority, Spent
from kimnode.rules.announcements import announcement
from kimnode.rules.delivery import BROADCAST, State, Why
from kimnode.rules.sos import REPEAT_AFTER_S
from kimnode.store import commands, outbox
from kimnode.store.db import Database, open_database
from kimnode.store.outbox import NewPacket
from kimnode.wire.air import Type, type_of
from tests.journeys.posts import VillageClock
from tests.radio import stations
from tests.radio.bench import SPEED, Bench, Road
from tests.radio.office import open_office
from tests.rules import trust_samples
from tests.rules.trust_samples import KARATAUN, V2
from tests.store import samples
from tests.waiting import until

DAY_S = 86_400
JUMPS = {"10 years ahead": 10 * 365 * DAY_S, "38 h behind": -38 * 3600}
each_jump = pytest.mark.parametrize("jump_s", JUMPS.values(), ids=JUMPS)


class SetClock(Clock):
    """The system's clock is set away by `wall_s` while the node runs."""

    wall_s = 0.0

    def now(self) -> float:
        return super().now() + self.wall_s


def restarted(speed: float, wall_s: float) -> Clock:
    """The clock of a node that starts when the system's says so much more than it is."""
    clock = Clock(speed)
    clock._epoch += wall_s
    return clock


@pytest.fixture
def road():
    road = Road()
    road.clock = SetClock(SPEED)
    return road


@pytest.fixture
def bench(db, road):
    return Bench(db, road)


@each_jump
async def test_what_waits_goes_out_after_a_jump(bench, road, jump_s):
    (row,) = await bench.queue("halo")
    road.clock.wall_s = jump_s
    async with bench.running():
        await bench.reaches(row, State.RELAYED)


@each_jump
async def test_a_back_off_and_an_expiry_end_when_they_would_have(bench, road, jump_s):
    road.script(lambda p: (road.status(p.packet_id), road.routing(p.packet_id, 38)))
    (row,) = await bench.queue("halo", ttl_s=600)
    async with bench.running():
        await bench.reaches(row, State.QUEUED, Why.RATE_LIMITED)
        road.clock.wall_s = jump_s
        await bench.reaches(row, State.RELAYED)
    road.clock.wall_s = 0
    (old,) = await bench.queue("basi", ttl_s=30)
    async with bench.running(up=False):
        road.clock.wall_s = jump_s
        await road.clock.sleep(10)
        assert (await bench.get(old)).state is State.QUEUED
        await bench.reaches(old, State.EXPIRED)


@each_jump
async def test_the_hours_airtime_is_counted_through_a_jump(bench, road, jump_s):
    bench.governor = Governor(budget_share=0.001)  # 3.6 s, of which talk may use 2.2 s
    rows = await bench.queue(*["x" * 100] * 8, want_ack=False, ttl_s=20 * 365 * DAY_S)
    async with bench.running():
        await until(lambda: road.packets)
        await road.clock.sleep(40)
        said = len(road.packets)
        assert said < len(rows), "the hour is full"
        for wall_s in (jump_s, 0.0):
            road.clock.wall_s = wall_s
            await road.clock.sleep(90)  # longer than the sender ever sleeps
        assert len(road.packets) == said


@contextlib.asynccontextmanager
async def talking(db: Database, clock: Clock) -> AsyncIterator[Intake]:
    outbound = Outbound(db, clock, Voice("Pos", "id", 0))
    async with asyncio.TaskGroup() as tasks:
        loop = tasks.create_task(outbound.run())
        yield Intake(db, clock, Metrics())
        loop.cancel()


async def in_line(db: Database, count: int) -> list[outbox.OutPacket]:
    packets = await db.read(lambda c: outbox.in_state(c, *State))
    return packets if len(packets) >= count else []


@each_jump
async def test_what_is_written_after_a_jump_lives_its_hour(db, jump_s):
    clock = SetClock(SPEED)
    async with talking(db, clock) as intake:
        clock.wall_s = jump_s
        await intake.accept(samples.chat(), Via.WEB)
        (packet,) = await until(lambda: in_line(db, 1))
    left_s = packet.expires_at - clock.steady()
    assert EXPIRY_S[Priority.CHAT] - 60 < left_s <= EXPIRY_S[Priority.CHAT]


@each_jump
async def test_a_jump_gives_no_phone_a_second_share_and_takes_none(db, jump_s):
    clock = SetClock(SPEED)
    async with talking(db, clock) as intake:
        for number in range(PHONE_QUOTA + 1):
            intake._limits.__init__()  # the pace of typing is not what is tested here
            clock.wall_s = jump_s * (number % 2)
            await intake.accept(samples.chat(f"nomor {number}"), Via.WEB)
            packets = await until(lambda n=number: in_line(db, n + 1))
    assert [p.state for p in packets] == [State.QUEUED] * PHONE_QUOTA + [State.FAILED]


@each_jump
async def test_an_open_alarm_is_said_again_as_often_as_ever(db, jump_s):
    """Neither at once for all that seems missed, nor a day and a half later."""
    clock = SetClock(SPEED)
    async with talking(db, clock) as intake:
        await intake.accept(samples.sos(), Via.WEB)
        await until(lambda: in_line(db, 1))
        clock.wall_s = jump_s
        await intake.accept(samples.sos("lain", author=samples.BUDI), Via.WEB)
        packets = await until(lambda: in_line(db, 4))
    assert len({p.seq for p in packets[2:4]}) == 2
    for again in packets[2:4]:
        first = next(p for p in packets if p.seq == again.seq)
        assert REPEAT_AFTER_S[0] - 1 <= again.queued_at - first.queued_at < REPEAT_AFTER_S[1]


@each_jump
async def test_a_bulletin_of_another_post_is_said_in_time(tmp_path, jump_s):
    async with open_office(tmp_path / "x.db") as post:
        told = trust_samples.bulletin(V2, number=5)
        await post.enter(told, trust_samples.approval(told))
        await post.cry()
        post.clock.wall_s = jump_s
        await post.cry()
        assert await post.said() == [], "another post may still say it"
        post.clock.ahead_s = FOREIGN_WAIT_S[1]
        await post.cry()
        assert await post.said() == [announcement(told)]


@contextlib.asynccontextmanager
async def desk_at(path: Path, clock: Clock) -> AsyncIterator[tuple[Database, Desk]]:
    async with open_database(path, 0) as db:
        metrics = Metrics()
        intake = Intake(db, clock, metrics)
        yield db, await open_desk(Config(), db, intake, clock, metrics, random.Random(1))


def talk(expires_at: float, state: State = State.QUEUED) -> NewPacket:
    return NewPacket(
        1, 1, 1, Priority.CHAT, BROADCAST, 0, b"halo", None, True, expires_at, state
    )  # fmt: skip


@pytest.mark.parametrize("off_s", [*JUMPS.values(), 25 * 3600, -60], ids=str)
async def test_a_node_that_starts_under_another_clock_goes_on_where_it_was(tmp_path, off_s):
    """Twice: with the wrong clock, and with the right one again."""
    path, start = tmp_path / "x.db", Clock(SPEED)
    now = start.steady()

    def before(c):
        outbox.queue(c, [talk(now + 300), talk(now + 3600), talk(now, State.EXPIRED)], now - 300)
        outbox.move(c, 2, State.QUEUED, Why.DROPPED, now + 60)
        outbox.spend(c, Spent(9, now, 5000.0, Priority.CHAT))
        commands.schedule(c, 7, now + 90)

    async with open_database(path, 0) as db:
        await db.write(before)
    for wall_s in (off_s, 0.0):
        clock = restarted(SPEED, wall_s)
        async with desk_at(path, clock) as (db, desk):
            at = clock.steady()
            packets = await db.read(lambda c: outbox.in_state(c, *State))
            assert [p.expires_at - at for p in packets[:2]] == pytest.approx([300, 3600], abs=100)
            assert packets[1].not_before - at == pytest.approx(60, abs=100)
            assert packets[0].not_before == 0
            assert packets[2].queued_at <= at, "or its phone has no share for years"
            assert desk.airtime_ms()[0] == 5000.0
            ((_, due_at),) = await db.read(commands.due)
            assert due_at - at == pytest.approx(90, abs=100)


async def test_a_night_without_power_is_a_night(tmp_path):
    """What was to end meanwhile has ended: the clock was not set, time has passed."""
    path, now = tmp_path / "x.db", Clock(SPEED).steady()
    async with open_database(path, 0) as db:
        await db.write(lambda c: outbox.queue(c, [talk(now + 3600)], now))
    async with desk_at(path, restarted(SPEED, 10 * 3600)) as (db, _):
        (packet,) = await in_line(db, 1)
        assert packet.expires_at == now + 3600


async def test_a_full_disk_does_not_keep_the_desk_closed(tmp_path, monkeypatch):
    clock = restarted(SPEED, JUMPS["38 h behind"])
    async with open_database(tmp_path / "x.db", 0) as db:
        await db.write(lambda c: outbox.queue(c, [talk(4e9)], Clock().now()))

        async def full(*_: object, **__: object) -> None:
            raise StoreError("full")

        monkeypatch.setattr(db, "write", full)
        intake = Intake(db, clock, Metrics())
        assert await open_desk(Config(), db, intake, clock, Metrics(), random.Random(1))


def test_a_clock_of_a_journey_is_steady_too():
    clock = VillageClock(SPEED)
    before = clock.steady()
    clock.wall_s = JUMPS["38 h behind"]
    clock.skipped_s = 100.0
    assert 100 <= clock.steady() - before < 1000


@each_jump
async def test_a_bulletin_that_is_published_after_a_jump_waits_its_day(tmp_path, jump_s):
    clock = SetClock(stations.SPEED)
    nobody_listens = stations.Ether()
    async with stations.station(nobody_listens, tmp_path / "a.db", KARATAUN, clock) as post:
        clock.wall_s = jump_s
        await stations.approved(post, await stations.drafted(post))

        async def published() -> bool:
            return any(type_of(packet.payload) is Type.PAIR for packet in await post.queued())

        await until(published)
        for packet in await post.queued():
            assert 0 < packet.expires_at - clock.steady() <= NEWS_TTL_S
            assert packet.queued_at <= clock.steady()
