"""Port 302 between the log and the radio: documents heard are verified and accepted, documents made
here are published, and what others lack is handed out (rules/exchange.py decides what to say).

Documents prove themselves, whatever road they took. Hints prove nothing: they count only when our
own radio heard them on the air, so that nobody far away can make us spend airtime.
"""

import asyncio
import contextlib
import logging
import random
import sqlite3
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

from kimnode.attestor import Attestor
from kimnode.clock import Clock
from kimnode.errors import Reason, Refused, StoreError, WireError
from kimnode.intake import Intake
from kimnode.metrics import Metrics
from kimnode.radio.messages import BROADCAST, Heard
from kimnode.record import DOCUMENT_KINDS, Entry, Kind, Via
from kimnode.rules import hints
from kimnode.rules.airtime import Priority, packet_airtime_ms
from kimnode.rules.asking import Pace
from kimnode.rules.books import Books, missing
from kimnode.rules.bulletins import BulletinState
from kimnode.rules.clock import Estimate
from kimnode.rules.exchange import Exchange
from kimnode.rules.hearsay import HEARSAY
from kimnode.rules.lora import Preset
from kimnode.rules.shelf import bulletin_hint
from kimnode.rules.suspension import SUSPENDED_S
from kimnode.rules.trust import Trust
from kimnode.store import bulletins, exchange, log, outbox
from kimnode.store.db import Database
from kimnode.store.outbox import NewPacket
from kimnode.wire import air, records
from kimnode.wire.air import PORT
from kimnode.wire.documents import MAX_RECEIPTS, AnyDocument, Bulletin, Vote
from kimnode.wire.gossip import Item, Want
from kimnode.wire.signing import KEY_ID_BYTES, key_id

logger = logging.getLogger(__name__)

CURSOR = "exchange"
BATCH = 100
SYNC_S = 60.0  # states also change with time: expiry, suspensions
BUSY_S = 5.0  # while one of our packets waits for the radio
STORE_RETRY_S = 5.0
LORA = 1  # MeshPacket.TransportMechanism
MAX_HELD = 64  # packets that wait for a certificate or a bulletin
HELD_S = 3600.0
HEARD_WITHIN_S, MAX_HEARD = 10.0, 30  # packets looked at in that time: no radio brings more
ASK_BYTES = 12
HINT_TTL_S = 120.0  # a hint that waited longer for its airtime says nothing
ANSWER_TTL_S = 900.0
NEWS_TTL_S = 24 * 3600.0
RECEIPT_S = 3 * 3600.0, 6 * 3600.0
SPOKEN = frozenset({Kind.SUSPENSION, Kind.REVOCATION, Kind.RECEIPT, Kind.TIME_ANCHOR})
MAY_COME = frozenset({Reason.UNKNOWN_KEY, Reason.UNKNOWN_SUBJECT})
ROADS_HERE = frozenset({Via.WEB, Via.NODE, Via.UPLINK, Via.USB})


