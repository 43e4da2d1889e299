"""Everything between the log and one radio, wired: link, inbound, outbound, sender.

The rest of the node sees only this: how the radio is, and what a text would cost and wait.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from kimnode.attestor import Attestor
from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.errors import StoreError
from kimnode.intake import Intake, unknown_time
from kimnode.metrics import Metrics
from kimnode.radio import codec, messages
from kimnode.radio.crier import Crier
from kimnode.radio.exchange import Correspondent
from kimnode.radio.inbound import Inbound
from kimnode.radio.link import Link, LinkStatus
from kimnode.radio.messages import (
    Heard,
    LinkEvent,
    LinkLost,
    LinkState,
    LinkUp,
    NodeSeen,
    Radio,
    Telemetry,
)
from kimnode.radio.orders import Office
from kimnode.radio.outbound import Outbound, Voice
from kimnode.radio.pins import Pins
from kimnode.radio.sender import DEFAULT_PRESET, Sender, as_waiting
from kimnode.radio.transport import parse_address
from kimnode.radio.volunteers import Volunteers
from kimnode.radio.watch import Watch
from kimnode.record import RadioState
from kimnode.rules.airtime import (
    EXPIRY_S,
    MAX_TRANSMISSIONS,
    Governor,
    Priority,
    Waiting,
    packet_airtime_ms,
    price_s,
)
from kimnode.rules.clock import Estimate, Evidence, Source
from kimnode.rules.lora import Preset
from kimnode.store import outbox, people, sending
from kimnode.store.db import Database
from kimnode.wire import air
from kimnode.wire.airtext import MAX_TEXT_BYTES

log = logging.getLogger(__name__)

PINNED_KEY = "radio-key"  # fact: public key of the radio that this node belongs to
UNSET_REGION = "UNSET"  # a radio fresh from the shop: firmware refuses to transmit
LEDGER_S = 2 * 3600.0
LOOK_EVERY_S = 2.0
STATES = {
    LinkState.DOWN: RadioState.DOWN,
    LinkState.CONNECTING: RadioState.CONNECTING,
    LinkState.UP: RadioState.UP,
    LinkState.WEDGED: RadioState.WEDGED,
    LinkState.WRONG_RADIO: RadioState.WRONG,
}


class Parts(NamedTuple):
    """What works between the log and the link."""

    inbound: Inbound
    outbound: Outbound
    sender: Sender
    crier: Crier
    watch: Watch
    pins: Pins
    exchange: Correspondent


@dataclass(frozen=True, slots=True)
class Authority:
    """Whose word this post gives, and by which time. `attestor` None: it has no key yet.

    sure_s   the time to give to the radio; None while nobody is sure, or when it has its own
    testify  where the radio's own GPS is heard
    """

    estimate: Callable[[], Estimate]
    attestor: Attestor | None = None
    sure_s: Callable[[], float | None] = lambda: None
    testify: Callable[[Evidence], None] = lambda _: None


class Desk:
    """One radio. `run()` in a TaskGroup. With `radio = "none"` there is no link and no packet."""

    def __init__(
        self,
        link: Link | None,
        parts: Parts | None,
        governor: Governor,
        db: Database,
        clock: Clock,
        metrics: Metrics,
        testify: Callable[[Evidence], None],
    ) -> None:
        self._link = link
        self._parts = parts
        self._governor = governor
        self._db = db
        self._clock = clock
        self._metrics = metrics
        self._testify = testify
        self._radio: Radio | None = None
        self._line: list[Waiting] = []

    async def run(self) -> None:
        """For ever; without a radio there is nothing to do."""
        link, parts = self._link, self._parts
        if link is None or parts is None:
            return
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(link.run(), name="radio-link")
            tasks.create_task(self._listen(link, parts), name="radio-inbound")
            tasks.create_task(parts.outbound.run(), name="radio-outbound")
            tasks.create_task(parts.sender.run(), name="radio-sender")
            tasks.create_task(parts.crier.run(), name="radio-crier")
            tasks.create_task(parts.watch.run(), name="radio-watch")
            tasks.create_task(parts.pins.run(), name="radio-pins")
            tasks.create_task(parts.exchange.run(), name="radio-exchange")
            tasks.create_task(self._look(link), name="radio-look")

    def state(self) -> tuple[RadioState, float, str]:
        """State, since when (unix seconds), and the reason in machine words."""
        if self._link is None:
            return RadioState.NONE, 0.0, ""
        status = self._link.status()
        if status.state is LinkState.UP and self._radio and not transmits(self._radio):
            return RadioState.MUTE, status.since, "no region, or transmitting is off"
        return STATES[status.state], status.since, status.reason

    def airtime_ms(self) -> tuple[float, float]:
        """Own airtime of the last hour, and what is allowed."""
        return self._governor.used_ms(self._clock.steady()), self._governor.budget_ms

    def price_s(self, text_bytes: int) -> float:
        """Seconds of air that a text of so many bytes takes, sent once."""
        return price_s(self._preset(), _part_sizes(text_bytes))

    def packet_s(self, payload_bytes: int) -> float:
        """Seconds of air of one packet of the private port, sent once."""
        return packet_airtime_ms(self._preset(), payload_bytes + 1) / 1000  # a two-byte port

    def wait_s(self, text_bytes: int) -> float:
        """Seconds until a chat of so many bytes that is written now would have gone out."""
        now = self._clock.steady()
        expires_at = now + EXPIRY_S[Priority.CHAT]
        message = [
            Waiting(-n, 0, n, Priority.CHAT, packet_airtime_ms(self._preset(), size),
                    MAX_TRANSMISSIONS, expires_at)
            for n, size in enumerate(_part_sizes(text_bytes), 1)
        ]  # fmt: skip
        wait = self._governor.estimate_wait_s(self._line, message, now)
        return EXPIRY_S[Priority.CHAT] if wait is None else wait

    async def _listen(self, link: Link, parts: Parts) -> None:
        async for event in link.events():
            parts.sender.feed(event)
            try:
                await self._take(event, link, parts)
            except StoreError as error:  # a full disk must not take the radio down with it
                log.error("a packet from the radio could not be kept: %s", error)  # noqa: TRY400

    async def _take(self, event: LinkEvent, link: Link, parts: Parts) -> None:
        match event:
            case LinkUp(radio):
                self._radio = radio
                if not transmits(radio):
                    log.error(
                        "the radio transmits nothing: set its region and switch transmitting on, "
                        "for example with: meshtastic --set lora.region KR"
                    )
                await self._pin(radio, link)
                parts.pins.up(radio)
                parts.exchange.tuned(self._preset())
            case LinkLost():
                parts.pins.down()
            case Heard(portnum=messages.POSITION_PORT) if self._is_own(event.sender):
                if (unix_s := codec.own_gps_time(event.payload)) is not None:
                    self._testify(Evidence(Source.GPS, unix_s))
            case Heard() if self._radio is not None:
                await parts.inbound.heard(event, self._radio)
            case NodeSeen():
                await parts.inbound.node_seen(event)
                await parts.pins.seen(event)
            case Telemetry() if self._is_own(event.sender):
                self._metrics.channel_utilisation.set(event.channel_utilization or 0.0)

    def _is_own(self, sender: int) -> bool:
        return self._radio is not None and sender == self._radio.num

    async def _pin(self, radio: Radio, link: Link) -> None:
        """The first radio that is seen becomes this node's radio; another is refused later."""
        if radio.public_key and not await self._db.read(lambda c: people.fact(c, PINNED_KEY)):
            await self._db.write(
                lambda c: people.set_fact(c, PINNED_KEY, radio.public_key), quiet=True
            )
            link.pin(radio.public_key)
            log.info("radio !%08x is now the radio of this node", radio.num)

    async def _look(self, link: Link) -> None:
        """Keep the figures for pages and metrics fresh."""
        seen: LinkStatus | None = None
        while True:
            packets = await self._db.read(sending.waiting)
            self._line = [as_waiting(packet, self._preset()) for packet in packets]
            status = link.status()
            self._metrics.radio_up.set(status.state is LinkState.UP)
            self._metrics.radio_connects.inc(status.connects - (seen.connects if seen else 0))
            unreadable = status.undecodable - (seen.undecodable if seen else 0)
            self._metrics.wire_errors.labels("radio").inc(unreadable)
            seen = status
            await self._clock.sleep(LOOK_EVERY_S)

    def _preset(self) -> Preset:
        lora = self._radio.lora if self._radio else None
        return lora.preset if lora else DEFAULT_PRESET


