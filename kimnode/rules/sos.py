"""The life of one SOS, as a table. Unlisted = refused.

An SOS alarms every phone until a named person takes it or its sender cancels it.
"""

from enum import StrEnum

from kimnode.record import Kind


class SosState(StrEnum):
    OPEN = "open"  # alarm on every phone, repeated
    TAKEN = "taken"  # a named person has said: I take care of it
    CANCELLED = "cancelled"  # by who sent it


STEPS = {
    (SosState.OPEN, Kind.SOS_ACK): SosState.TAKEN,
    (SosState.OPEN, Kind.SOS_CANCEL): SosState.CANCELLED,
    (SosState.TAKEN, Kind.SOS_CANCEL): SosState.CANCELLED,
}


def step(state: SosState, kind: Kind) -> SosState | None:
    """The state after a record of `kind` about the SOS; None when that is not allowed now."""
    return STEPS.get((state, kind))


# An alarm that nobody has taken is said again on the air after so many seconds: the one radio that
# could help may have been off. Rarer with time, so that it does not drown everything else.
REPEAT_AFTER_S = (120.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0)


def repeats_due(age_s: float) -> int:
    """How often an alarm of this age should have been repeated on the air by now."""
    return sum(after <= age_s for after in REPEAT_AFTER_S)


def next_repeat_s(age_s: float) -> float | None:
    """Seconds until the next repetition; None after the last one."""
    return next((after - age_s for after in REPEAT_AFTER_S if after > age_s), None)