class Correspondent:
    """`run()` in a TaskGroup; hand it every packet of port 302, and tell it the radio's preset."""

    def __init__(
        self,
        db: Database,
        intake: Intake,
        clock: Clock,
        metrics: Metrics,
        rng: random.Random,
        channel: int,
        estimate: Callable[[], Estimate],
        attestor: Attestor | None,
    ) -> None:
        self._db = db
        self._intake = intake
        self._clock = clock
        self._metrics = metrics
        self._rng = rng
        self._channel = channel
        self._estimate = estimate
        self._attestor = attestor
        self._pace = Pace()
        self._books = Books(Trust())
        post = key_id(attestor.key) if attestor else bytes(KEY_ID_BYTES)
        self._exchange = Exchange(post, self._books, rng.random, self._pace, clock.monotonic())
        self._wake = asyncio.Event()
        self._held: OrderedDict[bytes, float] = OrderedDict()
        self._heard_at: dict[bool, deque[float]] = {  # by LoRa; a flood by network stops no radio
            by_lora: deque(maxlen=MAX_HEARD) for by_lora in (False, True)
        }
        self._position = 0
        self._sync_at = self._receipt_at = float("-inf")

    async def run(self) -> None:
        """For ever. What is in the log and was not published yet is published first."""
        self._position = await self._db.read(lambda c: log.cursor(c, CURSOR))
        self._receipt_at = self._clock.monotonic() + self._rng.uniform(*RECEIPT_S)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch(), name="exchange-watch")
            tasks.create_task(self._loop(), name="exchange")

    def tuned(self, preset: Preset) -> None:
        """The radio is on this preset: slower air, longer delays."""
        self._pace.set(packet_airtime_ms(preset, ASK_BYTES))

    async def heard(self, packet: Heard) -> None:
        """A packet of port 302 by another node."""
        now = self._clock.monotonic()
        by_lora = packet.transport == LORA and not packet.via_mqtt
        heard_at = self._heard_at[by_lora]
        flooded = len(heard_at) == MAX_HEARD and now - heard_at[0] < HEARD_WITHIN_S
        if flooded or self._books.trust.root is None:
            return
        heard_at.append(now)
        try:
            kind = air.type_of(packet.payload)
            if kind in HEARSAY and not (by_lora and packet.to == BROADCAST):
                return
            self._metrics.exchange_heard.labels(kind.name.lower()).inc()
            for found in self._exchange.hear(packet.sender, packet.payload, now):
                await self._take(found)
        except WireError as error:
            self._metrics.wire_errors.labels("exchange").inc()
            logger.debug("packet of !%08x: %s", packet.sender, error)
        self._wake.set()

    async def _watch(self) -> None:
        while True:
            grew = self._db.committed.waiter()  # before the loop reads, so that nothing is missed
            self._wake.set()
            await grew.wait()

    async def _loop(self) -> None:
        while True:
            self._wake.clear()
            try:
                while await self._carry():
                    pass
                pause_s = await self._speak()
            except StoreError as error:  # a full disk: what is behind the cursor goes out later
                logger.error("bulletins are not exchanged: %s", error)  # noqa: TRY400
                pause_s = STORE_RETRY_S
            with contextlib.suppress(TimeoutError):
                async with self._clock.timeout(pause_s):
                    await self._wake.wait()

    async def _take(self, packet: bytes) -> None:
        """Verify and accept what a packet holds. WireError: it holds nothing."""
        bulletin: Bulletin | None = None
        for document in await asyncio.to_thread(_unpacked, packet):  # a long text takes a while
            if isinstance(document, Vote) and not document.subject and bulletin is None:
                return  # its bulletin was refused
            try:
                found = await self._enter(document, bulletin)
            except Refused as refused:
                if await self._lacks(document, refused.reason):
                    self._held[packet] = self._clock.monotonic()
                    while len(self._held) > MAX_HELD:
                        self._held.popitem(last=False)
                    return
                logger.info("%s by radio refused: %s", document.KIND.name, refused.reason)
                continue
            bulletin = found if isinstance(found, Bulletin) else bulletin

    async def _enter(self, document: AnyDocument, beside: Bulletin | None) -> AnyDocument:
        """The whole document, once it is in the log. `beside`: the bulletin of the same packet."""
        found, genuine = await self._db.read(lambda c: self._whole(c, document, beside))
        try:
            await self._intake.accept(records.of_document(found), Via.RADIO)
        except Refused as refused:
            if genuine and isinstance(found, Bulletin | Vote) and refused.reason not in MAY_COME:
                self._exchange.passed_over(found)
            raise
        if not genuine:  # a known document with another signature under it
            raise Refused(Reason.BAD_SIGNATURE)
        self._exchange.found(found)
        if isinstance(found, Bulletin):
            state = await self._db.read(lambda c: exchange.state(c, found.id))
            if state is BulletinState.WAITING:
                item = Item(Want.APPROVAL, bulletin_hint(found))
                self._exchange.lack(item, self._clock.monotonic())
        return found

    def _whole(
        self, connection: sqlite3.Connection, document: AnyDocument, beside: Bulletin | None
    ) -> tuple[AnyDocument, bool]:
        """With the keys that signed it, and True; a forgery with keys that did not, to be refused
        and counted where everything is. Refused: keys or subject are not known."""
        trust = self._intake.cache.load(connection)

        def subjects(hint: bytes) -> list[bytes]:
            return bulletins.by_hint(connection, hint) if beside is None else [beside.id]

        try:
            return hints.whole(document, trust, subjects), True
        except Refused as refused:
            if refused.reason is not Reason.BAD_SIGNATURE:
                raise
            return next(hints.resolve(document, trust, subjects)), False

    async def _lacks(self, document: AnyDocument, reason: Reason) -> bool:
        """Whether something must come first; if so it is asked for."""
        if reason not in MAY_COME:
            return False

        def look(connection: sqlite3.Connection) -> list[Item]:
            trust = self._intake.cache.load(connection)
            known = partial(bulletins.by_hint, connection)
            return list(missing(document, trust, lambda hint: bool(known(hint))))

        items = await self._db.read(look)
        for item in items:
            self._exchange.lack(item, self._clock.monotonic())
        return bool(items)

    async def _carry(self) -> bool:
        """Publish what is new; False at the end of the log."""
        entries = await self._db.read(lambda c: log.since(c, self._position, BATCH))
        signed = [entry for entry in entries if entry.record.kind in DOCUMENT_KINDS]
        if signed or self._clock.monotonic() >= self._sync_at:
            await self._sync()
        if not entries:
            return False
        last = entries[-1].seq
        if signed:
            await self._publish(signed, last)
        self._position = last
        if signed:
            now = self._clock.monotonic()
            held, self._held = self._held, OrderedDict()
            for packet in [packet for packet, at in held.items() if now - at < HELD_S]:
                await self._take(packet)
        return True

    async def _publish(self, entries: Sequence[Entry], last: int) -> None:
        """Into the outbox with the cursor: a power cut publishes it once or again, never not."""
        news = await self._db.read(lambda c: [_news(c, entry) for entry in entries])
        now = self._clock.steady()
        packets = [
            self._packet(payload, now + NEWS_TTL_S)
            for documents in news
            if documents
            for payload in self._exchange.publish(documents, self._clock.monotonic())
        ]

        def work(connection: sqlite3.Connection) -> None:
            outbox.queue(connection, packets, now)
            log.move_cursor(connection, CURSOR, last)

        await self._db.write(work, quiet=not packets)

    async def _sync(self) -> None:
        """The shelf as the log has it now."""
        now, shelf = self._clock.monotonic(), self._exchange.shelf
        self._sync_at = now + SYNC_S
        trust = await self._db.read(self._intake.cache.load)
        self._books.trust = trust
        self._exchange.learnt(self._books.known, now)
        since_s = self._estimate().unix_s - SUSPENDED_S
        votes = [cast.vote for cast in trust.votes if cast.at_s > since_s]
        ids = {vote.id for vote in votes} | set(await self._db.read(exchange.public))
        for gone in shelf.ids() - ids:
            shelf.drop(gone)
        new = ids - shelf.ids()
        found = await self._db.read(lambda c: exchange.documents(c, new))
        for document in [*votes, *found]:
            self._exchange.put(document, now)
        for document in await self._db.read(exchange.over):
            self._exchange.passed_over(document)

    async def _speak(self) -> float:
        """Put at most one packet in line; seconds until there may be another."""
        now = self._clock.monotonic()
        if self._books.trust.root is None:
            return SYNC_S
        if await self._db.read(lambda c: outbox.queued_on(c, PORT)):
            return BUSY_S  # what is heard before it goes may spare the next one
        if now >= self._receipt_at:
            await self._give_receipt(now)
        payload = self._exchange.say(now)
        if payload is None:
            pause_s = min(self._exchange.wake_at(), self._receipt_at) - now
            return min(max(pause_s, 0.0), SYNC_S)
        unix = self._clock.steady()
        ttl_s = HINT_TTL_S if air.type_of(payload) in HEARSAY else ANSWER_TTL_S
        packet = self._packet(payload, unix + ttl_s)
        await self._db.write(lambda c: outbox.queue(c, [packet], unix))
        return BUSY_S

    async def _give_receipt(self, now: float) -> None:
        """One for all that was confirmed here since the last: a receipt each would cost more air
        than the bulletins."""
        self._receipt_at = now + self._rng.uniform(*RECEIPT_S)
        attestor = self._attestor
        if attestor is None:
            return
        ids = await self._db.read(lambda c: exchange.unreceipted(c, attestor.key, MAX_RECEIPTS))
        if ids:
            try:
                await attestor.receipt(ids)
            except Refused as refused:
                logger.info("no receipt for %d bulletins: %s", len(ids), refused.reason)

    def _packet(self, payload: bytes, expires_at: float) -> NewPacket:
        self._metrics.exchange_said.labels(air.type_of(payload).name.lower()).inc()
        return NewPacket(
            0, 1, 1, Priority.BULLETIN, BROADCAST, self._channel, payload, None, False,
            expires_at, port=PORT,
        )  # fmt: skip


