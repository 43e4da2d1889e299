"""What this gateway lacks, and when it asks for it.

Another gateway's ask for the same thing does for both; an answer to anybody ends it. Forged asks
and hints can fill the table, and no more than that.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kimnode.wire import gossip
from kimnode.wire.gossip import MAX_ITEMS, Item, Origin, Want

NEVER = float("inf")
MAX_LACKS = 64
MAX_TRIES = 5
SETTLE_S = 16.0  # the rest of what is being sent comes within it
ANSWER_S = 15.0  # for the packets of an answer, beside the random delays of asking and answering
LATER = 1.7  # each next wait for an answer is so much longer

Chance = Callable[[], float]  # a random number, 0 <= x < 1
MIN_SPREAD_S = 6.0
SPREAD_PACKETS = 40  # asks that fit the time over which they are spread


@dataclass(slots=True)
class Pace:
    """How slow the air is: random delays are drawn from `spread_s` seconds."""

    spread_s: float = MIN_SPREAD_S

    def set(self, ask_airtime_ms: float) -> None:
        """From the airtime of a short packet: who asks must be heard before others ask too."""
        self.spread_s = max(MIN_SPREAD_S, SPREAD_PACKETS * ask_airtime_ms / 1000)


@dataclass(slots=True)
class _Lack:
    item: Item
    at: float
    tries_left: int
    wait_s: float


class Lacks:
    """Times are Clock.monotonic() seconds."""

    def __init__(self, chance: Chance, pace: Pace) -> None:
        self._chance = chance
        self._pace = pace
        self._lacks: dict[tuple[Want, bytes], _Lack] = {}

    def add(self, item: Item, now: float, after_s: float = 0.0, tries: int = MAX_TRIES) -> None:
        """We lack this. What is lacked already is not asked for sooner than in `after_s`."""
        key = (item.want, item.hint)
        known = self._lacks.get(key)
        if known is not None:
            known.item, known.at = item, max(known.at, now + after_s)
            return
        if len(self._lacks) >= MAX_LACKS:
            return
        at = now + after_s + self._chance() * self._pace.spread_s
        self._lacks[key] = _Lack(item, at, tries, 2 * self._pace.spread_s + ANSWER_S)

    def __contains__(self, key: object) -> bool:
        return key in self._lacks

    def found(self, want: Want, hint: bytes = b"") -> None:
        self._lacks.pop((want, hint), None)

    def found_number(self, origin: Origin, number: int) -> None:
        """A document with this place has come."""
        for (want, hint), lack in list(self._lacks.items()):
            if want is not Want.NUMBERS or gossip.tag(hint[0], origin) != hint[1:]:
                continue
            left = lack.item.numbers - {number}
            lack.item = Item(want, hint, numbers=left)
            if not left:
                del self._lacks[want, hint]

    def heard(self, items: Iterable[Item], now: float) -> None:
        """Somebody else asks: the answer is for us too."""
        for item in items:
            lack = self._lacks.get((item.want, item.hint))
            if lack is not None and lack.at < now + lack.wait_s:
                lack.at = now + lack.wait_s + self._chance() * self._pace.spread_s

    def due(self, now: float) -> list[Item]:
        """What to ask for now in one packet, soon-due things included; nothing when none is due."""
        if self.wake_at() > now:
            return []
        soon = [lack for lack in self._lacks.values() if lack.at <= now + self._pace.spread_s]
        asked = sorted(soon, key=lambda lack: lack.at)[:MAX_ITEMS]
        for lack in asked:
            lack.tries_left -= 1
            lack.at = now + lack.wait_s + self._chance() * self._pace.spread_s
            lack.wait_s *= LATER
            if lack.tries_left <= 0:
                del self._lacks[lack.item.want, lack.item.hint]
        return [lack.item for lack in asked]

    def wake_at(self) -> float:
        return min((lack.at for lack in self._lacks.values()), default=NEVER)
