"""Virtual time of the simulated mesh: an event heap with its own clock and its own seeded chance.

The core never looks at a wall clock: `run_until(t)` lives an hour as fast as the machine can, and
`Driver` ties the same heap to a `Clock` when real clients are connected.
"""

import asyncio
import heapq
import random
from collections.abc import Callable
from itertools import count

from kimnode.clock import Clock

SLICE_EVENTS = 200  # events handled before other asyncio tasks get their turn


class Event:
    """A function due at `when`; `cancel()` makes it a no-op and lets its memory go."""

    __slots__ = ("action", "when")

    def __init__(self, when: float, action: Callable[[], None]) -> None:
        self.when = when
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        self.action = None


class Timeline:
    """`now` is virtual seconds since the village began. Same seed, same calls: same history."""

    def __init__(self, seed: int = 0) -> None:
        self.now = 0.0
        self.seed = seed
        self.on_sooner: Callable[[], None] | None = None
        self.on_catch_up: Callable[[], None] | None = None
        self._running = False
        self._heap: list[tuple[float, int, Event]] = []
        self._order = count()

    def chance(self, name: str) -> random.Random:
        """An independent stream of chance for one part, so that parts do not disturb each other."""
        return random.Random(f"{self.seed}/{name}")  # noqa: S311 - a simulation must repeat

    def at(self, when: float, action: Callable[[], None]) -> Event:
        """Run `action` at virtual second `when` (never before `now`); equal times keep order."""
        event = Event(max(when, self.now), action)
        sooner = not self._heap or event.when < self._heap[0][0]
        heapq.heappush(self._heap, (event.when, next(self._order), event))
        if sooner and self.on_sooner:
            self.on_sooner()
        return event

    def after(self, delay_s: float, action: Callable[[], None]) -> Event:
        return self.at(self.now + delay_s, action)

    @property
    def next_at(self) -> float | None:
        """When the next live event is due; None when nothing is planned."""
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def run_until(self, t: float, max_events: int | None = None) -> bool:
        """Live up to virtual second `t`. False if `max_events` ran out first."""
        self._running = True
        try:
            done = self._run(t, max_events)
        finally:
            self._running = False
        if done:
            self.now = max(self.now, t)
        return done

    def catch_up(self) -> None:
        """Call before acting from outside: with real clients `now` may lie behind this instant."""
        if self.on_catch_up and not self._running:
            self.on_catch_up()

    def _run(self, t: float, max_events: int | None) -> bool:
        left = max_events
        while (due := self.next_at) is not None and due <= t:
            if left == 0:
                return False
            left = left - 1 if left is not None else None
            _, _, event = heapq.heappop(self._heap)
            self.now = max(self.now, due)
            action, event.action = event.action, None
            if action:
                action()
        return True


class Driver:
    """Runs a Timeline against a Clock. It sleeps until the next event: idling is free."""

    def __init__(self, timeline: Timeline, clock: Clock) -> None:
        self._timeline = timeline
        self._clock = clock
        self._offset = 0.0
        self._sooner = asyncio.Event()

    def attach(self) -> None:
        """From this instant on virtual time follows the clock."""
        self._offset = self._clock.monotonic() - self._timeline.now
        self._timeline.on_sooner = self._sooner.set
        self._timeline.on_catch_up = self._catch_up

    async def run(self) -> None:
        """Drive until cancelled."""
        while True:
            self._sooner.clear()
            if not self._live():
                await asyncio.sleep(0)
                continue
            await self._wait_for_next()

    def _catch_up(self) -> None:
        self._live()

    def _live(self) -> bool:
        return self._timeline.run_until(self._clock.monotonic() - self._offset, SLICE_EVENTS)

    async def _wait_for_next(self) -> None:
        due = self._timeline.next_at
        if due is None:
            await self._sooner.wait()
            return
        wait_s = due + self._offset - self._clock.monotonic()
        try:
            async with self._clock.timeout(max(wait_s, 0.0)):
                await self._sooner.wait()
        except TimeoutError:
            return
