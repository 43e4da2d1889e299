"""What must be looked at though nothing happens: bulletins end, suspensions end, and what districts
and volunteers have signed since the last look tells the time.
"""

import logging
import sqlite3
from functools import partial

from kimnode.clock import Clock
from kimnode.errors import StoreError
from kimnode.intake import Intake
from kimnode.record import Kind
from kimnode.rules.clock import Estimate, Evidence, Source
from kimnode.rules.expiry import end_of_day
from kimnode.rules.trust import Trust
from kimnode.store import board, bulletins, log, reach
from kimnode.store.db import Database
from kimnode.timekeeper import Timekeeper
from kimnode.wire.codes import Role, TimeTrust
from kimnode.wire.documents import (
    AnyDocument,
    Bulletin,
    Revocation,
    TimeAnchor,
    Vote,
    is_signed_by,
)
from kimnode.wire.times import unix_of_minutes

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0
DATED = (Kind.TIME_ANCHOR, Kind.REVOCATION, Kind.BULLETIN, Kind.APPROVAL)
OFFICIAL = (Role.DISTRICT, Role.HUB)


class Upkeep:
    """`run()` in a TaskGroup."""

    def __init__(self, db: Database, intake: Intake, keeper: Timekeeper, clock: Clock) -> None:
        self._db = db
        self._intake = intake
        self._keeper = keeper
        self._clock = clock
        self._position = 0

    async def run(self) -> None:
        """For ever. The first look hears every document that is kept: the floor is on disk too,
        so that this changes nothing after a normal stop."""
        while True:
            try:
                await self._look()
            except StoreError as error:  # a full disk must not stop the node, again at each start
                logger.error("bulletins were not looked at: %s", error)  # noqa: TRY400
            await self._clock.sleep(LOOK_EVERY_S)

    async def _look(self) -> None:
        for evidence in await self._db.read(self._said):
            self._keeper.take(evidence)
        now, estimate = int(self._clock.now()), self._keeper.estimate()
        look = partial(_refresh, intake=self._intake, estimate=estimate, now=now)
        if await self._db.write(look, quiet=True):
            self._db.committed.rise()

    def _said(self, connection: sqlite3.Connection) -> list[Evidence]:
        trust = self._intake.cache.load(connection)
        entries = log.of_kinds(connection, *DATED, after=self._position)
        if entries:
            self._position = entries[-1].seq
        documents = (bulletins.decoded(entry.record.document) for entry in entries)
        said = [evidence_of(document, trust) for document in documents if document]
        return [evidence for evidence in said if evidence is not None]


def evidence_of(document: AnyDocument, trust: Trust) -> Evidence | None:
    """What a document says about the time; None when it says nothing.

    Its signature is verified again, for a row that was put into the database by hand. No time
    counts beyond the end of its signer's certificate: a stolen key cannot reach further.
    """
    match document:
        case TimeAnchor() | Revocation():
            made_min, signer = document.made_min, document.issuer
        case Bulletin() | Vote() if document.stamp.trust is TimeTrust.SURE:
            made_min, signer = document.stamp.made_min, document.stamp.signer
        case _:
            return None
    certificates = trust.certificates.get(signer, ())
    if not certificates or not is_signed_by(document, signer):
        return None
    official = any(certificate.role in OFFICIAL for certificate in certificates)
    until_s = end_of_day(max(certificate.to_day for certificate in certificates))
    source = Source.DISTRICT if official else Source.VOLUNTEER
    return Evidence(source, unix_of_minutes(made_min), until_s)


def _refresh(
    connection: sqlite3.Connection, intake: Intake, estimate: Estimate, now: int
) -> list[int]:
    reach.gather_radios(connection, now)
    return board.refresh(connection, intake.cache, estimate, now)
