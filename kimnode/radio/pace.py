"""When the next text may be written: 3 s after the radio answered the one before, never sooner.

Firmware drops texts that come faster, and a radio that hangs must not be fed: while nothing
answers, nothing more is written. Times are Clock.monotonic() seconds.
"""

TEXT_PACING_S = 3.0  # after the previous queueStatus
SETTLE_S = 0.5  # after a handshake: first hear what the radio kept for us
POLL_EVERY_S = 2.0  # while a packet's way into the air is unknown
NEVER = float("inf")


class Pace:
    """Told what is written and heard; says when the next write and the next poll are due."""

    def __init__(self) -> None:
        self.write_at = NEVER
        self.poll_at = NEVER
        self._last_write = -NEVER
        self._awaited: int | None = None  # packet id whose queueStatus is missing
        self._polled = False

    def link_up(self, now: float) -> None:
        self._awaited = None
        self.write_at = max(now + SETTLE_S, self._last_write + TEXT_PACING_S)
        self.poll_at = now + POLL_EVERY_S

    def link_lost(self) -> None:
        self.write_at = self.poll_at = NEVER

    def written(self, packet_id: int, now: float) -> None:
        self._last_write = now
        self._awaited, self._polled = packet_id, False
        self.write_at = NEVER
        self.poll_at = now + POLL_EVERY_S

    def polled(self, now: float) -> None:
        self._polled = True
        self.poll_at = now + POLL_EVERY_S

    def heard_about(self, packet_id: int, now: float) -> None:
        """A queueStatus or a ROUTING reply names this packet."""
        if packet_id == self._awaited:
            self._answered(now)

    def heard_status(self, now: float) -> None:
        """Any queueStatus: after a poll it proves that the radio has read what came before it."""
        if self._awaited is not None and self._polled:
            self._answered(now)

    def _answered(self, now: float) -> None:
        self._awaited = None
        self.write_at = now + TEXT_PACING_S
