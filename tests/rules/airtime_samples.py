"""Waiting packets and used budgets for the tests of the airtime governor."""

from kimnode.rules.airtime import Governor, Priority, Spent, Waiting

NOW = 1_800_000_000.0
BUDGET_MS = 36_000.0  # 1 % of an hour
LATE = NOW + 1e6


def packet(
    number: int = 1,
    priority: Priority = Priority.CHAT,
    airtime_ms: float = 1000.0,
    *,
    message: int | None = None,
    part: int = 1,
    transmissions: int = 1,
    expires_at: float = LATE,
    not_before: float = 0.0,
) -> Waiting:
    return Waiting(
        number,
        number if message is None else message,
        part,
        priority,
        airtime_ms,
        transmissions,
        expires_at,
        not_before,
    )


def spent(used_ms: float, priority: Priority = Priority.CHAT, at: float = NOW) -> Governor:
    return Governor([Spent(99, at, used_ms, priority)])
