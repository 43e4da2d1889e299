"""A sender with a scripted road instead of a link, for the tests of what it does with answers."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable

from kimnode.clock import Clock
from kimnode.errors import LinkDown
from kimnode.metrics import Metrics
from kimnode.radio.messages import (
    LinkLost,
    LinkUp,
    LoraConfig,
    Outgoing,
    QueueStatus,
    Radio,
    RoutingReply,
)
from kimnode.radio.sender import Sender
from kimnode.rules.airtime import Governor, Priority
from kimnode.rules.delivery import BROADCAST, State, Why
from kimnode.rules.lora import PRESETS
from kimnode.store import outbox
from kimnode.store.db import Database
from kimnode.store.outbox import NewPacket, OutPacket

OWN, DEST, FRIEND = 0x1000001F, 0x10000020, 0x10000021
RADIO = Radio(
    OWN, bytes(32), "2.7.26", LoraConfig("KR", PRESETS["MEDIUM_FAST"], 3, True, 17, 8, 0.0), ()
)
SPEED = 50


Answer = Callable[[Outgoing], object]


class Road:
    """Takes packets, and lets `answer` decide what the radio says to each."""

    def __init__(self) -> None:
        self.feed: Callable[[object], None] = lambda _event: None
        self.clock = Clock(SPEED)
        self.written: list[tuple[float, Outgoing]] = []
        self.polls = 0
        self.restarts: list[str] = []
        self.down = False
        self.answer: Answer = self.relay
        self.on_poll: Callable[[], None] = self.idle
        self.on_write: Callable[[Outgoing], None] = lambda _packet: None

    @property
    def packets(self) -> list[Outgoing]:
        return [packet for _, packet in self.written]

    async def write(self, packet: Outgoing) -> None:
        self.on_write(packet)
        if self.down:
            raise LinkDown("unplugged")
        self.written.append((self.clock.monotonic(), packet))
        self.answer(packet)

    async def poll(self) -> None:
        self.polls += 1
        if self.down:
            raise LinkDown("unplugged")
        self.on_poll()

    def restart(self, reason: str) -> None:
        self.restarts.append(reason)
        self.feed(LinkLost(reason))
        self.feed(LinkUp(RADIO))

    def status(self, packet_id: int = 0, res: int = 0, free: int = 16) -> None:
        self.feed(QueueStatus(packet_id, res, free, 16))

    def routing(self, packet_id: int, error: int = 0, sender: int = OWN) -> None:
        self.feed(RoutingReply(packet_id, sender, error))

    def idle(self) -> None:
        self.status()

    def accept(self, packet: Outgoing) -> None:
        self.status(packet.packet_id, free=15)

    def relay(self, packet: Outgoing) -> None:
        self.accept(packet)
        self.routing(packet.packet_id)

    def silent(self, _packet: Outgoing) -> None: ...

    def script(self, *first: Answer, then: Answer | None = None) -> None:
        """Answer the first packets so, and all others with `then` (default: relayed)."""
        answers = iter(first)

        def answer(packet: Outgoing) -> None:
            next(answers, then or self.relay)(packet)

        self.answer = answer


class Bench:
    """A sender with its road and database."""

    def __init__(self, db: Database, road: Road) -> None:
        self.db = db
        self.road = road
        self.governor = Governor(budget_share=1.0)
        self.metrics = Metrics()

    @contextlib.asynccontextmanager
    async def running(self, *, up: bool = True) -> AsyncIterator[Sender]:
        sender = Sender(
            self.db, self.road, self.governor, self.road.clock, random.Random(1), self.metrics
        )
        self.road.feed = sender.feed
        if up:
            sender.feed(LinkUp(RADIO))
        async with asyncio.TaskGroup() as tasks:
            job = tasks.create_task(sender.run())
            try:
                yield sender
            finally:
                job.cancel()

    async def queue(self, *texts: str, **more) -> list[int]:
        """Rows of new packets, one message each."""
        now = self.road.clock.steady()
        seq = 1
        for text in texts:
            packet = NewPacket(
                seq=seq, part=1, parts=1, priority=more.get("priority", Priority.CHAT),
                dest=more.get("dest", BROADCAST), channel=0, payload=text.encode(),
                reply_id=None, want_ack=more.get("want_ack", True),
                expires_at=now + more.get("ttl_s", 3600.0),
            )  # fmt: skip
            await self.db.write(lambda c, p=packet: outbox.queue(c, [p], now))
        rows = await self.db.read(lambda c: outbox.in_state(c, *State))
        return [row.id for row in rows[-len(texts) :]]

    async def get(self, row: int) -> OutPacket:
        packet = await self.db.read(lambda c: outbox.get(c, row))
        assert packet is not None
        return packet

    async def reaches(self, row: int, state: State, why: Why | None = None) -> OutPacket:
        async with Clock().timeout(15):
            while True:
                grew = self.db.committed.waiter()
                packet = await self.get(row)
                if packet.state is state and (why is None or packet.reason == why):
                    return packet
                await grew.wait()
