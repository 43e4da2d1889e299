"""A post with the sample chain of trust and no radio: a test says what its radio heard."""

import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from kimnode.attestor import Attestor
from kimnode.clock import Clock
from kimnode.intake import Intake
from kimnode.metrics import Metrics
from kimnode.radio.crier import Crier
from kimnode.radio.inbound import Inbound
from kimnode.radio.messages import BROADCAST, ChannelInfo, Heard, NodeSeen, Radio
from kimnode.radio.orders import Office
from kimnode.radio.outbound import Voice
from kimnode.radio.volunteers import Volunteers
from kimnode.radio.watch import Watch
from kimnode.record import Via
from kimnode.rules.clock import Estimate
from kimnode.rules.delivery import State
from kimnode.store import board, incidents, outbox
from kimnode.store import trust as trusts
from kimnode.store.board import Shown
from kimnode.store.db import Database, open_database
from kimnode.store.outbox import OutPacket
from kimnode.wire import records
from kimnode.wire.documents import AnyDocument
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import KARATAUN, NOW, Machine, Person

US = Radio(1, bytes(31) + b"\1", "", None, (ChannelInfo(0, "Umum", "PRIMARY", True),))
VILLAGER = 0x900


class SetClock(Clock):
    """Time that the test lets pass (`ahead_s`), and a system clock that it sets (`wall_s`)."""

    ahead_s = 0.0
    wall_s = 0.0

    def now(self) -> float:
        return super().now() + self.ahead_s + self.wall_s

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s


def node_of(person: Person) -> int:
    """The node number of this person's radio."""
    return 0x100 + person.number


@dataclass
class PostOffice:
    """`hear` is a packet that our radio received; `said` is what it was given to send."""

    db: Database
    intake: Intake
    clock: SetClock
    time: "Time"
    office: Office
    inbound: Inbound
    crier: Crier
    watch: Watch
    numbers: count = field(default_factory=lambda: count(1))

    async def hear(
        self, who: Person | int, text: str, *, to: int = US.num, **changes: object
    ) -> None:
        """A text from this person's radio under its key, or from a node number without one."""
        person = who if isinstance(who, Person) else None
        fields: dict[str, object] = {
            "sender": node_of(who) if isinstance(who, Person) else who,
            "to": to,
            "channel": 0,
            "packet_id": next(self.numbers),
            "portnum": 1,
            "payload": text.encode(),
            "pki_encrypted": person is not None,
            "public_key": person.radio if person else b"",
            "via_mqtt": False,
            "transport": 1,
            "hop_start": 3,
            "hop_limit": 3,
            "snr": 5.0,
            "rssi": -80,
            "rx_time": 0,
            "reply_id": 0,
            "emoji": 0,
        }
        await self.inbound.heard(Heard(**(fields | changes)), US)

    async def on_channel(self, sender: int, text: str) -> None:
        await self.hear(sender, text, to=BROADCAST)

    async def meet(self, *people: Person) -> None:
        """Their radios told their names and keys."""
        now = int(self.clock.now())
        for person in people:
            seen = NodeSeen(node_of(person), person.name, "", person.radio, now, 0.0)
            await self.inbound.node_seen(seen)

    async def cry(self) -> None:
        """One round of the outbound loops."""
        await self.crier._look()
        await self.watch._look(self.clock.now())

    async def out(self, state: State = State.DELIVERED) -> None:
        """Everything that waits has come to this state."""
        for packet in await self.packets():
            if packet.state is State.QUEUED:
                await self.db.write(lambda c, p=packet: outbox.move(c, p.id, state))

    async def packets(self) -> list[OutPacket]:
        return await self.db.read(lambda c: outbox.in_state(c, *State))

    async def said(self, to: Person | int = BROADCAST) -> list[str]:
        """The texts to this radio, oldest first."""
        dest = node_of(to) if isinstance(to, Person) else to
        return [p.payload.decode() for p in await self.packets() if p.dest == dest]

    async def last(self, to: Person | int) -> str:
        return (await self.said(to))[-1]

    async def show(self) -> list[Shown]:
        """Every bulletin here."""

        def work(connection):
            rows = connection.execute("SELECT seq FROM bulletin ORDER BY seq").fetchall()
            return [board.show(connection, seq, self.intake.cache, NOW) for (seq,) in rows]

        return await self.db.read(work)

    async def incidents(self) -> list[tuple[str, str]]:
        found = await self.db.read(lambda c: incidents.recent(c, 50))
        return [(one.kind, one.who) for one in found]

    async def enter(self, *documents: AnyDocument, via: Via = Via.USB) -> None:
        for document in documents:
            await self.intake.accept(records.of_document(document), via)


class Time:
    """What time the post has; a test may set it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> Estimate:
        return self.now


async def believe(
    db: Database, intake: Intake, time: Time, post: Machine, *more: AnyDocument
) -> None:
    """The sample province is this node's, it is this post, and it has heard the whole chain."""

    def facts(connection):
        trusts.pin_root(connection, samples.ROOT.id)
        trusts.set_here(connection, post.key)

    await db.write(facts)
    for document in (*samples.CHAIN, *more):
        is_new = document in (samples.REVOCATION, *more)
        time.now = NOW if is_new else samples.later(-15 * 86_400)  # while Edi's still held
        await intake.accept(records.of_document(document), Via.USB)


@contextlib.asynccontextmanager
async def open_office(path: Path, post: Machine = KARATAUN) -> AsyncIterator[PostOffice]:
    clock, time = SetClock(), Time()
    async with open_database(path, 0) as db:
        intake = Intake(db, clock, Metrics(), time)
        await believe(db, intake, time, post)
        office = Office(
            db=db,
            clock=clock,
            voice=Voice(post.name, "id", 0),
            estimate=time,
            cache=intake.cache,
            attestor=Attestor(post.seed, db, intake, time),
            airtime_share=lambda: 0.25,
        )
        inbound = Inbound(db, intake, clock, Metrics(), office.voice, Volunteers(office, intake))
        loops = Crier(office, random.Random(1)), Watch(office, random.Random(1))
        yield PostOffice(db, intake, clock, time, office, inbound, *loops)