def transmits(radio: Radio) -> bool:
    """Whether the radio's settings let it transmit; True when it did not tell them."""
    return radio.lora is None or (radio.lora.region != UNSET_REGION and radio.lora.tx_enabled)


def _part_sizes(text_bytes: int) -> list[int]:
    """Bytes of the packets that a text of so many bytes fills."""
    full, rest = divmod(max(text_bytes, 1), MAX_TEXT_BYTES)
    return [MAX_TEXT_BYTES] * full + ([rest] if rest else [])


async def open_desk(
    config: Config,
    db: Database,
    intake: Intake,
    clock: Clock,
    metrics: Metrics,
    rng: random.Random,
    authority: Authority | None = None,
) -> Desk:
    """The desk for the radio in the settings, with the airtime that was spent before a restart.

    Without `authority` the time is not known and nothing is attested.
    """
    await _resume(db, clock)
    since = clock.steady() - LEDGER_S
    ledger = await db.read(lambda c: outbox.spent_since(c, since))
    governor = Governor(ledger, config.airtime_percent / 100)
    authority = authority or Authority(lambda: unknown_time(clock))
    if config.radio == "none":
        return Desk(None, None, governor, db, clock, metrics, authority.testify)
    known = await db.read(partial(people.fact, name=PINNED_KEY))
    link = Link(
        parse_address(config.radio),
        clock,
        rng=rng,
        pinned_key=bytes.fromhex(config.radio_key) or known,
        trusted_time=authority.sure_s,
    )
    office = Office(
        db=db,
        clock=clock,
        voice=Voice(config.name, config.language, config.radio_channel),
        estimate=authority.estimate,
        cache=intake.cache,
        attestor=authority.attestor,
        airtime_share=lambda: governor.used_ms(clock.steady()) / governor.budget_ms,
    )
    sender = Sender(db, link, governor, clock, rng, metrics)
    parts = _parts(office, intake, link, sender, metrics, rng)
    return Desk(link, parts, governor, db, clock, metrics, authority.testify)


async def _resume(db: Database, clock: Clock) -> None:
    try:
        moved_s = await db.write(lambda c: outbox.resume(c, clock.steady()), quiet=True)
    except StoreError as error:  # a full disk: what waits may end early, but pages open
        log.error("what waits keeps the times of the last run: %s", error)  # noqa: TRY400
        return
    if moved_s:
        log.info("what waits keeps its time: moved by %.0f s to the clock of this start", moved_s)


def _parts(
    office: Office,
    intake: Intake,
    link: Link,
    sender: Sender,
    metrics: Metrics,
    rng: random.Random,
) -> Parts:
    db, clock, voice = office.db, office.clock, office.voice
    exchange = Correspondent(
        db, intake, clock, metrics, rng, voice.channel, office.estimate, office.attestor
    )
    listeners = {air.PORT: exchange.heard}
    return Parts(
        Inbound(db, intake, clock, metrics, voice, Volunteers(office, intake), listeners),
        Outbound(db, clock, voice),
        sender,
        Crier(office, rng),
        Watch(office, rng),
        Pins(db, clock, link, office.cache, office.estimate),
        exchange,
    )
