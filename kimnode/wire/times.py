"""Times as packets carry them (SPEC.md "Time on the air"): minutes and days since 2025-01-01 UTC.

Whole units that have passed, and always UTC: a village's own day begins 7 to 9 hours earlier.
"""

from kimnode.errors import WireError

EPOCH_2025 = 1_735_689_600  # unix seconds of 2025-01-01T00:00:00Z
MINUTE_S = 60
DAY_S = 86_400
MINUTES_END = 1 << 24  # three bytes: to 2056-11-24 20:16
DAYS_END = 1 << 16


def minutes_of(unix_s: float) -> int:
    """Whole minutes since the epoch; WireError outside 2025..2056."""
    return _within((unix_s - EPOCH_2025) // MINUTE_S, MINUTES_END)


def unix_of_minutes(minutes: int) -> int:
    """Unix seconds at which that minute begins; WireError when it is not in three bytes."""
    return EPOCH_2025 + _within(minutes, MINUTES_END) * MINUTE_S


def day_of(unix_s: float) -> int:
    """Whole days since the epoch; WireError outside its range."""
    return _within((unix_s - EPOCH_2025) // DAY_S, DAYS_END)


def unix_of_day(day: int) -> int:
    """Unix seconds at which that day begins; WireError when it is not in two bytes."""
    return EPOCH_2025 + _within(day, DAYS_END) * DAY_S


def _within(value: float, end: int) -> int:
    if not 0 <= value < end:
        raise WireError(f"a time outside what packets can carry: {value} of {end}")
    return int(value)