@lru_cache(maxsize=MAX_HELD)
def _unpacked(packet: bytes) -> tuple[AnyDocument, ...]:
    """Remembered, because what is held is tried again with every document that comes."""
    return air.unpack(packet)


def _news(connection: sqlite3.Connection, entry: Entry) -> list[AnyDocument]:
    """What an entry gives others: nothing that came by radio, nothing that waits, and nothing of a
    row that somebody put there and that holds no document."""
    document = bulletins.decoded(entry.record.document)
    if entry.via not in ROADS_HERE or document is None:
        return []
    if document.KIND in SPOKEN:
        return [document]
    match document:
        case Bulletin():
            state = exchange.state(connection, document.id)
            return [document] if state is BulletinState.NOTICE else []
        case Vote(kind=Kind.APPROVAL):
            return _approved(connection, document)
    return []


def _approved(connection: sqlite3.Connection, vote: Vote) -> list[AnyDocument]:
    """With its bulletin if it is the first one: nobody else can have that yet."""
    if exchange.state(connection, vote.subject) not in exchange.PUBLIC:
        return []
    bulletin = exchange.bulletin(connection, vote.subject)
    votes = exchange.approvals(connection, vote.subject)
    if bulletin is None or not votes or votes[0].id != vote.id:
        return [vote]
    return [bulletin, *votes]
