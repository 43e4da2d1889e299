"""accept(): the one way into the log, for radio, phones, the node itself and later the uplink.

Nothing is sent from here. A record that was accepted is in the log, and the outbound loops find
it there. Signed documents must hold whole keys and ids: what a packet names by hints is found
before (rules/hints.py).
"""

import hashlib
import logging
import sqlite3
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from kimnode.clock import Clock
from kimnode.errors import Reason, Refused
from kimnode.metrics import Metrics
from kimnode.record import DOCUMENT_KINDS, Entry, Kind, Reception, Record, Seq, Via
from kimnode.rules.admission import admit
from kimnode.rules.clock import EARLIEST_S, Estimate
from kimnode.rules.limits import Limits
from kimnode.store import board, bulletins, counts, incidents, log, project, situations
from kimnode.store.db import Database
from kimnode.store.trust import TRUST_KINDS, TrustCache
from kimnode.wire.codes import TimeTrust

logger = logging.getLogger(__name__)

COUNT_EVERY_S = 60.0
FORGED_BURST = 10  # documents with a bad signature by one road within FORGED_WITHIN_S: an incident
FORGED_WITHIN_S = 3600.0
ALARMING = (Reason.SEQUENCE_USED, Reason.OWN_KEY)  # each one is an incident


@dataclass(frozen=True, slots=True)
class Accepted:
    """Where the record is in the log; `fresh` is False when it was there already."""

    seq: Seq
    fresh: bool


class Intake:
    """What the edges are handed: they can put records in, and nothing else."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        metrics: Metrics,
        estimate: Callable[[], Estimate] | None = None,
        cache: TrustCache | None = None,
    ) -> None:
        """`estimate`: the timekeeper's; None where nobody keeps the time."""
        self.cache = cache or TrustCache()
        self._estimate = estimate or (lambda: unknown_time(clock))
        self._db = db
        self._clock = clock
        self._metrics = metrics
        self._limits = Limits()
        self._refusals: Counter[tuple[int, Via, Reason]] = Counter()  # not yet on disk
        self._counted_at = -COUNT_EVERY_S
        self._entering: set[tuple[str, bytes]] = set()  # author and nonce of what is being written
        self._forged: dict[Via, deque[float]] = {
            via: deque(maxlen=FORGED_BURST) for via in Via
        }  # when bad signatures came

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
            await self._note_incident(record, via, refused.reason)
            raise
        if not accepted.fresh:
            return self._repeated(accepted.seq, via)
        self._metrics.accepted.labels(via.name, record.kind.name).inc()
        if record.kind is Kind.SOS:
            logger.warning("SOS from %s, entry %d", record.author, accepted.seq)
        return accepted

    async def _enter(self, record: Record, via: Via, reception: Reception | None) -> Accepted:
        """A phone that asks again while the disk is slow is no faster talker: the writer sees
        that it is the same record.

        When a document came here can decide about it (suspensions, doubt after a revocation), so
        that is told by the estimate: the machine's clock may be ten years ahead.
        """
        named, estimate = (record.author, record.nonce), self._estimate()
        is_document = record.kind in DOCUMENT_KINDS
        now = estimate.unix_s if is_document else int(self._clock.now())
        coming = _Coming(record, via, reception, now)
        work = partial(_append, coming=coming, cache=self.cache, estimate=estimate)
        if named in self._entering:
            return await self._db.write(work)
        self._check_limits(record, via)
        self._entering.add(named)
        try:
            return await self._db.write(work)
        finally:
            self._entering.discard(named)

    def _check_limits(self, record: Record, via: Via) -> None:
        """Of documents none: their author is not known before the signature is verified, and a
        limit by the name that a forger gives would silence whom he names."""
        now, author = self._clock.monotonic(), record.author
        if record.kind in DOCUMENT_KINDS:
            return
        if record.kind is Kind.REPORT and record.body is not None:
            words = hashlib.sha256(record.body.text.encode(errors="replace")).digest()
            self._limits.check_report(author, words, now)
        elif via is Via.RADIO:
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

    async def _note_incident(self, record: Record, via: Via, reason: Reason) -> None:
        """What a person should look at. Not part of the refused transaction, which is undone."""
        if reason is Reason.BAD_SIGNATURE:
            times, now = self._forged[via], self._clock.monotonic()
            times.append(now)
            if len(times) < FORGED_BURST or now - times[0] > FORGED_WITHIN_S:
                return
            times.clear()
            who = via.name
        elif reason in ALARMING:
            who = record.author
        else:
            return
        at = int(self._clock.now())
        add = partial(incidents.add, kind=reason.value, who=who, now=at)
        count = await self._db.write(add)
        logger.warning("incident %s by %s, number %d", reason.value, who, count)


def unknown_time(clock: Clock) -> Estimate:
    """What is known without a timekeeper: only how long the node has run."""
    return Estimate(EARLIEST_S, TimeTrust.UNSURE, EARLIEST_S, int(clock.monotonic()))


@dataclass(frozen=True, slots=True)
class _Coming:
    """A record at the door. `now`: unix seconds; of a document by the estimate, else by this
    machine's clock."""

    record: Record
    via: Via
    reception: Reception | None
    now: int


def _append(
    connection: sqlite3.Connection, coming: _Coming, cache: TrustCache, estimate: Estimate
) -> Accepted:
    """In the writer: look, admit, append. One transaction, so nothing falls between."""
    record = coming.record
    if (known := log.find(connection, record.author, record.nonce)) is not None:
        return Accepted(known, fresh=False)
    admit(record, coming.via, situations.of(connection, record, cache, estimate))
    entry = log.append(connection, record, coming.via, coming.now, coming.reception)
    project.apply(connection, entry, estimate.uptime_s)
    if record.kind in DOCUMENT_KINDS:
        _judge(connection, entry, cache, estimate)
    return Accepted(entry.seq, fresh=True)


def _judge(
    connection: sqlite3.Connection, entry: Entry, cache: TrustCache, estimate: Estimate
) -> None:
    """How the bulletins stand that this document is about; all of them after one about trust."""
    if entry.record.kind in TRUST_KINDS:
        board.refresh(connection, cache, estimate, entry.received_at)
        return
    document = bulletins.decoded(entry.record.document)
    touched = bulletins.touched_by(connection, document) if document else []
    at = board.eyes(connection, cache, estimate)
    board.judge(connection, touched, at, entry.received_at)
