"""Gateways on port 302 with everything real but radio and mesh: log, trust, attestor, outbox.

Packets are taken out of one station's outbox and given to the others, unless the test loses them.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

from kimnode.attestor import Attestor
from kimnode.clock import Clock
from kimnode.errors import Refused
from kimnode.intake import Intake
from kimnode.metrics import Metrics
from kimnode.radio.exchange import Correspondent
from kimnode.radio.messages import BROADCAST, Heard
from kimnode.record import Kind, Via
from kimnode.rules.delivery import State
from kimnode.rules.publishing import Draft
from kimnode.store import board, bulletins, outbox
from kimnode.store import trust as trusts
from kimnode.store.db import Database, open_database
from kimnode.wire import records, signing
from kimnode.wire.air import PORT, type_of
from kimnode.wire.codes import Form, HoaxType, Topic, Verdict
from kimnode.wire.documents import AnyDocument, Bulletin, Vote
from tests.rules.trust_samples import CHAIN, DESA, DOSSIER, NOW, NOW_S, ROOT, V1, V3, Machine

SPEED = 200.0
LOOK_S = 0.004  # real seconds


def heard(payload: bytes, sender: int = 7, **changes) -> Heard:
    fields = {
        "sender": sender, "to": BROADCAST, "channel": 0, "packet_id": 1, "portnum": PORT,
        "payload": payload, "pki_encrypted": False, "public_key": b"", "via_mqtt": False,
        "transport": 1, "hop_start": 3, "hop_limit": 3, "snr": 5.0, "rssi": -80, "rx_time": 0,
        "reply_id": 0, "emoji": 0,
    }  # fmt: skip
    return Heard(**{**fields, **changes})


class Station:
    """One gateway."""

    def __init__(self, machine: Machine, db: Database, clock: Clock, seed: int) -> None:
        self.machine = machine
        self.db = db
        self.metrics = Metrics()
        self.intake = Intake(db, clock, self.metrics, lambda: NOW)
        self.attestor = Attestor(machine.seed, db, self.intake, lambda: NOW)
        self.correspondent = Correspondent(
            *(db, self.intake, clock, self.metrics, random.Random(seed), 0, lambda: NOW),
            self.attestor,
        )

    async def accept(self, *documents: AnyDocument, via: Via = Via.USB) -> None:
        for document in documents:
            await self.intake.accept(records.of_document(document), via)

    async def believe(self, *chain: AnyDocument) -> None:
        """Root, certificates ... as the operator brought them."""
        await self.db.write(lambda c: trusts.pin_root(c, ROOT.id))
        await self.db.write(lambda c: trusts.set_here(c, self.machine.key))
        for document in chain:
            with contextlib.suppress(Refused):  # one of the samples is over
                await self.accept(document)

    async def state(self, bulletin: Bulletin) -> str:
        """How the bulletin stands, judged from the documents."""

        def look(connection):
            seq = bulletins.seq_of(connection, bulletin.id)
            shown = seq and board.show(connection, seq, self.intake.cache, NOW)
            return shown.state.value if shown else "unknown"

        return await self.db.read(look)

    async def queued(self) -> list[outbox.OutPacket]:
        rows = await self.db.read(lambda c: outbox.in_state(c, State.QUEUED))
        return [row for row in rows if row.port == PORT]


class Ether:
    """Carries what stations put in line, except what `lost(sender, receiver, packet)` names."""

    def __init__(self) -> None:
        self.stations: list[Station] = []
        self.said: list[tuple[str, bytes]] = []
        self.deaf = False
        self.lost: Callable[[Station, Station, bytes], bool] = lambda *_: False
        self.pass_ = asyncio.Lock()  # no station closes in the middle of one

    def types(self) -> list[str]:
        return [type_of(packet).name for _, packet in self.said]

    async def run(self) -> None:
        while True:
            async with self.pass_:
                for station in [] if self.deaf else list(self.stations):
                    for row in await station.queued():
                        await self._carry(station, row)
            await asyncio.sleep(LOOK_S)

    async def _carry(self, station: Station, row: outbox.OutPacket) -> None:
        await station.db.write(lambda c: outbox.move(c, row.id, State.ON_AIR))
        self.said.append((station.machine.name, row.payload))
        for other in self.stations:
            if other is not station and not self.lost(station, other, row.payload):
                sender = self.stations.index(station) + 100
                await other.correspondent.heard(heard(row.payload, sender))


@contextlib.asynccontextmanager
async def ether() -> AsyncIterator[Ether]:
    air = Ether()
    async with asyncio.TaskGroup() as tasks:
        job = tasks.create_task(air.run())
        try:
            yield air
        finally:
            job.cancel()


@contextlib.asynccontextmanager
async def silent(air: Ether, path: Path, machine: Machine, clock: Clock) -> AsyncIterator[Station]:
    """A station whose exchange does not run."""
    async with open_database(path, NOW_S) as db:
        post = Station(machine, db, clock, 9)
        await post.believe(*CHAIN)
        yield post


@contextlib.asynccontextmanager
async def station(
    air: Ether, path: Path, machine: Machine, clock: Clock, seed: int = 1, chain=CHAIN
) -> AsyncIterator[Station]:
    """On the air while the block lasts."""
    async with open_database(path, NOW_S) as db:
        post = Station(machine, db, clock, seed)
        if chain:
            await post.believe(*chain)
        air.stations.append(post)
        async with asyncio.TaskGroup() as tasks:
            job = tasks.create_task(post.correspondent.run())
            try:
                yield post
            finally:
                async with air.pass_:
                    air.stations.remove(post)
                job.cancel()


DRAFT = Draft(
    *(Form.CHECK, "Tidak ada gempa besar malam ini. Tetap tenang, lihat bmkg.go.id.", DESA),
    *(Topic.DISASTER, Verdict.HOAX, HoaxType.FABRICATED),
    dossier=DOSSIER,
)


async def drafted(post: Station, more: str = "") -> Bulletin:
    """By a volunteer's radio, attested by this post."""
    made = await post.attestor.bulletin(replace(DRAFT, text=DRAFT.text + more), V1.radio)
    assert isinstance(made.document, Bulletin)
    return made.document


async def approved(post: Station, bulletin: Bulletin, direct: bool = False) -> Vote:
    """By a verifier with her own key, or with her radio at this post."""
    if not direct:
        made = await post.attestor.vote(Kind.APPROVAL, bulletin.id, V3.radio)
    else:
        vote = await post.attestor.prepare_vote(Kind.APPROVAL, bulletin.id, V3.key)
        made = await post.attestor.take(vote, signing.sign(V3.seed, vote.signed()))
    assert isinstance(made.document, Vote)
    return made.document
