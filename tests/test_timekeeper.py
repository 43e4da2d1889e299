"""The node's time with disk and machine: restart-safe, awake at once, never in the way."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kimnode import timekeeper
from kimnode.clock import Clock
from kimnode.errors import StoreError
from kimnode.rules.clock import EARLIEST_S, HOLD_S, Evidence, Source
from kimnode.store import people, timekeeping
from kimnode.store.db import Database
from kimnode.timekeeper import SAVE_EVERY_S, Timekeeper, machine_evidence, open_timekeeper
from kimnode.wire.codes import TimeTrust
from tests.waiting import until

TRUTH = EARLIEST_S + 40 * 86_400.0
END = TRUTH + 90 * 86_400.0


class Wall(Clock):
    """A clock that is turned by hand; `machine` is what the system's clock would claim."""

    def __init__(self) -> None:
        super().__init__()
        self.mono = 7.0
        self.machine: list[Evidence] = []

    def monotonic(self) -> float:
        return self.mono


async def nobody(db: Database, clock: Clock) -> Timekeeper:
    """A timekeeper whose machine has no clock."""
    return await open_timekeeper(db, clock, list)


@contextlib.asynccontextmanager
async def running(keeper: Timekeeper) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(keeper.run(), name="timekeeper")
        await asyncio.sleep(0)  # it begins
        yield
        task.cancel()


def hub(unix_s: float = TRUTH) -> Evidence:
    return Evidence(Source.HUB, unix_s, END)


async def test_evidence_counts_at_once(db: Database):
    keeper = await nobody(db, Wall())
    assert keeper.estimate().trust is TimeTrust.UNSURE
    keeper.take(hub())
    assert (keeper.estimate().trust, keeper.estimate().unix_s) == (TimeTrust.SURE, TRUTH)


async def test_the_floor_and_the_running_time_outlive_a_restart(db: Database):
    clock = Wall()
    keeper = await nobody(db, clock)
    async with running(keeper):
        keeper.take(hub())
        clock.mono += 1000
    again = (await nobody(db, Wall())).estimate()
    assert (again.floor_s, again.uptime_s) == (TRUTH + 1000, 1000)
    assert again.trust is TimeTrust.UNSURE


async def test_a_leap_is_on_disk_before_the_next_look(db: Database):
    keeper = await nobody(db, Wall())
    async with running(keeper):
        keeper.take(hub())
        await until(lambda: db.read(timekeeping.load))
        assert (await db.read(timekeeping.load)).floor_s == TRUTH


async def test_running_time_is_kept_every_few_minutes(db: Database):
    keeper = await nobody(db, Clock(speed=6000.0))  # an hour of it in 0.6 s

    async def kept() -> bool:
        saved = await db.read(timekeeping.load)
        return saved is not None and saved.uptime_s >= 2 * SAVE_EVERY_S

    async with running(keeper):
        await until(kept)


async def test_the_machines_clock_is_looked_at_until_it_is_sure(db: Database):
    clock = Clock(speed=6000.0)

    def machine() -> list[Evidence]:
        return [Evidence(Source.NTP, TRUTH + clock.monotonic())]

    keeper = await open_timekeeper(db, clock, machine)
    async with running(keeper):
        await until(lambda: keeper.estimate().trust is TimeTrust.SURE)
    assert clock.monotonic() >= HOLD_S


async def test_a_battery_clock_that_hangs_is_left_alone(db: Database, monkeypatch, caplog):
    monkeypatch.setattr(timekeeper, "READ_S", 0.05)
    clock = Clock(speed=6000.0)
    stuck = threading.Event()
    asked = []

    def machine() -> list[Evidence]:
        asked.append(clock.monotonic())
        stuck.wait(20)
        return []

    keeper = await open_timekeeper(db, clock, machine)
    async with running(keeper):
        await until(lambda: "does not answer" in caplog.text)
        keeper.take(hub())
        assert keeper.estimate().trust is TimeTrust.SURE
        await until(lambda: clock.monotonic() > asked[0] + 1000)
        assert len(asked) == 1
        stuck.set()


async def test_a_full_disk_does_not_end_the_loop(db: Database, monkeypatch, caplog):
    def full(*_args: object, **_named: object) -> None:
        raise StoreError("no space left. Free disk space.")

    keeper = await nobody(db, Wall())
    with monkeypatch.context() as broken:
        broken.setattr(timekeeping, "save", full)
        async with running(keeper):
            keeper.take(hub())
            await until(lambda: "no space left" in caplog.text)
            broken.undo()
    assert (await db.read(timekeeping.load)).floor_s == TRUTH


async def test_what_cannot_be_read_is_told_and_the_node_starts(db: Database, caplog):
    await db.write(lambda c: people.set_fact(c, timekeeping.FACT, b"?"))
    keeper = await nobody(db, Wall())
    assert "cannot be read" in caplog.text
    assert keeper.estimate().floor_s == EARLIEST_S


async def test_each_change_of_trust_is_told_once(db: Database, caplog):
    caplog.set_level(logging.INFO)
    keeper = await nobody(db, Clock(speed=6000.0))
    async with running(keeper):
        await until(lambda: "UNSURE" in caplog.text)
        keeper.take(hub())
        await until(lambda: "the time is now SURE" in caplog.text)
    assert caplog.text.count("the time is now SURE") == 1


async def test_a_radio_is_given_only_a_sure_time_and_never_its_own(db: Database):
    clock = Wall()
    keeper = await nobody(db, clock)
    assert keeper.sure_s() is None
    keeper.take(hub())
    assert keeper.sure_s() == TRUTH
    keeper.take(Evidence(Source.GPS, TRUTH))
    assert keeper.sure_s() is None


@pytest.mark.parametrize(("kept", "source"), [(True, Source.NTP), (False, Source.SYSTEM)])
def test_the_systems_clock_counts_only_when_something_keeps_it(monkeypatch, kept, source):
    monkeypatch.setattr(timekeeper, "synchronised", lambda: kept)
    clock = Clock()
    (said,) = machine_evidence(clock, Path("/nonexistent"))
    assert said.source is source
    assert said.unix_s == pytest.approx(clock.now(), abs=5)


@pytest.mark.parametrize(("text", "count"), [("1800000000\n", 2), ("", 1), ("broken", 1)])
def test_the_battery_clock(tmp_path, text, count):
    rtc = tmp_path / "since_epoch"
    rtc.write_text(text)
    said = machine_evidence(Clock(), rtc)
    assert len(said) == count
    assert count == 1 or said[1] == Evidence(Source.RTC, 1_800_000_000.0)


def test_the_kernel_is_asked(monkeypatch):
    """Whatever it says here; a machine without the call is one that nobody keeps right."""
    assert timekeeper.synchronised() in (True, False)
    monkeypatch.setattr(timekeeper.ctypes, "CDLL", lambda _name: object())
    assert timekeeper.synchronised() is False


@pytest.mark.parametrize(
    ("answer", "error_us", "kept"),
    [(0, 500_000, True), (5, 500_000, True), (5, 16_000_000, False), (-1, 0, False)],
)
def test_what_the_kernel_says(monkeypatch, answer, error_us, kept):
    class Library:
        @staticmethod
        def adjtimex(timex: object) -> int:
            timex._obj.maxerror = error_us
            return answer

    monkeypatch.setattr(timekeeper.ctypes, "CDLL", lambda _name: Library)
    assert timekeeper.synchronised() is kept


def test_the_release_is_not_in_the_future():
    """Else a true clock would count as impossible."""
    assert datetime.now(UTC).timestamp() > EARLIEST_S
