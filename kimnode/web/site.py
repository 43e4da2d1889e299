"""What every page is handed. The composition root builds one Site; nothing here is global."""

from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.intake import Intake
from kimnode.metrics import Metrics
from kimnode.record import Notice
from kimnode.rules.limits import Limits
from kimnode.store.db import Database, Signal


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many phones may wait for news at once. Beyond that the next one is told to try later."""

    per_device: int = 3
    per_address: int = 8
    overall: int = 256


@dataclass(frozen=True, slots=True)
class Site:
    """The node, as far as the web may touch it.

    notice   the newest state of the radio; `noticed` rises when it changed
    wait_s   estimated seconds until a new text of n UTF-8 bytes would be on the air
    price_s  seconds of air that such a text costs
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
    bounds: Bounds = Bounds()
    addresses: Limits = field(default_factory=Limits)


SITE = web.AppKey("site", Site)
