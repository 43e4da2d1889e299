"""The supervised link to one radio: it connects, watches, and connects again, for ever.

Consumers read `events()`; when they are slow the link stops reading and the radio keeps what
comes (32 packets and more), so nothing is lost here and nothing grows here.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import NoReturn

from kimnode.clock import Clock
from kimnode.errors import LinkDown, WrongRadio
from kimnode.radio import codec
from kimnode.radio.handshake import Wedged
from kimnode.radio.messages import (
    Contact,
    LinkEvent,
    LinkLost,
    LinkState,
    LinkUp,
    Outgoing,
    Radio,
)
from kimnode.radio.session import Counters, Session, Terms
from kimnode.radio.transport import Address, open_port

log = logging.getLogger(__name__)

MAX_EVENTS = 256  # waiting for their consumer
RETRY_FIRST_S = 0.1
RETRY_CAP_S = 1.5  # a refused connection costs nothing, and villagers wait
WRONG_RADIO_RETRY_S = 30.0
JITTER = (0.8, 1.2)
DEFAULT_HOP_LIMIT = 3  # the firmware's own, when the radio did not say
STABLE_S = 10.0  # a session this long starts the next row of retries anew


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """A snapshot for pages and metrics. `since` is unix time, `silent_s` the last byte's age."""

    state: LinkState
    since: float
    reason: str
    connects: int  # completed handshakes
    failures: int  # openings and sessions that ended
    radio: Radio | None  # as last seen, also while the link is down
    silent_s: float | None
    frames: int
    undecodable: int
    sealed: int
    noise_bytes: int


class Link:
    """`run()` for ever in a TaskGroup; one consumer of `events()`; `write` from the sender."""

    def __init__(
        self,
        address: Address,
        clock: Clock,
        *,
        rng: random.Random,
        pinned_key: bytes | None = None,
        trusted_time: Callable[[], float | None] = lambda: None,
    ) -> None:
        """`pinned_key`: the radio's 32-byte public key, None accepts any radio.
        `trusted_time`: unix seconds to give to the radio, None while our own clock is unsure."""
        self._address = address
        self._clock = clock
        self._rng = rng
        self._counters = Counters()
        self._terms = Terms(clock, rng, pinned_key, trusted_time, self._counters, self._publish)
        self._events: asyncio.Queue[LinkEvent] = asyncio.Queue(MAX_EVENTS)
        self._session: Session | None = None
        self._state = LinkState.DOWN
        self._since = clock.now()
        self._reason = "not started"
        self._logged = self._reason
        self._connects = self._failures = 0
        self._radio: Radio | None = None
        self._up_at: float | None = None

    def status(self) -> LinkStatus:
        """The link as it is now."""
        counters = self._counters
        last = counters.last_byte_at
        return LinkStatus(
            self._state,
            self._since,
            self._reason,
            self._connects,
            self._failures,
            self._radio,
            None if last is None else self._clock.monotonic() - last,
            counters.frames,
            counters.undecodable,
            counters.sealed,
            counters.noise_bytes,
        )

    async def events(self) -> AsyncIterator[LinkEvent]:
        """What happens, in order, for one consumer."""
        while True:
            yield await self._events.get()

    async def write(self, packet: Outgoing) -> None:
        """Hand one packet to the radio. LinkDown: it was not, or not surely, handed over."""
        await self._live().write(lambda radio: codec.packet(packet, radio.num, _hops(radio)))

    async def add_contact(self, contact: Contact) -> None:
        """Give the radio a node's key to keep. LinkDown when there is no radio."""
        packet_id = self._rng.randrange(1, 1 << 32)
        await self._live().write(lambda radio: codec.add_contact(contact, radio.num, packet_id))

    async def remove_node(self, num: int) -> None:
        """Let the radio forget a node. LinkDown when there is no radio."""
        packet_id = self._rng.randrange(1, 1 << 32)
        await self._live().write(lambda radio: codec.remove_node(num, radio.num, packet_id))

    async def poll(self) -> None:
        """Ask the radio for a queueStatus. LinkDown when there is no radio."""
        await self._live().poll()

    def pin(self, key: bytes) -> None:
        """From the next handshake on only the radio with this 32-byte public key is accepted."""
        self._terms = replace(self._terms, pinned_key=key)

    def restart(self, reason: str) -> None:
        """Drop the connection and make a new one: a radio answers a known packet id again."""
        if self._session is not None:
            self._session.end(reason)

    async def run(self) -> None:
        """Connect and stay connected. Returns only by cancellation."""
        attempt = 0
        while True:
            self._up_at = None
            try:
                await self._connect()
            except LinkDown as error:
                failure = error
            if self._up_at is not None and self._clock.monotonic() - self._up_at >= STABLE_S:
                attempt = 0
            delay_s = min(RETRY_FIRST_S * 2 ** min(attempt, 16), RETRY_CAP_S)
            if isinstance(failure, WrongRadio):
                delay_s = WRONG_RADIO_RETRY_S
            attempt += 1
            await self._note_failure(failure)
            await self._clock.sleep(delay_s * self._rng.uniform(*JITTER))

    async def _connect(self) -> NoReturn:
        port = await open_port(self._address, self._clock)
        if self._state is LinkState.DOWN:
            self._set(LinkState.CONNECTING, self._reason)
        self._session = Session(port, self._terms)
        try:
            await self._session.run(wake=self._address.is_serial)
        finally:
            self._session = None

    async def _note_failure(self, failure: LinkDown) -> None:
        self._failures += 1
        state = LinkState.DOWN
        if isinstance(failure, WrongRadio):
            state = LinkState.WRONG_RADIO
        elif isinstance(failure, Wedged):
            state = LinkState.WEDGED
        was_up = self._up_at is not None and self._state is LinkState.UP
        self._set(state, str(failure))
        if was_up:
            await self._events.put(LinkLost(str(failure)))

    async def _publish(self, event: LinkEvent) -> None:
        match event:
            case LinkUp():
                self._connects += 1
                self._radio = event.radio
                self._up_at = self._clock.monotonic()
                self._set(LinkState.UP, "")
            case LinkLost():
                self._set(LinkState.CONNECTING, event.reason)
        await self._events.put(event)

    def _live(self) -> Session:
        if self._session is None:
            raise LinkDown(self._reason)
        return self._session

    def _set(self, state: LinkState, reason: str) -> None:
        """Note the state; a reason is logged once, not at every vain attempt."""
        if state is not self._state:
            self._since = self._clock.now()
        self._state, self._reason = state, reason
        if state is LinkState.UP:
            log.info("radio %s: up", self._address.text)
        elif reason != self._logged:
            log.warning("radio %s: %s: %s", self._address.text, state.value, reason)
        self._logged = reason


def _hops(radio: Radio) -> int:
    return radio.lora.hop_limit if radio.lora else DEFAULT_HOP_LIMIT
