"""The airtime governor: which waiting packet may go on the air now, and how long the others wait.

Airtime is reserved before a packet is written to the radio (up to three transmissions) and settled
later; what is never settled stays counted in full. Times are unix seconds, airtime is milliseconds.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from kimnode.rules.ledger import HOUR_S, WINDOW_S, Forecast, Priority, Spent, Used
from kimnode.rules.lora import HEADER_BYTES, Preset, time_on_air_ms

__all__ = [
    "Drop",
    "Governor",
    "Hold",
    "Idle",
    "Loss",
    "Priority",
    "Send",
    "Spent",
    "Wait",
    "Waiting",
]

DEFAULT_BUDGET_SHARE = 0.01  # of every rolling hour: the strict reading of the Indonesian rules
# The firmware's own limits for what is not urgent ("polite") and for everything (AirTime.h).
POLITE_CHANNEL_PCT = 25.0
MAX_CHANNEL_PCT = 40.0
REPORT_MAX_AGE_S = 600.0  # the radio reports to its client about once a minute; ten missed = stale

MAX_TRANSMISSIONS = 3  # NUM_RELIABLE_RETX of the firmware
TEXT_PACING_S = 3.0  # after the previous queueStatus; the firmware drops faster texts
SETTLED_KEPT = 20  # recent packets from which the need for retries is guessed
MIN_WAIT_S = 0.05  # a smaller wait could vanish in the rounding of unix seconds and spin

# What the Data protobuf adds to a text: port number 2, payload header 2 or 3, bitfield 2.
PORT_BYTES = 2
BITFIELD_BYTES = 2
ONE_BYTE_LENGTH_MAX = 127  # a longer payload has a two-byte length
REPLY_ID_BYTES = 5
PKI_BYTES = 12


# How long a packet may wait before it would only confuse or waste air.
EXPIRY_S = {
    Priority.CHAT: 3600.0,  # an hour later the talk has moved on, and the phones had it at once
    Priority.TICKET: 6 * 3600.0,  # its state is looked up anyway; half a working day
    Priority.DIRECT: 3600.0,  # an answer to somebody who has stopped waiting
    Priority.BULLETIN: 24 * 3600.0,  # true for days; a day late still helps
    Priority.SOS: 24 * 3600.0,  # never dropped while somebody may still need help
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """One packet that waits. The order of a sequence of them is the order within a class."""

    id: int
    message: int  # shared by the parts of one message, and by nothing else
    part: int  # from 1; parts that have gone already are absent
    priority: Priority
    airtime_ms: float  # of one transmission
    transmissions: int  # to reserve: MAX_TRANSMISSIONS when an ack is wanted, else 1
    expires_at: float
    not_before: float = 0.0  # a retry that backs off

    @property
    def cost_ms(self) -> float:
        return self.airtime_ms * self.transmissions


class Hold(StrEnum):
    """Why nothing goes now."""

    BUDGET = "budget"
    CHANNEL_BUSY = "channel-busy"
    BACK_OFF = "back-off"


class Loss(StrEnum):
    """Why a packet will never go."""

    EXPIRED = "expired"
    TOO_BIG = "too-big"  # more than its class may use in an hour


@dataclass(frozen=True, slots=True)
class Send:
    """Reserve, commit, write this one. `over_budget` only for an SOS: log it."""

    item: Waiting
    over_budget: bool


@dataclass(frozen=True, slots=True)
class Drop:
    """These end here; their senders must be told. Ask again afterwards."""

    items: tuple[Waiting, ...]
    loss: Loss


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing may go before `seconds` have passed, unless something new comes."""

    seconds: float
    hold: Hold


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing waits."""


def packet_airtime_ms(
    preset: Preset, text_bytes: int, *, pki: bool = False, reply: bool = False
) -> float:
    """Time on air of one transmission of a text of `text_bytes`, all headers included."""
    length_bytes = 2 if text_bytes <= ONE_BYTE_LENGTH_MAX else 3
    data_bytes = PORT_BYTES + length_bytes + text_bytes + BITFIELD_BYTES
    extra_bytes = REPLY_ID_BYTES * reply + PKI_BYTES * pki
    return time_on_air_ms(preset, HEADER_BYTES + data_bytes + extra_bytes)


def price_s(preset: Preset, part_bytes: Iterable[int]) -> float:
    """Seconds of air that texts of these sizes take, each sent once: the price on the page."""
    return sum(packet_airtime_ms(preset, size) for size in part_bytes) / 1000


@dataclass(frozen=True, slots=True)
class _Report:
    at: float
    channel_pct: float  # how busy the channel is
    air_tx_pct: float  # own share of the last hour, relays included

    def fresh(self, now: float) -> bool:
        return now - REPORT_MAX_AGE_S < self.at <= now


class Governor:
    """Decides who goes next. `choose` changes nothing; `reserve` and `settle` keep the ledger.

    `entries` is the stored ledger, so that a restart gives no fresh budget. Entries from a clock
    that was ahead are counted as made now: too careful for an hour, never for longer.
    """

    def __init__(
        self, entries: Iterable[Spent] = (), budget_share: float = DEFAULT_BUDGET_SHARE
    ) -> None:
        self.budget_ms = budget_share * HOUR_S * 1000
        self._spent = {e.packet_id: e for e in entries}
        self._open: dict[int, tuple[float, Waiting]] = {}  # airtime before this write, the packet
        self._settled: deque[int] = deque(maxlen=SETTLED_KEPT)  # transmissions really needed
        self._report: _Report | None = None

    def report(self, channel_pct: float, air_tx_pct: float, now: float) -> None:
        """The radio's own figures (device metrics: channel_utilization, air_util_tx)."""
        self._report = _Report(now, channel_pct, air_tx_pct)

    def entries(self, now: float) -> tuple[Spent, ...]:
        """The ledger as it still counts, oldest first."""
        self._prune(now)
        return tuple(sorted(self._spent.values(), key=lambda e: e.at))

    def used_ms(self, now: float) -> float:
        """Airtime counted against the budget: the greater of our sum and what the radio says."""
        return self._forecast(now).used.total_ms

    def reserve(self, item: Waiting, packet_id: int, now: float) -> Spent:
        """Count a write to the radio in full. Store the result (same id: replace) before writing.

        The same packet id again, after a crash, adds to what it has cost already.
        """
        self._prune(now)
        before = self._spent.get(packet_id)
        before_ms = before.airtime_ms if before else 0.0
        spent = Spent(packet_id, now, before_ms + item.cost_ms, item.priority)
        self._spent[packet_id] = spent
        self._open[packet_id] = (before_ms, item)
        return spent

    def settle(self, packet_id: int, transmissions: int) -> Spent | None:
        """Correct a reservation to the transmissions really used; None if none is open.

        Unsettled is the safe state: after a restart reservations simply stay.
        """
        opened = self._open.pop(packet_id, None)
        spent = self._spent.get(packet_id)
        if opened is None or spent is None:
            return None
        before_ms, item = opened
        used = min(max(transmissions, 0), item.transmissions)
        if used and item.transmissions > 1:
            self._settled.append(used)
        spent = replace(spent, airtime_ms=before_ms + item.airtime_ms * used)
        self._spent[packet_id] = spent
        return spent

    def ever_fits(self, priority: Priority, cost_ms: float) -> bool:
        """Whether a message of this cost could go in an empty hour; refuse it early if not."""
        return Used().leaves_room(cost_ms, priority, self.budget_ms)

    def choose(self, waiting: Sequence[Waiting], now: float) -> Send | Drop | Wait | Idle:
        """The one thing to do now: highest class, then oldest; a begun message before others.

        The head of the line is never overtaken by a smaller packet behind it (it would starve).
        """
        if not waiting:
            return Idle()
        late = tuple(w for w in waiting if w.expires_at <= now)
        if late:
            return Drop(late, Loss.EXPIRED)
        line = [m for m in _in_line(waiting) if m[0].not_before <= now]
        if not line:
            return self._wait(waiting, now, now + HOUR_S, Hold.BACK_OFF)
        return self._judge(line[0], waiting, now)

    def estimate_wait_s(
        self, waiting: Sequence[Waiting], message: Sequence[Waiting], now: float
    ) -> float | None:
        """Seconds until the last part of `message` goes; None if it would expire first.

        `message` may stand in `waiting` already. Honest, not exact: later and more urgent packets
        push it back, and a busy channel is counted until the radio's report is stale.
        """
        key = message[0].message
        line = _in_line([*(w for w in waiting if w.message != key), *message])
        if any(w.message == key for w in waiting):
            line = _in_line(waiting)
        forecast = self._forecast(now)
        link_free_at = now
        deadline = min(w.expires_at for w in message)
        for parts in line:
            priority = parts[0].priority
            forecast.advance_to(self._held_until(priority, now))
            if not forecast.advance_to_room(_cost_ms(parts), priority, self.budget_ms):
                continue  # it will be dropped as too big
            for part in parts:
                forecast.advance_to(max(link_free_at, part.not_before))
                if forecast.now >= deadline:
                    return None
                airtime_ms = part.airtime_ms * self._expected(part.transmissions)
                forecast.spend(airtime_ms, priority)
                link_free_at = forecast.now + max(TEXT_PACING_S, airtime_ms / 1000)
            if parts[0].message == key:
                return forecast.now - now
        return None

    def _expected(self, reserved: int) -> float:
        """Transmissions a packet will really need, by those of late; all of them if unknown."""
        if reserved == 1 or not self._settled:
            return reserved
        return sum(self._settled) / len(self._settled)

    def _judge(
        self, message: tuple[Waiting, ...], waiting: Sequence[Waiting], now: float
    ) -> Send | Drop | Wait:
        head = message[0]
        cost_ms = _cost_ms(message)
        if not self.ever_fits(head.priority, cost_ms):
            return Drop(message, Loss.TOO_BIG)
        held_until = self._held_until(head.priority, now)
        if held_until > now:
            return self._wait(waiting, now, held_until, Hold.CHANNEL_BUSY)
        forecast = self._forecast(now)
        if forecast.used.leaves_room(cost_ms, head.priority, self.budget_ms):
            return Send(head, forecast.used.total_ms + cost_ms > self.budget_ms)
        forecast.advance_to_room(cost_ms, head.priority, self.budget_ms)
        return self._wait(waiting, now, forecast.now, Hold.BUDGET)

    def _held_until(self, priority: Priority, now: float) -> float:
        """When a busy channel lets this class go, as far as is known; `now` if it does."""
        report = self._report
        if priority is Priority.SOS or report is None or not report.fresh(now):
            return now
        limit_pct = POLITE_CHANNEL_PCT if priority <= Priority.TICKET else MAX_CHANNEL_PCT
        return report.at + REPORT_MAX_AGE_S if report.channel_pct >= limit_pct else now

    def _forecast(self, now: float) -> Forecast:
        self._prune(now)
        own = [(e.at + WINDOW_S, e.airtime_ms, e.priority) for e in self._spent.values()]
        report = self._report
        if report and report.fresh(now):
            own_ms = sum(e.airtime_ms for e in self._spent.values())
            since_ms = sum(e.airtime_ms for e in self._spent.values() if e.at > report.at)
            radio_ms = report.air_tx_pct / 100 * HOUR_S * 1000 + since_ms
            if radio_ms > own_ms:  # relays: counted as anything but chat and SOS
                stale_at = report.at + REPORT_MAX_AGE_S
                own.append((stale_at, radio_ms - own_ms, Priority.BULLETIN))
        return Forecast(own, now)

    def _prune(self, now: float) -> None:
        for packet_id, entry in list(self._spent.items()):
            if entry.at + WINDOW_S <= now:
                del self._spent[packet_id]
                self._open.pop(packet_id, None)
            elif entry.at > now:
                self._spent[packet_id] = replace(entry, at=now)

    def _wait(self, waiting: Sequence[Waiting], now: float, until: float, hold: Hold) -> Wait:
        """Not longer than until somebody expires or a back-off ends."""
        moments = [until, *(w.expires_at for w in waiting)]
        moments += [w.not_before for w in waiting if w.not_before > now]
        return Wait(max(min(moments) - now, MIN_WAIT_S), hold)


def _cost_ms(message: Sequence[Waiting]) -> float:
    """What must fit before the first packet goes: all parts together, once begun only the next."""
    begun = message[0].part > 1
    return message[0].cost_ms if begun else sum(w.cost_ms for w in message)


def _in_line(waiting: Sequence[Waiting]) -> list[tuple[Waiting, ...]]:
    """Messages in the order in which they go, each with its waiting parts in order."""
    messages: dict[int, list[Waiting]] = {}
    for item in waiting:
        messages.setdefault(item.message, []).append(item)
    line = [tuple(sorted(parts, key=lambda w: w.part)) for parts in messages.values()]
    return sorted(line, key=lambda parts: (-parts[0].priority, parts[0].part == 1))
