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
