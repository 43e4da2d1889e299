"""Independent observers: what was on the air, what every screen shows, what the node claims.

They know nothing of the sender's reasoning: they look at the simulated ether, at the radios'
screens and, inside each commit, at the states that the node is about to tell.
"""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest

from kimnode.radio.sim.air import Air, AirEvent
from kimnode.radio.sim.device import Device
from kimnode.rules.delivery import State
from kimnode.store import outbox

CLAIMS = (State.ON_AIR, State.RELAYED, State.DELIVERED)


@dataclass(frozen=True, slots=True)
class Transmission:
    """One frame on the air. `at` is in seconds of the mesh."""

    at: float
    by: int
    packet_id: int
    air_ms: float


class AirWatch:
    """Every transmission by the radio that made the packet (not what others repeat)."""

    def __init__(self, air: Air) -> None:
        self.sent: dict[tuple[int, int], list[Transmission]] = {}
        self._next: dict[int, asyncio.Event] = {}
        air.observers.append(self._note)

    def _note(self, event: AirEvent) -> None:
        frame = event.frame
        if event.what == "tx" and event.by == frame.sender:
            heard = Transmission(event.t, event.by, frame.packet_id, event.air_ms)
            self.sent.setdefault((event.by, frame.packet_id), []).append(heard)
            self._next.pop(event.by, asyncio.Event()).set()

    async def next_sent(self, by: int) -> None:
        """Returns when that radio sends its next own packet, for the first time or again."""
        await self._next.setdefault(by, asyncio.Event()).wait()

    def was_sent(self, by: int, packet_id: int) -> bool:
        return (by, packet_id) in self.sent

    def first_at(self, by: int, packet_id: int) -> float:
        return self.sent[by, packet_id][0].at

    def airtime_ms(self, by: int, packet_id: int) -> float:
        """Milliseconds that this packet took on the air, every repetition of its sender counted."""
        return sum(t.air_ms for t in self.sent.get((by, packet_id), []))

    def of(self, by: int, packet_ids: Iterable[int]) -> list[Transmission]:
        """All transmissions of these packets, in time order."""
        found = [t for pid in packet_ids for t in self.sent.get((by, pid), [])]
        return sorted(found, key=lambda t: t.at)


class Truth:
    """Looks into each commit: nothing may be called sent before the air has carried it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, air: AirWatch, own: set[int]) -> None:
        self.lies: list[str] = []
        self.claims = 0
        self._air = air
        self._own = own
        self._move = outbox.move
        monkeypatch.setattr(outbox, "move", self._spy)

    def _spy(
        self,
        connection: sqlite3.Connection,
        packet_row: int,
        state: State,
        reason: str = "",
        not_before: float = 0.0,
    ) -> None:
        self._move(connection, packet_row, state, reason, not_before)
        packet = outbox.get(connection, packet_row)
        if packet is None or state not in CLAIMS:
            return
        self.claims += 1
        if not any(self._air.was_sent(num, packet.packet_id or 0) for num in self._own):
            self.lies.append(f"packet {packet_row} is called {state} before it was on the air")


def texts_on(device: Device) -> list[str]:
    """What a person has read on this radio, oldest first."""
    return [text.text for text in device.shown]


def shown_twice(device: Device) -> list[str]:
    return twice(texts_on(device))


def twice(texts: Iterable[str]) -> list[str]:
    """The texts that are there more than once."""
    return [text for text, count in Counter(texts).items() if count > 1]


def in_order(wanted: list[str], found: list[str]) -> bool:
    """Whether those of `wanted` that were found were found in that order."""
    places = {text: place for place, text in enumerate(found)}
    known = [places[text] for text in wanted if text in places]
    return known == sorted(known)


async def arrive(wanted: Iterable[str], found: Callable[[], Iterable[str]], limit_s: float) -> None:
    """Returns when all wanted texts are found; after `limit_s` real seconds says which are not."""
    missing = set(wanted)
    end = time.monotonic() + limit_s
    while missing := missing - set(found()):
        if time.monotonic() > end:
            few = sorted(missing)[:5]
            raise AssertionError(f"{len(missing)} texts never arrived, as {few}")
        await asyncio.sleep(0.05)
