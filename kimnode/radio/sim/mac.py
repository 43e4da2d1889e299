"""The radio chip: when to send (CSMA), what the transmit queue does, what was heard.

A packet waits a random number of slots; one that is being repeated waits longer the better it was
heard (managed flooding: the far ones repeat first).
"""

from collections.abc import Callable

from kimnode.radio.sim.air import Air
from kimnode.radio.sim.airtime import Airtime
from kimnode.radio.sim.board import Board
from kimnode.radio.sim.frame import Frame, Tuning
from kimnode.radio.sim.timeline import Event
from kimnode.radio.sim.txqueue import Queued, TxQueue
from kimnode.rules.lora import PRESETS, time_on_air_ms

RES_OK, RES_QUEUE_FULL, RES_DISABLED = 0, 32, 34
CW_MIN, CW_MAX = 3, 8
SNR_MIN_DB, SNR_MAX_DB = -20, 10
TURNAROUND_S = 0.1  # one round of the native build's main loop: the least any step takes
JITTER_S = 0.04
RETRANSMIT_MARGIN_MS = 4500
MAC_TIME_MS = 7.6


def slot_ms(preset: str) -> int:
    """CSMA slot: channel activity detection plus propagation and turnaround (RadioInterface)."""
    return int(2.5 * PRESETS[preset].symbol_ms + MAC_TIME_MS)


class Mac:
    """One LoRa chip. `on_frame(frame, snr, rssi)` gets what was received, a moment later."""

    def __init__(
        self, board: Board, air: Air, on_frame: Callable[[Frame, float, int], None]
    ) -> None:
        self.num = board.num
        self.on_space: Callable[[], None] = lambda: None
        self.powered = True
        self.queue = TxQueue()
        self.airtime = Airtime()
        self._board = board
        self._air = air
        self._on_frame = on_frame
        self._sending = False
        self._timer: Event | None = None
        air.attach(self)

    @property
    def tuning(self) -> Tuning | None:
        return self._board.state.tuning if self.powered else None

    @property
    def channel_utilization(self) -> float:
        return self.airtime.channel_utilization(self._board.timeline.now)

    def send(self, frame: Frame, priority: int, heard_snr: float | None = None) -> int:
        """Queue a frame; 0, 32 (full of more important ones) or 34 (region unset)."""
        if self.tuning is None or not self._board.state.config.lora.tx_enabled:
            return RES_DISABLED
        if not self.queue.put(Queued(frame, priority, heard_snr)):
            return RES_QUEUE_FULL
        self._plan()
        return RES_OK

    def air_ms(self, size_bytes: int) -> float:
        return time_on_air_ms(PRESETS[self._board.state.preset], size_bytes)

    def retransmit_after_s(self, size_bytes: int) -> float:
        """How long an answer to a frame of this size may take (getRetransmissionMsec)."""
        window = (1 << self._contention()) + 2 * CW_MAX + (1 << (CW_MAX + CW_MIN) // 2)
        slots_ms = window * slot_ms(self._board.state.preset)
        return (2 * self.air_ms(size_bytes) + slots_ms + RETRANSMIT_MARGIN_MS) / 1000

    def power_off(self) -> None:
        """The chip falls silent; a frame it is just sending still arrives (a simplification)."""
        self.powered = False
        self.queue.clear()
        if self._timer:
            self._timer.cancel()

    def heard(self, frame: Frame, snr: float, rssi: int) -> None:
        self.airtime.heard(self._board.timeline.now, self.air_ms(frame.size_bytes))
        delay = TURNAROUND_S + self._board.chance.uniform(0.0, JITTER_S)
        self._board.timeline.after(delay, lambda: self._hand_over(frame, snr, rssi))
        self._plan()

    def sent(self, air_ms: float) -> None:
        self.airtime.sent(self._board.timeline.now, air_ms)
        self._sending = False
        self._plan(TURNAROUND_S)

    def _hand_over(self, frame: Frame, snr: float, rssi: int) -> None:
        if self.powered:
            self._on_frame(frame, snr, rssi)

    def _contention(self) -> int:
        span = CW_MAX - CW_MIN
        return CW_MIN + int(min(self.channel_utilization, 100.0) * span / 100)

    def _delay_s(self, item: Queued) -> float:
        slot = slot_ms(self._board.state.preset)
        if item.heard_snr is None:
            return self._board.chance.randrange(1 << self._contention()) * slot / 1000
        snr = min(max(item.heard_snr, SNR_MIN_DB), SNR_MAX_DB)
        span = (CW_MAX - CW_MIN) / (SNR_MAX_DB - SNR_MIN_DB)
        window = 1 << (CW_MIN + int((snr - SNR_MIN_DB) * span))
        return (2 * CW_MAX + self._board.chance.randrange(window)) * slot / 1000

    def _plan(self, extra_s: float = 0.0) -> None:
        """Start the contention timer for the front packet unless one runs (notifyLater)."""
        running = self._timer is not None and self._timer.action is not None
        front = self.queue.front
        if front and not running and not self._sending:
            delay = extra_s + TURNAROUND_S / 2 + self._delay_s(front)
            self._timer = self._board.timeline.after(delay, self._timer_done)

    def _timer_done(self) -> None:
        self._timer = None
        tuning = self.tuning
        if self.queue.front is None or self._sending or tuning is None:
            return
        if self._air.busy(self.num):
            self._plan(slot_ms(tuning.preset) / 1000)
            return
        self._sending = True
        self._air.transmit(self.num, self.queue.take().frame, tuning)
        self.on_space()
