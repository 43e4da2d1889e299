"""The simulated ether: who hears whom, time on air, half duplex, collisions, loss, partitions.

Everything a radio transmits passes here and is written to `log`, so a test can count airtime and
ask what was on the air. The air knows no Meshtastic rules; it carries frames.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from kimnode.radio.sim.frame import Frame, Tuning
from kimnode.radio.sim.timeline import Timeline
from kimnode.rules.lora import PRESETS, time_on_air_ms

MAX_LOG = 200_000  # air events kept; the oldest go first
SENSE_SYMBOLS = 2.25  # a preamble younger than this is not noticed by carrier sensing
SNR_DB, RSSI_DBM = 6.0, -80  # of a link that nobody described
SNR_LIMIT_DB = {7: -7.5, 8: -10.0, 9: -12.5, 10: -15.0, 11: -17.5, 12: -20.0}
SNR_AT_1KM_DB, PATH_LOSS_EXPONENT = 8.0, 3.5  # for radios placed on a map: rolling fields, houses


class Receiver(Protocol):
    """The radio chip as the air sees it."""

    num: int

    @property
    def tuning(self) -> Tuning | None:
        """What it listens to now; None = off or without region."""

    def heard(self, frame: Frame, snr: float, rssi: int) -> None: ...

    def sent(self, air_ms: float) -> None: ...


@dataclass(frozen=True, slots=True)
class AirEvent:
    """One line of the air's diary. what: tx, rx, loss, halfduplex, collision; `at` = receiver."""

    t: float
    what: str
    by: int
    frame: Frame
    at: int = 0
    air_ms: float = 0.0


@dataclass(slots=True)
class _Transmission:
    by: int
    frame: Frame
    tuning: Tuning
    start: float
    end: float


@dataclass(slots=True)
class _Link:
    heard: bool = True
    loss: float | None = None
    snr: float | None = None


class Air:
    """The ether of one village. `loss` 0..1 applies to every link without a loss of its own.

    With `capture_db` a signal that much stronger than its rival survives a collision.
    """

    def __init__(
        self, timeline: Timeline, loss: float = 0.0, capture_db: float | None = None
    ) -> None:
        self.loss = loss
        self.capture_db = capture_db
        self.log: deque[AirEvent] = deque(maxlen=MAX_LOG)
        self.observers: list[Callable[[AirEvent], None]] = []
        self._timeline = timeline
        self._chance = timeline.chance("air")
        self._radios: dict[int, Receiver] = {}
        self._links: dict[tuple[int, int], _Link] = {}
        self._places: dict[int, tuple[float, float]] = {}
        self._groups: dict[int, int] = {}
        self._recent: list[_Transmission] = []

    def attach(self, radio: Receiver) -> None:
        self._radios[radio.num] = radio

    def set_link(
        self,
        a: int,
        b: int,
        *,
        heard: bool = True,
        loss: float | None = None,
        snr: float | None = None,
        both: bool = True,
    ) -> None:
        """Describe the way from `a` to `b` (and back, if `both`)."""
        self._links[(a, b)] = _Link(heard, loss, snr)
        if both:
            self._links[(b, a)] = _Link(heard, loss, snr)

    def place(self, num: int, x_km: float, y_km: float) -> None:
        """Put a radio on the map; two placed ones hear each other as far as the preset carries."""
        self._places[num] = (x_km, y_km)

    def partition(self, *groups: Iterable[int]) -> None:
        """Split the mesh: radios of different groups do not hear each other. No groups = heal."""
        self._groups = {num: i for i, group in enumerate(groups) for num in group}

    def busy(self, num: int) -> bool:
        """What carrier sensing at `num` says now."""
        radio = self._radios[num]
        now = self._timeline.now
        return any(
            t.start <= now < t.end
            and t.by != num
            and t.tuning == radio.tuning
            and now - t.start >= SENSE_SYMBOLS * PRESETS[t.tuning.preset].symbol_ms / 1000
            and self._snr(t.by, num, t.tuning) is not None
            for t in self._recent
        )

    def transmit(self, num: int, frame: Frame, tuning: Tuning) -> float:
        """Radio `num` begins to send; returns the time on air in seconds."""
        now = self._timeline.now
        air_ms = time_on_air_ms(PRESETS[tuning.preset], frame.size_bytes)
        tx = _Transmission(num, frame, tuning, now, now + air_ms / 1000)
        longest_s = time_on_air_ms(PRESETS["LONG_SLOW"], 255) / 1000
        self._recent = [t for t in self._recent if t.end > now - longest_s]
        self._recent.append(tx)
        self._note(AirEvent(now, "tx", num, frame, air_ms=air_ms))
        self._timeline.at(tx.end, lambda: self._arrive(tx, air_ms))
        return air_ms / 1000

    def airtime_ms(self, by: int | None = None, since: float = 0.0) -> float:
        """Milliseconds on air since a virtual second, of one radio or of all."""
        return sum(
            e.air_ms
            for e in self.log
            if e.what == "tx" and e.t >= since and (by is None or e.by == by)
        )

    def _arrive(self, tx: _Transmission, air_ms: float) -> None:
        self._radios[tx.by].sent(air_ms)
        for num, radio in list(self._radios.items()):
            snr = self._snr(tx.by, num, tx.tuning)
            if num == tx.by or snr is None or radio.tuning != tx.tuning:
                continue
            fate = self._fate(tx, num, snr)
            self._note(AirEvent(self._timeline.now, fate, tx.by, tx.frame, at=num))
            if fate == "rx":
                heard_snr = round((snr + self._chance.uniform(-0.5, 0.5)) * 4) / 4
                radio.heard(tx.frame, heard_snr, RSSI_DBM + self._chance.randint(-1, 1))

    def _fate(self, tx: _Transmission, num: int, snr: float) -> str:
        for other in self._recent:
            if other is tx or other.end <= tx.start or other.start >= tx.end:
                continue
            if other.by == num:
                return "halfduplex"
            rival = self._snr(other.by, num, other.tuning)
            if other.tuning != tx.tuning or rival is None:
                continue
            if self.capture_db is None or snr - rival < self.capture_db:
                return "collision"
        link = self._links.get((tx.by, num))
        loss = self.loss if link is None or link.loss is None else link.loss
        return "loss" if self._chance.random() < loss else "rx"

    def _snr(self, a: int, b: int, tuning: Tuning) -> float | None:
        """dB at `b` when `a` sends; None = out of range."""
        link = self._links.get((a, b), _Link())
        if not link.heard or self._groups.get(a) != self._groups.get(b):
            return None
        if link.snr is not None:
            return link.snr
        if a in self._places and b in self._places:
            km = max(math.dist(self._places[a], self._places[b]), 0.01)
            snr = SNR_AT_1KM_DB - 10 * PATH_LOSS_EXPONENT * math.log10(km)
            limit = SNR_LIMIT_DB[PRESETS[tuning.preset].spreading]
            return min(snr, 10.0) if snr >= limit else None
        return SNR_DB

    def _note(self, event: AirEvent) -> None:
        self.log.append(event)
        for observer in self.observers:
            observer(event)
