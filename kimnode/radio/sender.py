"""Takes queued packets to the radio and follows each of them to its end.

Commit first, write later: the packet id and the state are on disk before the radio sees a byte,
so that a restart knows what may be on the air. Never more than MAX_IN_RADIO own packets are in
the radio, one of these places is kept for an SOS; everything else waits in the database.
"""

import asyncio
import contextlib
import logging
import random
import sqlite3
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from kimnode.clock import Clock
from kimnode.errors import LinkDown, StoreError
from kimnode.metrics import Metrics
from kimnode.radio.messages import (
    ALERT_PRIORITY,
    LinkEvent,
    LinkLost,
    LinkUp,
    Outgoing,
    QueueStatus,
    Radio,
    RoutingReply,
    Telemetry,
)
from kimnode.radio.pace import Pace
from kimnode.radio.tracker import Change, Lane, Tracker
from kimnode.rules.airtime import (
    MAX_TRANSMISSIONS,
    Drop,
    Governor,
    Loss,
    Priority,
    Send,
    Wait,
    Waiting,
    packet_airtime_ms,
)
from kimnode.rules.delivery import (
    BROADCAST,
    KEEPS_ID,
    MAX_RETRY_DELAY_S,
    Event,
    Flight,
    State,
    Why,
    is_at_rest,
    max_retransmit_s,
    read_routing,
    retry_delay_s,
    step,
)
from kimnode.rules.lora import PRESETS, Preset
from kimnode.store import outbox, sending
from kimnode.store.db import Database
from kimnode.store.outbox import OutPacket

log = logging.getLogger(__name__)

MAX_IN_RADIO = 3
RADIO_REMEMBERS = 20  # packet ids per connection that a radio swallows when it sees them again
LOOK_EVERY_S = 0.2  # a flood of commits makes us read the outbox no more often
IDLE_S = 60.0  # expiry is looked after at least so often
STORE_RETRY_S = 5.0
MAX_INBOX = 1024  # link events not yet worked on; beyond that the link starts anew
DEFAULT_PRESET = PRESETS["MEDIUM_FAST"]
LAST_SHORT_PORT = 127  # a greater port number takes one byte more on the air


class Road(Protocol):
    """What the sender needs from a link."""

    async def write(self, packet: Outgoing) -> None: ...
    async def poll(self) -> None: ...
    def restart(self, reason: str) -> None: ...


