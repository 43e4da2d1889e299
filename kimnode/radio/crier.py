"""Says published bulletins on the village channel and puts drafts before the verifiers' radios.
An outbound loop: it looks at what is on disk, and queues.

A bulletin from another post is said here only if nobody was heard saying it for some minutes.
"""

import contextlib
import logging
import random
import sqlite3
from functools import partial

from kimnode.errors import Refused, StoreError
from kimnode.radio import brake, drafts, orders
from kimnode.radio.orders import Office
from kimnode.radio.replies import reply
from kimnode.record import Kind, Via
from kimnode.rules.announcements import announcement
from kimnode.rules.bulletins import BulletinState
from kimnode.rules.commands import draft_code
from kimnode.rules.trust import Capability
from kimnode.store import board, claims, commands, log, outbox
from kimnode.store.board import Shown
from kimnode.wire.documents import Vote
from kimnode.wire.times import unix_of_minutes

logger = logging.getLogger(__name__)

LOOK_S = 30.0  # radios are heard, bulletins run out: nothing of that wakes anybody
STORE_RETRY_S = 5.0
SAID_STATES = (BulletinState.VERIFIED, BulletinState.NOTICE)
FOREIGN_WAIT_S = (90.0, 300.0)  # a bulletin of another post: it says it itself, at once
WORTH_S = 6 * 3600  # an older one of another post was said when it was news
MAX_TELLINGS = 20  # radios that get an answer to what they asked


