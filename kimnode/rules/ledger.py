"""What our own transmissions have cost, and the ledger run forward in time.

A packet's airtime is counted a little longer than an hour, because its last retry goes on the air
after the write that it is counted from. Times are seconds of a clock that does not
jump, airtime is milliseconds.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

HOUR_S = 3600.0
# The radio ends its last retry up to 100 s after the write (LONG_SLOW, computed; LONG_FAST 33 s).
# An entry is counted that much longer, so that no true rolling hour ever exceeds the budget.
RETRY_SPAN_S = 120.0
WINDOW_S = HOUR_S + RETRY_SPAN_S

CHAT_SHARE = 0.6  # of the budget: talk leaves room for direct messages and bulletins
ALL_BUT_SOS_SHARE = 0.8  # of the budget: the rest is kept for an SOS


class Priority(IntEnum):
    """Classes of traffic; the higher one always goes first. Stored, so numbers are never reused."""

    CHAT = 1
    TICKET = 2
    DIRECT = 3
    BULLETIN = 4
    SOS = 5


@dataclass(frozen=True, slots=True)
class Spent:
    """The own airtime of one packet id: reserved or settled, repetitions after a crash included."""

    packet_id: int
    at: float  # Clock.steady() of the newest write to the radio
    airtime_ms: float
    priority: Priority


@dataclass(slots=True)
class Used:
    """Airtime inside the window, by the three limits that look at it."""

    total_ms: float = 0.0
    other_ms: float = 0.0  # all but SOS
    chat_ms: float = 0.0

    def add(self, airtime_ms: float, priority: Priority) -> None:
        self.total_ms += airtime_ms
        if priority is not Priority.SOS:
            self.other_ms += airtime_ms
        if priority is Priority.CHAT:
            self.chat_ms += airtime_ms

    def leaves_room(self, cost_ms: float, priority: Priority, budget_ms: float) -> bool:
        if priority is Priority.SOS:
            return True
        if priority is Priority.CHAT and self.chat_ms + cost_ms > CHAT_SHARE * budget_ms:
            return False
        if self.other_ms + cost_ms > ALL_BUT_SOS_SHARE * budget_ms:
            return False
        return self.total_ms + cost_ms <= budget_ms


class Forecast:
    """The ledger run forward: `now` only grows, entries leave as their window ends."""

    def __init__(self, entries: Iterable[tuple[float, float, Priority]], now: float) -> None:
        self.now = now
        self.used = Used()
        self._releases: list[tuple[float, float, Priority]] = []
        for release_at, airtime_ms, priority in entries:
            self._push(release_at, airtime_ms, priority)

    def spend(self, airtime_ms: float, priority: Priority) -> None:
        self._push(self.now + WINDOW_S, airtime_ms, priority)

    def advance_to_room(self, cost_ms: float, priority: Priority, budget_ms: float) -> bool:
        """Move to the first moment when the cost fits; False if it never does."""
        while not self.used.leaves_room(cost_ms, priority, budget_ms):
            if not self._releases:
                return False
            self.advance_to(self._releases[0][0])
        return True

    def advance_to(self, when: float) -> None:
        self.now = max(self.now, when)
        while self._releases and self._releases[0][0] <= self.now:
            _, airtime_ms, priority = heapq.heappop(self._releases)
            self.used.add(-airtime_ms, priority)
        if not self._releases:
            self.used = Used()  # no rounding residue of sums and differences

    def _push(self, release_at: float, airtime_ms: float, priority: Priority) -> None:
        heapq.heappush(self._releases, (release_at, airtime_ms, priority))
        self.used.add(airtime_ms, priority)