class Sender:
    """`run()` in a TaskGroup; `feed` it every event of the link, in order."""

    def __init__(
        self,
        db: Database,
        road: Road,
        governor: Governor,
        clock: Clock,
        rng: random.Random,
        metrics: Metrics,
    ) -> None:
        self._db = db
        self._road = road
        self._governor = governor
        self._clock = clock
        self._rng = rng
        self._metrics = metrics
        self._inbox: deque[LinkEvent] = deque()
        self._wake = asyncio.Event()
        self._tracker = Tracker()
        self._pace = Pace()
        self._radio: Radio | None = None
        self._up = False
        self._utilisation_pct = 0.0
        self._unsaved: list[Change] = []
        self._looked_at = self._expiry_at = float("-inf")
        self._recent_ids: deque[int] = deque(maxlen=RADIO_REMEMBERS)  # of this connection

    def feed(self, event: LinkEvent) -> None:
        """Take note of what the link says; returns at once."""
        if not isinstance(event, QueueStatus | RoutingReply | Telemetry | LinkUp | LinkLost):
            return
        if len(self._inbox) >= MAX_INBOX:  # the disk hangs: what is missed is asked for again
            self._inbox.clear()
            self._inbox.append(LinkLost("the sender fell behind"))
            self._road.restart("the sender fell behind")
            return
        self._inbox.append(event)
        self._wake.set()

    async def run(self) -> None:
        """Recover what an earlier run left in the radio, then send for ever."""
        for packet in await self._db.read(sending.unsettled):
            self._follow(packet, flight_of(packet))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch(), name="sender-watch")
            tasks.create_task(self._loop(), name="sender")

    async def _watch(self) -> None:
        while True:
            grew = self._db.committed.waiter()  # before the loop reads, so that nothing is missed
            self._wake.set()
            await grew.wait()

    async def _loop(self) -> None:
        while True:
            self._wake.clear()
            try:
                while self._inbox:
                    await self._store(await self._heard(self._inbox.popleft()))
                pause_s = await self._work()
            except StoreError as error:
                log.error("sending stops until the database can be written: %s", error)  # noqa: TRY400
                await self._clock.sleep(STORE_RETRY_S)
                continue
            with contextlib.suppress(TimeoutError):
                async with self._clock.timeout(pause_s):
                    await self._wake.wait()

    async def _work(self) -> float:
        """Deadlines, polls, and at most one write. Seconds until there may be more to do."""
        now = self._clock.monotonic()
        if not self._up:
            return await self._look(now)
        await self._store(self._tracker.overdue(now))
        if now >= self._pace.poll_at and self._tracker.unproven():
            self._pace.polled(now)
            with contextlib.suppress(LinkDown):  # LinkLost follows and is handled there
                await self._road.poll()
        dues = [now + await self._look(now), self._tracker.next_due()]
        if self._tracker.unproven():
            dues.append(self._pace.poll_at)
        if self._pace.write_at > now:
            dues.append(self._pace.write_at)
        return max(min(dues) - self._clock.monotonic(), 0.0)

    async def _heard(self, event: LinkEvent) -> list[Change]:
        now = self._clock.monotonic()
        match event:
            case QueueStatus():
                self._pace.heard_about(event.packet_id, now)
                self._pace.heard_status(now)
                return self._tracker.queue_status(event, now)
            case RoutingReply() if self._radio:
                self._pace.heard_about(event.request_id, now)
                if not self._tracker.holds(event.request_id):
                    return await self._late(event, self._radio.num)
                return self._tracker.routing(event, self._radio.num, now)
            case LinkUp():
                self._radio, self._up = event.radio, True
                self._recent_ids.clear()
                self._pace.link_up(now)
                return self._tracker.link_up(now)
            case LinkLost():
                self._up = False
                self._pace.link_lost()
            case Telemetry() if self._radio and event.sender == self._radio.num:
                self._utilisation_pct = event.channel_utilization or 0.0
                self._governor.report(
                    self._utilisation_pct, event.air_util_tx or 0.0, self._clock.steady()
                )
        return []

    async def _late(self, reply: RoutingReply, own_node: int) -> list[Change]:
        """Word about a packet that was settled or queued again: the database knows it."""
        packet = await self._db.read(lambda c: outbox.by_packet_id(c, reply.request_id))
        if packet is None:
            return []
        before = flight_of(packet)
        sign = read_routing(reply.error, reply.sender, own_node, packet.dest)
        after = step(before, *sign) if sign else before
        return [] if after is before else [Change(packet.id, before, after, None)]

    async def _store(self, changes: Sequence[Change]) -> None:
        """Put what happened on disk, in one commit, with what could not be stored before."""
        self._unsaved += changes
        if not self._unsaved:
            return
        now = self._clock.steady()
        saving = list(self._unsaved)
        settled = [
            self._governor.settle(change.before.packet_id, change.transmissions)
            for change in saving
            if change.transmissions is not None
        ]

        def work(connection: sqlite3.Connection) -> None:
            for change in saving:
                after = change.after
                retry_at = now + retry_delay_s(after.why, after.attempt)
                not_before = retry_at if after.state is State.QUEUED else 0.0
                outbox.move(connection, change.row, after.state, after.why, not_before)
            for spent in settled:
                if spent is not None:
                    outbox.spend(connection, spent)

        await self._db.write(work)
        del self._unsaved[: len(saving)]
        for change in saving:
            if is_at_rest(change.after):
                self._metrics.packet_ends.labels(change.after.state.value).inc()

    async def _look(self, now: float) -> float:
        """Write the next packet if one may go; seconds until that is worth asking again."""
        ready = self._up and now >= self._pace.write_at and len(self._tracker) < MAX_IN_RADIO
        look_at = self._looked_at + LOOK_EVERY_S if ready else self._expiry_at
        if now < look_at:
            return look_at - now
        packets = await self._db.read(sending.waiting)
        unix = self._clock.steady()
        self._looked_at = now
        self._expiry_at = now + min([IDLE_S, *(max(p.expires_at - unix, 0.0) for p in packets)])
        late = [p for p in packets if p.expires_at <= unix]
        if late:
            await self._end(late, Event.TTL, Why.EXPIRED)
            return 0.0
        if not ready or self._inbox:
            return 0.0 if self._inbox else self._expiry_at - now
        return min(await self._choose(packets, unix), self._expiry_at - now)

    async def _choose(self, packets: Sequence[OutPacket], unix: float) -> float:
        """Do what the governor decides; seconds until it is worth asking again."""
        rows = {p.id: p for p in packets}
        match self._governor.choose(self._line(packets, unix), unix):
            case Send(item, over_budget):
                if over_budget:
                    log.warning("SOS packet %d goes out beyond the airtime budget", item.id)
                    self._metrics.sos_over_budget.inc()
                await self._write(rows[item.id], item)
                return LOOK_EVERY_S
            case Drop(items, loss):
                why = Why.EXPIRED if loss is Loss.EXPIRED else Why.TOO_BIG
                event = Event.TTL if loss is Loss.EXPIRED else Event.GIVE_UP
                await self._end([rows[item.id] for item in items], event, why)
                return 0.0
            case Wait(seconds):
                return seconds
        return IDLE_S

    def _line(self, packets: Sequence[OutPacket], unix: float) -> list[Waiting]:
        """What the governor may choose from: nothing overtakes inside one lane."""
        places = MAX_IN_RADIO - len(self._tracker)
        unproven = self._tracker.unproven()
        heads: dict[Lane, int] = {}
        stuck: set[Lane] = set()
        line: list[Waiting] = []
        for packet in packets:
            lane = _lane(packet)
            if lane in unproven or places <= (packet.priority is not Priority.SOS):
                continue
            item = as_waiting(packet, _preset(self._radio))
            if packet.not_before > unix + MAX_RETRY_DELAY_S:  # resume() found a full disk
                item = replace(item, not_before=0.0)
            if heads.setdefault(lane, item.message) != item.message and lane in stuck:
                continue
            if item.not_before > unix:
                stuck.add(lane)
            line.append(item)
        return line

    async def _write(self, packet: OutPacket, item: Waiting) -> None:
        """Commit the packet id, then hand the packet over."""
        kept = packet.packet_id if _why(packet.reason) in KEEPS_ID else None
        packet_id = kept or self._rng.randrange(1, 1 << 32)
        if packet_id in self._recent_ids:
            self._road.restart("a packet stayed without an answer")
            return
        spent = self._governor.reserve(item, packet_id, self._clock.steady())
        await self._db.write(lambda c: outbox.assign(c, packet.id, packet_id, spent))
        now = self._clock.monotonic()
        flight = replace(flight_of(packet), packet_id=packet_id)
        self._follow(packet, step(flight, Event.WRITTEN))
        self._recent_ids.append(packet_id)
        self._pace.written(packet_id, now)
        outgoing = Outgoing(
            packet_id=packet_id,
            to=packet.dest,
            channel=packet.channel,
            payload=packet.payload,
            want_ack=packet.want_ack,
            reply_id=packet.reply_id or 0,
            portnum=packet.port,
            priority=ALERT_PRIORITY if packet.priority is Priority.SOS else 0,
        )
        with contextlib.suppress(LinkDown):  # stays IN_RADIO: nobody knows; LinkUp sorts it out
            await self._road.write(outgoing)
            self._metrics.packets_sent.labels(packet.priority.name.lower()).inc()

    def _follow(self, packet: OutPacket, flight: Flight) -> None:
        limit_s = max_retransmit_s(_preset(self._radio), len(packet.payload), self._utilisation_pct)
        self._tracker.add(packet.id, _lane(packet), flight, limit_s, self._clock.monotonic())

    async def _end(self, packets: Sequence[OutPacket], event: Event, why: Why) -> None:
        """Close what will never be sent."""
        flights = [(p.id, flight_of(p)) for p in packets]
        await self._store([Change(row, f, step(f, event, why), None) for row, f in flights])


