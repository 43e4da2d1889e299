"""What is put in line for the air when the clock is set, the node was off or the disk is full."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from kimnode.clock import Clock
from kimnode.errors import StoreError
from kimnode.intake import Intake
from kimnode.metrics import Metrics
from kimnode.radio.outbound import ALARMS_PER_HOUR, Outbound, Voice
from kimnode.record import Via
from kimnode.rules.delivery import State
from kimnode.store import outbox, views
from kimnode.store.db import Database, open_database
from tests.store import samples
from tests.waiting import until

DAY_S = 86_400


class LaterClock(Clock):
    """The clock of a node that starts again after so many seconds."""

    def __init__(self, off_s: float) -> None:
        super().__init__()
        self._start -= off_s

    def now(self) -> float:
        return self.steady()


@pytest.fixture
async def post(tmp_path: Path):
    clock = Clock()
    async with open_database(tmp_path / "x.db", 0) as db:
        yield db, Intake(db, clock, Metrics()), clock


@contextlib.asynccontextmanager
async def running(db: Database, clock: Clock):
    outbound = Outbound(db, clock, Voice("Pos", "id", 0))
    async with asyncio.TaskGroup() as tasks:
        loop = tasks.create_task(outbound.run())
        yield
        loop.cancel()


async def queued(db: Database) -> list[outbox.OutPacket]:
    return await db.read(lambda c: outbox.in_state(c, State.QUEUED))


@pytest.mark.parametrize("off_s", [3 * 3600, 30 * DAY_S])
async def test_an_open_alarm_is_said_again_once_after_a_break(post, off_s):
    db, intake, clock = post
    async with running(db, clock):
        await intake.accept(samples.sos(), Via.WEB)
        await until(lambda: queued(db))
    async with running(db, LaterClock(off_s)):
        await until(lambda: _is_count(db, 2))
        marker = samples.sos("penanda", author=samples.BUDI)
        await intake.accept(marker, Via.WEB)
        await until(lambda: _is_last(db, b"SOS Ani: penanda"))
    assert len(await queued(db)) == 3


async def test_one_phone_that_pretends_to_be_hundreds_does_not_fill_the_air(post):
    db, intake, clock = post
    async with running(db, clock):
        for number in range(ALARMS_PER_HOUR + 20):
            alarm = samples.sos(f"palsu {number}", author=f"phone:{number:016x}")
            await intake.accept(alarm, Via.WEB)
        refused = await until(lambda: _failed(db, 20))
    assert len(await queued(db)) == ALARMS_PER_HOUR
    assert {packet.reason for packet in refused} == {"quota"}
    assert len(await db.read(views.open_alarms)) == ALARMS_PER_HOUR + 20


async def test_a_full_disk_only_delays_what_goes_on_the_air(post, monkeypatch):
    db, intake, _ = post
    clock = Clock(100)
    write = db.write
    attempts = 0

    async def full(*_: object, **__: object) -> None:
        nonlocal attempts
        attempts += 1
        raise StoreError("full")

    await intake.accept(samples.chat("halo"), Via.WEB)
    monkeypatch.setattr(db, "write", full)
    async with running(db, clock):
        await until(lambda: attempts >= 2)
        monkeypatch.setattr(db, "write", write)
        await until(lambda: _is_last(db, b"Ani: halo"))


async def _is_count(db: Database, count: int) -> bool:
    return len(await queued(db)) == count


async def _failed(db: Database, count: int) -> list[outbox.OutPacket]:
    packets = await db.read(lambda c: outbox.in_state(c, State.FAILED))
    return packets if len(packets) == count else []


async def _is_last(db: Database, payload: bytes) -> bool:
    packets = await queued(db)
    return bool(packets) and packets[-1].payload == payload
