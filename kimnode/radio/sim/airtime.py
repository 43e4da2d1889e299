"""How much a radio hears and sends: the two percentages it reports in its telemetry."""

from collections import deque

UTILIZATION_S, TX_HOUR_S = 60.0, 3600.0


class Airtime:
    """`now` is virtual seconds; amounts are milliseconds on air."""

    def __init__(self) -> None:
        self._minute: deque[tuple[float, float]] = deque()
        self._own_hour: deque[tuple[float, float]] = deque()

    def heard(self, now: float, air_ms: float) -> None:
        self._minute.append((now, air_ms))

    def sent(self, now: float, air_ms: float) -> None:
        self._minute.append((now, air_ms))
        self._own_hour.append((now, air_ms))

    def channel_utilization(self, now: float) -> float:
        """Percent of the last minute that the channel was in use, sent or received."""
        return _total_ms(self._minute, now - UTILIZATION_S) / (UTILIZATION_S * 10)

    def air_util_tx(self, now: float) -> float:
        """Percent of the last hour that this radio sent, relaying included."""
        return _total_ms(self._own_hour, now - TX_HOUR_S) / (TX_HOUR_S * 10)


def _total_ms(window: deque[tuple[float, float]], since: float) -> float:
    while window and window[0][0] < since:
        window.popleft()
    return sum(ms for _, ms in window)
