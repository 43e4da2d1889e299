"""What is over: bulletins and certificates, judged by the floor and by running time alone.

The estimate may be years off and come back; the floor can only be too low and never goes back. So a
thing is shown too long at worst, never called over too early, and never comes back.
"""

from dataclasses import dataclass
from enum import StrEnum

from kimnode.rules.clock import AGREE_S, Estimate
from kimnode.wire.codes import TimeTrust
from kimnode.wire.times import DAY_S, day_of, unix_of_day


class Display(StrEnum):
    """Whether something with an end is shown."""

    SHOWN = "shown"
    TIME_UNSURE = "time-unsure"  # shown, with "jam belum pasti"
    EXPIRED = "expired"  # for ever: keep it with the item


class Validity(StrEnum):
    """Whether a certificate counts today."""

    VALID = "valid"
    NOT_YET = "not-yet"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Life:
    """What a node keeps with everything that has an end. Times in unix seconds.

    sent_s, expires_s, sent_trust  as signed by the sender
    first_uptime_s                 Estimate.uptime_s when this node first had it; never changed
    expired                        display_state() once said EXPIRED: written then, never undone
    """

    sent_s: int
    expires_s: int
    sent_trust: TimeTrust
    first_uptime_s: int
    expired: bool = False


def display_state(life: Life, now: Estimate) -> Display:
    """Whether to show it. Nothing here refuses: what comes "from the future" is shown too.

    `expires_s` counts as a date only when its sender knew the time: a post whose clock is a month
    behind would else send bulletins that are over before they arrive. Its length always counts.
    """
    shown_s = now.uptime_s - life.first_uptime_s
    dated = life.sent_trust is TimeTrust.SURE
    too_long = shown_s >= life.expires_s - life.sent_s
    if life.expired or too_long or (dated and now.floor_s >= life.expires_s):
        return Display.EXPIRED
    ahead = life.sent_s > now.unix_s + AGREE_S
    if not dated or ahead or now.trust is not TimeTrust.SURE:
        return Display.TIME_UNSURE
    return Display.SHOWN


def valid_on(not_before_day: int, not_after_day: int, now: Estimate) -> Validity:
    """A certificate's validity, in days since 2025 (UTC), both included.

    Past its end only when the floor is: that is certain. Before its beginning only when the time is
    SURE: a slow clock must refuse nobody.
    """
    if day_of(now.floor_s) > not_after_day:
        return Validity.EXPIRED
    if now.trust is TimeTrust.SURE and day_of(now.unix_s) < not_before_day:
        return Validity.NOT_YET
    return Validity.VALID


def end_of_day(day: int) -> int:
    """Unix seconds of the last second of a day since 2025: `Evidence.not_after_s` of a signer."""
    return unix_of_day(day) + DAY_S - 1
