"""A node that knows the sample chain, for tests of what may enter and what is shown."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from kimnode.clock import Clock
from kimnode.errors import Reason, Refused
from kimnode.intake import Intake
from kimnode.metrics import Metrics
from kimnode.record import Via
from kimnode.rules.bulletins import BulletinState
from kimnode.rules.clock import Estimate
from kimnode.store import board, bulletins, log, project
from kimnode.store import trust as trusts
from kimnode.store.board import Shown
from kimnode.store.db import Database, open_database
from kimnode.wire import records
from kimnode.wire.documents import AnyDocument
from tests.rules import trust_samples as samples

HERE = samples.KARATAUN


class Node:
    """One gateway (HERE) with a database; `now` may be set."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.now: Estimate = samples.NOW
        self.intake = Intake(db, Clock(), Metrics(), lambda: self.now)
        self.cache = self.intake.cache

    async def accept(self, document: AnyDocument, via: Via) -> int:
        return (await self.intake.accept(records.of_document(document), via)).seq

    async def refusal(self, document: AnyDocument, via: Via) -> Reason | None:
        try:
            await self.accept(document, via)
        except Refused as refused:
            return refused.reason
        return None

    async def write_rows(self, *documents: AnyDocument) -> None:
        """Into the log by hand, as somebody with the card in another machine would."""

        def write(connection) -> None:
            for document in documents:
                record = records.of_document(document)
                entry = log.append(connection, record, Via.USB, samples.NOW_S)
                project.apply(connection, entry)

        await self.db.write(write)

    async def show(self, bulletin_id: bytes) -> Shown | None:
        """How the bulletin stands; None when it is not in the log."""

        def look(connection) -> Shown | None:
            seq = bulletins.seq_of(connection, bulletin_id)
            if seq is None:
                return None
            return board.show(connection, seq, self.cache, self.now)

        return await self.db.read(look)

    async def state(self, bulletin_id: bytes) -> BulletinState | None:
        shown = await self.show(bulletin_id)
        return shown.state if shown else None

    async def written(self, bulletin_id: bytes) -> BulletinState | None:
        """As the table says."""

        def look(connection) -> BulletinState | None:
            seq = bulletins.seq_of(connection, bulletin_id)
            return None if seq is None else bulletins.state(connection, seq)

        return await self.db.read(look)

    async def on_board(self) -> list[bytes]:
        shown = await self.db.read(lambda c: board.board(c, self.cache, self.now))
        return [one.bulletin.id for one in shown]

    async def refresh(self) -> list[int]:
        return await self.db.write(
            partial(board.refresh, cache=self.cache, estimate=self.now, now=self.now.unix_s)
        )


@asynccontextmanager
async def opened(path: Path, chain: Sequence[AnyDocument] = samples.CHAIN) -> AsyncIterator[Node]:
    """The node of HERE with these trust documents and the sample dossier."""
    async with open_database(path, samples.NOW_S) as db:
        node = Node(db)

        def prepare(connection) -> None:
            trusts.pin_root(connection, samples.ROOT.id)
            trusts.set_here(connection, HERE.key)

        await db.write(prepare)
        await node.write_rows(*chain, samples.DOSSIER)
        yield node
