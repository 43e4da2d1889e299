"""The node's time: rules/clock.py with a disk and the machine's own clocks.

Whoever has evidence calls `take()`, whoever needs the time calls `estimate()`; both are cheap and
never wait. Nothing is asked of the system's clock unless the kernel calls it synchronised.
"""

import asyncio
import contextlib
import ctypes
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from kimnode.clock import Clock
from kimnode.errors import StoreError
from kimnode.rules import clock as rules
from kimnode.rules.clock import Estimate, Evidence, Keeper, Saved, Source
from kimnode.store import timekeeping
from kimnode.store.db import Database
from kimnode.wire.codes import TimeTrust

log = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0  # at the machine's clocks
SAVE_EVERY_S = 300.0  # a power cut costs so much running time at most
LEAP_S = 60.0  # a floor that evidence moved by more is saved at once
READ_S = 5.0  # a battery clock on a bad bus is not waited for any longer
RTC = Path("/sys/class/rtc/rtc0/since_epoch")  # unix seconds in text
UNSYNCHRONISED_US = 16_000_000  # the kernel's greatest error: says "nobody sets this clock"

Machine = Callable[[], list[Evidence]]


class Timekeeper:
    """One per node; open it with `open_timekeeper()`. `run()` in a TaskGroup."""

    def __init__(self, db: Database, clock: Clock, saved: Saved | None, machine: Machine) -> None:
        self._db = db
        self._clock = clock
        self._machine = machine
        self._keeper: Keeper = rules.wake(saved, clock.monotonic())
        self._saved_at = clock.monotonic()
        self._leapt = asyncio.Event()
        self._told: TimeTrust | None = None

    def estimate(self) -> Estimate:
        """The time as far as it is known now."""
        return rules.estimate(self._keeper, self._clock.monotonic())

    def take(self, evidence: Evidence) -> None:
        """Believe it as far as its source is worth. Signatures are checked before."""
        now_s = self._clock.monotonic()
        before = rules.advance(self._keeper, now_s)
        self._keeper = rules.take(before, evidence, now_s)
        if self._keeper.floor_s - before.floor_s > LEAP_S:
            self._leapt.set()

    def sure_s(self) -> float | None:
        """Unix seconds to give to a radio: only when SURE, and to none that has its own GPS, or its
        echo of our time would look like a second witness."""
        now = self.estimate()
        gps = any(sighting.source is Source.GPS for sighting in self._keeper.sightings)
        return float(now.unix_s) if now.trust is TimeTrust.SURE and not gps else None

    async def run(self) -> None:
        """Look at the machine's clocks and keep the floor on disk, for ever; once more at the end.

        A full disk must not stop the node: the floor on disk is only older then.
        """
        try:
            while True:
                await self._look()
                if self._leapt.is_set() or self._clock.monotonic() - self._saved_at >= SAVE_EVERY_S:
                    await self._save()
                self._tell()
                with contextlib.suppress(TimeoutError):
                    async with self._clock.timeout(LOOK_EVERY_S):
                        await self._leapt.wait()
        finally:
            await self._save()

    async def _look(self) -> None:
        try:
            async with self._clock.timeout(READ_S * max(self._clock.speed, 1.0)):
                said = await asyncio.to_thread(self._machine)
        except TimeoutError:
            log.warning(
                "this machine's clock does not answer; it is not asked again until a restart"
            )
            self._machine = list  # each question that hangs would hold one more thread
            return
        for evidence in said:
            self.take(evidence)

    async def _save(self) -> None:
        self._leapt.clear()
        now_s = self._clock.monotonic()
        state = rules.saved(rules.advance(self._keeper, now_s))
        try:
            await self._db.write(partial(timekeeping.save, saved=state), quiet=True)
        except StoreError as error:
            log.error("the time could not be kept on disk: %s", error)  # noqa: TRY400
        self._saved_at = now_s

    def _tell(self) -> None:
        trust = self.estimate().trust
        if trust is not self._told:
            log.info("the time is now %s", trust.name)
            self._told = trust


async def open_timekeeper(db: Database, clock: Clock, machine: Machine | None = None) -> Timekeeper:
    """The timekeeper with what was saved. `machine`: what the machine's own clocks say; a demo or
    a test gives its own."""
    try:
        saved = await db.read(timekeeping.load)
    except StoreError as error:  # people must be able to talk, whatever time it is
        log.error("%s", error)  # noqa: TRY400
        saved = None
    return Timekeeper(db, clock, saved, machine or partial(machine_evidence, clock))


def machine_evidence(clock: Clock, rtc: Path = RTC) -> list[Evidence]:
    """What this machine's clocks say now. Blocks for some milliseconds: a file of the kernel."""
    system = Source.NTP if synchronised() else Source.SYSTEM
    said = [Evidence(system, clock.now())]
    with contextlib.suppress(OSError, ValueError):  # no such clock, or it was never set
        said.append(Evidence(Source.RTC, float(rtc.read_text())))
    return said


class _Timex(ctypes.Structure):
    """The head of Linux's struct timex; `modes` 0 only reads."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_byte * 512),
    )


def synchronised() -> bool:
    """Whether something (chrony, timesyncd, ntpd ...) keeps the system's clock right.

    The kernel forgets it as soon as the clock is set by hand, unlike the flag file of timesyncd.
    """
    timex = _Timex()
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is None or adjtimex(ctypes.byref(timex)) < 0:
        return False
    return int(timex.maxerror) < UNSYNCHRONISED_US
