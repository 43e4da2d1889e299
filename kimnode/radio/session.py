"""One connection to the radio, from the first byte to its end. It ends by raising LinkDown.

A heartbeat that is answered does not prove a live session (a radio that rebooted behind a UART
bridge answers it and sends nothing else): so the configuration is asked for again now and then.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn

from kimnode.clock import Clock
from kimnode.errors import LinkDown, WireError
from kimnode.radio import codec
from kimnode.radio.handshake import Handshake, Wedged
from kimnode.radio.messages import (
    CONFIG_ONLY,
    ConfigComplete,
    FromRadio,
    Heard,
    LinkEvent,
    LinkLost,
    LinkUp,
    MyInfo,
    NodeSeen,
    Notification,
    QueueStatus,
    Radio,
    Rebooted,
    RoutingReply,
    Sealed,
    Telemetry,
)
from kimnode.radio.transport import Port
from kimnode.wire.stream import WAKE, Deframer, frame

HEARTBEAT_S = 60.0
REPLY_S = 20.0  # after a heartbeat any byte is a sign of life
RESYNC_S = (600.0, 900.0)  # want_config again, at a random moment in between
TELL_ALL_S = 3600.0  # within that time a new connection needs no list of nodes
SET_TIME_S = 3600.0
WAKE_PAUSE_S = 0.1
NONCES = (1 << 17, 1 << 32)  # above the two with a meaning, 69420 and 69421
NEVER = float("inf")
MIN_READ_S = 1.0  # what has arrived meanwhile is read before silence is declared
BOOT_TEXT_BYTES = 64  # text outside frames that looks like a boot log
BOOT_PAUSE_S = 2.0  # let it finish before asking again
BOOT_EVERY_S = 30.0

Publish = Callable[[LinkEvent], Awaitable[None]]


@dataclass(slots=True)
class Counters:
    """What arrived since the node started."""

    frames: int = 0
    undecodable: int = 0
    sealed: int = 0
    noise_bytes: int = 0
    last_byte_at: float | None = None  # by Clock.monotonic(), as the next one
    told_all_at: float | None = None  # when the radio last listed the nodes it knows


@dataclass(frozen=True, slots=True)
class Terms:
    """What a session needs from its link."""

    clock: Clock
    rng: random.Random
    pinned_key: bytes | None
    trusted_time: Callable[[], float | None]
    counters: Counters
    publish: Publish


class Session:
    """Use once: `await run()`; `write` and `poll` work while `radio` is not None."""

    def __init__(self, port: Port, terms: Terms) -> None:
        self.radio: Radio | None = None
        self._port = port
        self._terms = terms
        self._clock = terms.clock
        self._deframer = Deframer()
        self._handshake: Handshake | None = None
        self._verified = False
        self._reboot_count = 0
        self._own_node: int | None = None
        self._ending = ""
        self._text_bytes = 0
        self._text_asked_at = -NEVER
        self._heartbeat_at = self._resync_at = self._time_at = self._reply_by = NEVER

    async def run(self, *, wake: bool) -> NoReturn:
        """Handshake, then everything the radio says. LinkDown, Wedged or WrongRadio at the end."""
        try:
            if wake:
                await self._port.write(WAKE)
                await self._clock.sleep(WAKE_PAUSE_S)
            await self._ask()
            while True:
                data = await self._port.read(self._patience_s())
                if data:
                    await self._feed(data)
                await self._tick(silent=not data)
        except LinkDown as error:
            if self._ending:
                raise LinkDown(self._ending) from error
            raise
        finally:
            await self._port.close()

    async def write(self, say: Callable[[Radio], bytes]) -> None:
        """Hand the radio one ToRadio, made for the radio that it is now. LinkDown otherwise."""
        if self.radio is None:
            raise LinkDown("the radio is not ready")
        await self._send(say(self.radio))

    async def poll(self) -> None:
        """Ask for a sign of life now; a queueStatus follows."""
        now = self._clock.monotonic()
        self._heartbeat_at = now + HEARTBEAT_S
        self._reply_by = min(self._reply_by, now + REPLY_S)
        await self._send(codec.heartbeat())

    def end(self, reason: str) -> None:
        """Make `run` end soon with LinkDown(reason)."""
        self._ending = self._ending or reason
        self._port.abort()

    def _patience_s(self) -> float:
        due = min(self._heartbeat_at, self._resync_at, self._time_at, self._reply_by)
        if self._handshake:
            due = min(due, self._handshake.due())
        return max(due - self._clock.monotonic(), MIN_READ_S)

    async def _tick(self, *, silent: bool) -> None:
        now = self._clock.monotonic()
        if self._handshake:
            self._handshake.check(now, silent=silent)
        if silent and now >= self._reply_by:
            raise Wedged(f"no byte within {REPLY_S:.0f} s after a heartbeat")
        if now >= self._heartbeat_at:
            await self.poll()
        if now >= self._resync_at and not self._handshake:
            await self._ask(again=True)
        if now >= self._time_at:
            await self._give_time(now)

    async def _feed(self, data: bytes) -> None:
        now = self._clock.monotonic()
        counters = self._terms.counters
        counters.last_byte_at = now
        self._reply_by = NEVER
        if self._handshake:
            self._handshake.byte_at(now)
        for payload in self._deframer.feed(data):
            counters.frames += 1
            try:
                message = codec.decode(payload, self._own_node)
            except codec.BadPayload:
                counters.undecodable += 1
                continue
            except WireError:
                counters.undecodable += 1
                self._deframer.reject(payload)  # it may have swallowed the next frame's beginning
                continue
            if message is not None:
                await self._take(message)
        counters.noise_bytes += self._deframer.noise_bytes
        self._deframer.noise_bytes = 0
        self._watch_text(len(self._deframer.take_log()), now)

    def _watch_text(self, size_bytes: int, now: float) -> None:
        """A burst of text outside frames is a boot log: ask for the configuration once more."""
        self._text_bytes += size_bytes
        if self._text_bytes < BOOT_TEXT_BYTES or self.radio is None:
            return
        self._text_bytes = 0
        if now - self._text_asked_at >= BOOT_EVERY_S:
            self._text_asked_at = now
            self._resync_at = now + BOOT_PAUSE_S

    async def _take(self, message: FromRadio) -> None:
        if self._handshake:
            self._handshake.note(message)
        match message:
            case MyInfo():
                if self.radio and message.reboot_count != self._reboot_count:
                    await self._lost("the radio restarted")
                self._reboot_count, self._own_node = message.reboot_count, message.num
            case ConfigComplete():
                await self._complete(message.nonce)
            case Rebooted():
                await self._lost("the radio restarted")
                await self._ask()
            case Sealed():
                self._terms.counters.sealed += 1
            case (
                Heard() | QueueStatus() | RoutingReply() | NodeSeen() | Telemetry() | Notification()
            ):
                if self._verified or (self._handshake and self._handshake.key is not None):
                    await self._terms.publish(message)

    async def _complete(self, nonce: int) -> None:
        if self._handshake is None or self._handshake.nonce != nonce:
            return
        radio = self._handshake.radio()
        now = self._clock.monotonic()
        if nonce != CONFIG_ONLY:
            self._terms.counters.told_all_at = now
        self._handshake, self._verified = None, True
        self._resync_at = now + self._terms.rng.uniform(*RESYNC_S)
        if radio == self.radio:
            return
        await self._lost("the radio was configured anew")
        self.radio = radio
        self._heartbeat_at = now + HEARTBEAT_S
        self._time_at = now
        await self._terms.publish(LinkUp(radio))

    async def _lost(self, reason: str) -> None:
        if self.radio is not None:
            self.radio = None
            self._heartbeat_at = self._time_at = NEVER
            await self._terms.publish(LinkLost(reason))

    async def _ask(self, *, again: bool = False) -> None:
        """Everything; without the other nodes (they take seconds) `again` or after a break."""
        now = self._clock.monotonic()
        told_at = self._terms.counters.told_all_at
        if again or (told_at is not None and now - told_at < TELL_ALL_S):
            nonce = CONFIG_ONLY
        else:
            nonce = self._terms.rng.randrange(*NONCES)
        self._handshake = Handshake(nonce, self._terms.pinned_key, now)
        self._resync_at = NEVER
        await self._send(codec.want_config(nonce))

    async def _give_time(self, now: float) -> None:
        self._time_at = now + SET_TIME_S
        unix_s = self._terms.trusted_time()
        if unix_s is not None and self.radio is not None:
            packet_id = self._terms.rng.randrange(1, 1 << 32)
            await self._send(codec.set_time(int(unix_s), self.radio.num, packet_id))

    async def _send(self, payload: bytes) -> None:
        try:
            await self._port.write(frame(payload))
        except LinkDown as error:
            self.end(str(error))
            raise