class Crier:
    """`run()` in a TaskGroup; needs no link: packets wait in the database while there is none."""

    def __init__(self, office: Office, rng: random.Random) -> None:
        self._office = office
        self._db = office.db
        self._rng = rng

    async def run(self) -> None:
        while True:
            grew = self._db.committed.waiter()  # before reading, so no commit falls between
            try:
                pause_s = await self._look()
            except StoreError as error:  # a full disk: said later
                logger.error("nothing is said on the channel: %s", error)  # noqa: TRY400
                pause_s = STORE_RETRY_S
            with contextlib.suppress(TimeoutError):
                async with self._office.clock.timeout(pause_s):
                    await grew.wait()

    async def _look(self) -> float:
        """Everything that is due; seconds until there may be more."""
        now = self._office.clock.steady()
        if await self._db.read(self._has_news):
            await self._db.write(partial(self._schedule, now=now), quiet=True)
        waiting = await self._db.read(commands.due)
        if any(due_at <= now for _, due_at in waiting):
            await self._db.write(partial(self._say_due, now=now))
        if await self._db.read(self._untold):
            await self._db.write(partial(self._tell, now=now))
        return min([LOOK_S, *(max(due_at - now, 0.1) for _, due_at in waiting if due_at > now)])

    def _has_news(self, connection: sqlite3.Connection) -> bool:
        return bool(commands.unsaid(connection, SAID_STATES))

    def _schedule(self, connection: sqlite3.Connection, now: float) -> None:
        """When each newly published bulletin is to be said: our own now, others later, or never."""
        for seq in commands.unsaid(connection, SAID_STATES):
            shown = self._shown(connection, seq)
            if shown is None:
                continue
            wait_s = 0.0 if shown.local else self._rng.uniform(*FOREIGN_WAIT_S)
            commands.schedule(connection, seq, now + wait_s)
            age_s = self._office.estimate().unix_s - unix_of_minutes(shown.bulletin.stamp.made_min)
            if not shown.local and age_s > WORTH_S:
                commands.settle(connection, seq)

    def _say_due(self, connection: sqlite3.Connection, now: float) -> None:
        for seq, due_at in commands.due(connection):
            if due_at > now:
                continue
            commands.settle(connection, seq)
            shown = self._shown(connection, seq)
            if shown is not None and shown.state in SAID_STATES:
                self._say(connection, shown, now)

    def _say(self, connection: sqlite3.Connection, shown: Shown, now: float) -> None:
        about = commands.number_of(connection, shown.bulletin.about)
        words = announcement(shown.bulletin, about)
        if shown.local or not commands.was_heard(connection, words):
            said = drafts.broadcast(words, self._office.voice, now, shown.seq)
            outbox.queue(connection, [said], now)
        if shown.state is BulletinState.VERIFIED:
            self._answer(connection, shown, words, now)

    def _answer(self, connection: sqlite3.Connection, shown: Shown, words: str, now: float) -> None:
        """To the radios that passed the rumour on, and to the author, who is not the approver."""
        voice, bulletin = self._office.voice, shown.bulletin
        nums = {n for c in claims.answering(connection, shown.seq)
                for n in commands.reporters(connection, c.id)}  # fmt: skip
        verdict = reply("verdict", text=words.removeprefix("KIM: "))
        packets = [drafts.direct(num, verdict, voice, now, shown.seq) for num in sorted(nums)]
        outbox.queue(connection, packets[:MAX_TELLINGS], now)
        approvers = [v.name for v in shown.votes if _approves(v.document) and v.problem is None]
        if shown.local and approvers:
            told = reply("author-approved", code=draft_code(bulletin.id), by=approvers[0],
                         number=bulletin.number)  # fmt: skip
            orders.to_volunteer(connection, bulletin.stamp.person, told, voice, now)

    def _untold(self, connection: sqlite3.Connection) -> bool:
        return bool(self._tellings(connection))

    def _tell(self, connection: sqlite3.Connection, now: float) -> None:
        voice = self._office.voice
        for subject, second in self._tellings(connection):
            key, dest = second.holder.key, second.node_num
            if isinstance(subject, brake.Request):
                brake.ask(connection, subject, key, dest, voice, now)
                continue
            with contextlib.suppress(Refused):  # too long for radio: pages show it
                orders.tell_draft(connection, subject, key, dest, voice, now)

    def _tellings(
        self, connection: sqlite3.Connection
    ) -> list[tuple[Shown | brake.Request, drafts.Second]]:
        """Which radios are still to be sent which draft or request that was made here."""
        found: list[tuple[Shown | brake.Request, drafts.Second]] = []
        for draft in orders.waiting(connection, self._office):
            if draft.local and draft.author.problem is None:
                person = self._person(connection, draft.bulletin.stamp.person)
                area = draft.bulletin.area
                rest = self._seconds(connection, draft.seq, area, Capability.APPROVE, person)
                found += [(draft, second) for second in rest]
        trust, estimate = self._office.cache.load(connection), self._office.estimate()
        for request in brake.requests(connection, trust, estimate):
            entry = log.entry(connection, request.seq)
            if entry is not None and entry.via in (Via.NODE, Via.WEB):
                subject = self._person(connection, request.vote.subject)
                rest = self._seconds(
                    connection, request.seq, request.area, Capability.SUSPEND,
                    request.person, *( [subject] if subject else [] ),
                )  # fmt: skip
                found += [(request, second) for second in rest]
        return found

    def _seconds(
        self, connection: sqlite3.Connection, seq: int, area: int, right: Capability, *but: int
    ) -> list[drafts.Second]:
        told = commands.told(connection, seq)
        office = self._office
        everybody = drafts.seconds(
            connection, office.cache.load(connection), office.estimate(), area, right, but,
            office.clock.now(),
        )  # fmt: skip
        rest = [one for one in everybody if one.holder.key not in told]
        return rest[: max(drafts.MAX_TOLD - len(told), 0)]

    def _person(self, connection: sqlite3.Connection, key: bytes) -> int:
        certificates = self._office.cache.load(connection).certificates.get(key, ())
        return certificates[-1].person if certificates else 0

    def _shown(self, connection: sqlite3.Connection, seq: int) -> Shown | None:
        return board.show(connection, seq, self._office.cache, self._office.estimate())


def _approves(document: object) -> bool:
    return isinstance(document, Vote) and document.kind is Kind.APPROVAL