def as_waiting(packet: OutPacket, preset: Preset) -> Waiting:
    """The packet as the governor sees it. Parts of one message were queued one after another."""
    direct, reply = packet.dest != BROADCAST, packet.reply_id is not None
    size_bytes = len(packet.payload) + (packet.port > LAST_SHORT_PORT)
    return Waiting(
        id=packet.id,
        message=packet.id - packet.part,
        part=packet.part,
        priority=packet.priority,
        airtime_ms=packet_airtime_ms(preset, size_bytes, pki=direct, reply=reply),
        transmissions=MAX_TRANSMISSIONS if packet.want_ack else 1,
        expires_at=packet.expires_at,
        not_before=packet.not_before,
    )


def flight_of(packet: OutPacket) -> Flight:
    """The packet as the table of its life sees it."""
    return Flight(
        packet.packet_id or 0,
        packet.dest,
        packet.want_ack,
        packet.state,
        _why(packet.reason),
        packet.attempt,
    )


def _preset(radio: Radio | None) -> Preset:
    lora = radio.lora if radio else None
    return lora.preset if lora else DEFAULT_PRESET


def _lane(packet: OutPacket) -> Lane:
    return (packet.priority, packet.dest, packet.channel)


def _why(reason: str) -> Why:
    """The outbox also holds reasons of others, who ended a packet before it came here."""
    return Why(reason) if reason in set(Why) else Why.NONE
