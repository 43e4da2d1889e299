"""What every page is handed. The composition root builds one Site; nothing here is global."""

from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from kimnode.attestor import Attestor
from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.intake import Intake
from kimnode.metrics import Metrics
from kimnode.record import Notice
from kimnode.rules.airtime import packet_airtime_ms
from kimnode.rules.clock import EARLIEST_S, Estimate
from kimnode.rules.limits import Limits
from kimnode.rules.lora import PRESETS
from kimnode.store.db import Database, Signal
from kimnode.wire.codes import TimeTrust

THIS_MACHINE = ("127.0.0.0/8", "::1/128")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many phones may wait for news at once. Beyond that the next one is told to try later."""

    per_device: int = 3
    per_address: int = 8
    overall: int = 256


def _nobody_knows() -> Estimate:
    return Estimate(EARLIEST_S, TimeTrust.UNSURE, EARLIEST_S, 0)


def _slowest_s(payload_bytes: int) -> float:
    return packet_airtime_ms(PRESETS["LONG_FAST"], payload_bytes + 1) / 1000  # a two-byte port


@dataclass(frozen=True, slots=True)
class Site:
    """The node, as far as the web may touch it.

    notice   the newest state of the radio; `noticed` rises when it changed
    wait_s   estimated seconds until a new text of n UTF-8 bytes would be on the air
    price_s  seconds of air that such a text costs
    packet_s seconds of air of one packet of n payload bytes on the private port
    estimate the time as far as it is known
    demo     everything here is of the demonstration village, and every page says so
    staff_networks  CIDR networks from which a browser may sign
    attestor gives numbers to documents that a browser signs; None: this post has no key
    """

    config: Config
    db: Database
    intake: Intake
    clock: Clock
    metrics: Metrics
    notice: Callable[[], Notice]
    noticed: Signal
    wait_s: Callable[[int], float]
    price_s: Callable[[int], float]
    packet_s: Callable[[int], float] = _slowest_s
    estimate: Callable[[], Estimate] = _nobody_knows
    demo: bool = False
    attestor: Attestor | None = None
    staff_networks: tuple[str, ...] = THIS_MACHINE
    bounds: Bounds = Bounds()
    addresses: Limits = field(default_factory=Limits)


SITE = web.AppKey("site", Site)
