"""The radio chip and its transmit queue: priorities, CSMA delays, airtime bookkeeping.

A packet waits a random number of slots; one that is being repeated waits longer the better it was
heard (managed flooding: the far ones repeat first).
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from meshtastic.protobuf import mesh_pb2

from kimnode.radio.sim.air import Air
from kimnode.radio.sim.board import Board
from kimnode.radio.sim.frame import Frame, Tuning
from kimnode.radio.sim.timeline import Event
from kimnode.rules.lora import PRESETS, time_on_air_ms

MAX_TX_QUEUE = 16
RES_OK, RES_QUEUE_FULL, RES_DISABLED = 0, 32, 34
CW_MIN, CW_MAX = 3, 8
SNR_MIN_DB, SNR_MAX_DB = -20, 10
TURNAROUND_S = 0.1  # the firmware's loop between "sent" or "received" and the next step
RETRANSMIT_MARGIN_MS = 4500
MAC_TIME_MS = 7.6
UTILIZATION_S, TX_HOUR_S = 60.0, 3600.0


def slot_ms(preset: str) -> int:
    """CSMA slot: channel activity detection plus propagation and turnaround (RadioInterface)."""
    return int(2.5 * PRESETS[preset].symbol_ms + MAC_TIME_MS)


@dataclass(slots=True)
class _Queued:
    frame: Frame
    priority: int
    heard_snr: float | None  # of a packet that is repeated; None = our own


class Mac:
    """One LoRa chip. `on_frame(frame, snr, rssi)` gets what was received, a moment later."""

    def __init__(
        self, board: Board, air: Air, on_frame: Callable[[Frame, float, int], None]
    ) -> None:
        self.num = board.num
        self.on_space: Callable[[], None] = lambda: None
        self.powered = True
        self._board = board
        self._air = air
        self._on_frame = on_frame
        self._queue: list[_Queued] = []
        self._sending = False
        self._timer: Event | None = None
        self._minute: deque[tuple[float, float]] = deque()
        self._own_hour: deque[tuple[float, float]] = deque()
        air.attach(self)

    @property
    def tuning(self) -> Tuning | None:
        return self._board.state.tuning if self.powered else None

    @property
    def free(self) -> int:
        return MAX_TX_QUEUE - len(self._queue)

    @property
    def channel_utilization(self) -> float:
        """Percent of the last minute that the channel was in use, sent or received."""
        return self._total_ms(self._minute, UTILIZATION_S) / (UTILIZATION_S * 10)

    @property
    def air_util_tx(self) -> float:
        """Percent of the last hour that this radio sent."""
        return self._total_ms(self._own_hour, TX_HOUR_S) / (TX_HOUR_S * 10)

    def send(self, frame: Frame, priority: int, heard_snr: float | None = None) -> int:
        """Queue a frame; 0, 32 (full of more important ones) or 34 (region unset)."""
        if self.tuning is None or not self._board.state.config.lora.tx_enabled:
            return RES_DISABLED
        if self.free == 0 and not self._evict_below(priority):
            return RES_QUEUE_FULL
        place = next((i for i, q in enumerate(self._queue) if q.priority < priority), self._size)
        self._queue.insert(place, _Queued(frame, priority, heard_snr))
        self._plan()
        return RES_OK

    def cancel(self, sender: int, packet_id: int) -> bool:
        """Take a packet out of the queue, if it still waits there."""
        before = self._size
        self._queue = [
            q for q in self._queue if (q.frame.sender, q.frame.packet_id) != (sender, packet_id)
        ]
        return self._size != before

    def waits(self, sender: int, packet_id: int) -> bool:
        return any((q.frame.sender, q.frame.packet_id) == (sender, packet_id) for q in self._queue)

    def air_ms(self, size_bytes: int) -> float:
        return time_on_air_ms(PRESETS[self._board.state.preset], size_bytes)

    def retransmit_after_s(self, size_bytes: int) -> float:
        """How long an answer to a frame of this size may take (getRetransmissionMsec)."""
        window = 2 ** self._contention() + 2 * CW_MAX + 2 ** ((CW_MAX + CW_MIN) // 2)
        slots_ms = window * slot_ms(self._board.state.preset)
        return (2 * self.air_ms(size_bytes) + slots_ms + RETRANSMIT_MARGIN_MS) / 1000

    def power_off(self) -> None:
        """The chip falls silent at once; a frame on the air is cut for nobody (simplification)."""
        self.powered = False
        self._queue.clear()
        if self._timer:
            self._timer.cancel()

    def heard(self, frame: Frame, snr: float, rssi: int) -> None:
        self._minute.append((self._board.timeline.now, self.air_ms(frame.size_bytes)))
        delay = self._board.chance.uniform(0.02, TURNAROUND_S)
        self._board.timeline.after(delay, lambda: self._hand_over(frame, snr, rssi))
        self._plan()

    def sent(self, frame: Frame, air_ms: float) -> None:
        for window in (self._minute, self._own_hour):
            window.append((self._board.timeline.now, air_ms))
        self._sending = False
        self._plan(TURNAROUND_S)

    @property
    def _size(self) -> int:
        return len(self._queue)

    def _hand_over(self, frame: Frame, snr: float, rssi: int) -> None:
        if self.powered:
            self._on_frame(frame, snr, rssi)

    def _evict_below(self, priority: int) -> bool:
        if self._queue[-1].priority >= priority:
            return False
        self._queue.pop()
        return True

    def _contention(self) -> int:
        span = CW_MAX - CW_MIN
        return CW_MIN + int(min(self.channel_utilization, 100.0) * span / 100)

    def _delay_s(self, item: _Queued) -> float:
        slot = slot_ms(self._board.state.preset)
        if item.heard_snr is None:
            return self._board.chance.randrange(2 ** self._contention()) * slot / 1000
        snr = min(max(item.heard_snr, SNR_MIN_DB), SNR_MAX_DB)
        span = (CW_MAX - CW_MIN) / (SNR_MAX_DB - SNR_MIN_DB)
        window = 2 ** (CW_MIN + int((snr - SNR_MIN_DB) * span))
        return (2 * CW_MAX + self._board.chance.randrange(window)) * slot / 1000

    def _plan(self, extra_s: float = 0.0) -> None:
        """Start the contention timer for the front packet unless one runs (notifyLater)."""
        running = self._timer is not None and self._timer.action is not None
        if self._queue and not running and not self._sending:
            delay = extra_s + self._delay_s(self._queue[0])
            self._timer = self._board.timeline.after(delay, self._timer_done)

    def _timer_done(self) -> None:
        self._timer = None
        tuning = self.tuning
        if not self._queue or self._sending or tuning is None:
            return
        if self._air.busy(self.num):
            self._plan(slot_ms(tuning.preset) / 1000)
            return
        item = self._queue.pop(0)
        self._sending = True
        self._air.transmit(self.num, item.frame, tuning)
        self.on_space()

    def _total_ms(self, window: deque[tuple[float, float]], length_s: float) -> float:
        since = self._board.timeline.now - length_s
        while window and window[0][0] < since:
            window.popleft()
        return sum(ms for _, ms in window)
