"""accept(): the one way into the log, for radio, phones, the node itself and later the uplink.

Nothing is sent from here. A record that was accepted is in the log, and the outbound loops find
it there.
"""

import hashlib
import logging
import sqlite3
from collections import Counter
from dataclasses import dataclass
from functools import partial

from kimnode.clock import Clock
from kimnode.errors import Reason, Refused
from kimnode.metrics import Metrics
from kimnode.record import Kind, Reception, Record, Seq, Via
from kimnode.rules.admission import Situation, admit
from kimnode.rules.limits import Limits
from kimnode.rules.sos import SosState
from kimnode.store import counts, log, project
from kimnode.store.db import Database

logger = logging.getLogger(__name__)

COUNT_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Accepted:
    """Where the record is in the log; `fresh` is False when it was there already."""

    seq: Seq
    fresh: bool


class Intake:
    """What the edges are handed: they can put records in, and nothing else."""

    def __init__(self, db: Database, clock: Clock, metrics: Metrics) -> None:
        self._db = db
        self._clock = clock
        self._metrics = metrics
        self._limits = Limits()
        self._refusals: Counter[tuple[int, Via, Reason]] = Counter()  # not yet on disk
        self._counted_at = -COUNT_EVERY_S
        self._entering: set[tuple[str, bytes]] = set()  # author and nonce of what is being written

    async def accept(
        self, record: Record, via: Via, reception: Reception | None = None
    ) -> Accepted:
        """The record's place in the log, once it is on disk. Refused(reason) when it may not enter.

        The same author and nonce again is no error: a phone that lost our answer asks twice.
        """
        try:
            accepted = await self._enter(record, via, reception)
        except Refused as refused:
            known = await self._db.read(partial(log.find, author=record.author, nonce=record.nonce))
            if known is not None:  # who asks again too fast is still told where it is
                return self._repeated(known, via)
            await self._count_refusal(via, refused)
            raise
        if not accepted.fresh:
            return self._repeated(accepted.seq, via)
        self._metrics.accepted.labels(via.name, record.kind.name).inc()
        if record.kind is Kind.SOS:
            logger.warning("SOS from %s, entry %d", record.author, accepted.seq)
        return accepted

    async def _enter(self, record: Record, via: Via, reception: Reception | None) -> Accepted:
        """A phone that asks again while the disk is slow is no faster talker: the writer sees
        that it is the same record."""
        named, now = (record.author, record.nonce), int(self._clock.now())
        if named in self._entering:
            return await self._db.write(lambda c: _append(c, record, via, reception, now))
        self._check_limits(record, via)
        self._entering.add(named)
        try:
            return await self._db.write(lambda c: _append(c, record, via, reception, now))
        finally:
            self._entering.discard(named)

    def _check_limits(self, record: Record, via: Via) -> None:
        now, author = self._clock.monotonic(), record.author
        if via is Via.RADIO:
            if record.kind is Kind.CHAT:
                self._limits.check_radio(author, now)
            else:
                self._limits.check_radio_sos(author, now)
        elif record.kind is Kind.CHAT and record.body is not None:
            words = hashlib.sha256(record.body.text.encode()).digest()
            self._limits.check_phone(author, words, now)
        else:
            self._limits.check_sos(author, record.kind.name, now)

    def _repeated(self, seq: Seq, via: Via) -> Accepted:
        self._metrics.repeated.labels(via.name).inc()
        return Accepted(seq, fresh=False)

    async def _count_refusal(self, via: Via, refused: Refused) -> None:
        """At once in the metrics; on disk once a minute at most, or a flood would wear the card."""
        self._metrics.refused.labels(via.name, refused.reason.value).inc()
        now = self._clock.monotonic()
        self._refusals[int(self._clock.now()) // 86_400, via, refused.reason] += 1
        if now - self._counted_at >= COUNT_EVERY_S:
            refusals, self._refusals, self._counted_at = self._refusals, Counter(), now
            await self._db.write(partial(counts.add_refused, refusals=refusals), quiet=True)


def _append(
    connection: sqlite3.Connection,
    record: Record,
    via: Via,
    reception: Reception | None,
    now: int,
) -> Accepted:
    """In the writer: look, admit, append. One transaction, so nothing falls between."""
    if (known := log.find(connection, record.author, record.nonce)) is not None:
        return Accepted(known, fresh=False)
    admit(record, via, _situation(connection, record))
    entry = log.append(connection, record, via, now, reception)
    project.apply(connection, entry)
    return Accepted(entry.seq, fresh=True)


def _situation(connection: sqlite3.Connection, record: Record) -> Situation:
    if record.kind is Kind.CHAT and record.subject is None:
        return Situation()
    subject_seq = log.by_id(connection, record.subject) if record.subject else None
    return Situation(
        subject=log.entry(connection, subject_seq) if subject_seq else None,
        subject_sos=project.sos_state(connection, subject_seq) if subject_seq else None,
        open_sos=len(project.sos_by(connection, record.author, SosState.OPEN)),
    )
