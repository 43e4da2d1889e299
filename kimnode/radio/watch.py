"""Looks at what is written on the channel as if KIM had said it, some minutes after it was heard.

Whoever has the channel's key can write "KIM: HOAKS - ...". Real is only what belongs to a signed
bulletin that this node knows; the rest becomes an incident and, now and then, one warning.
"""

import contextlib
import logging
import random
import sqlite3
from functools import partial

from kimnode.errors import StoreError
from kimnode.radio import drafts
from kimnode.radio.orders import Office
from kimnode.radio.replies import reply
from kimnode.record import Entry, Kind, Via
from kimnode.rules.airtime import Priority
from kimnode.rules.announcements import poses_as_kim
from kimnode.store import commands, incidents, log, outbox

logger = logging.getLogger(__name__)

LOOK_S = 30.0
WATCH = "kim-watch"  # cursor: texts on the channel that were judged
GRACE_S = (180.0, 300.0)  # the signed packet may come after the text; and posts do not all warn
WARN_WITHIN_S = 3600.0  # later a warning only repeats the forgery
WARNINGS_PER_HOUR = 2
IMITATION = "kim-imitation"  # incident
HOUR_S = 3600.0
BATCH = 100


class Watch:
    """`run()` in a TaskGroup."""

    def __init__(self, office: Office, rng: random.Random) -> None:
        self._office = office
        self._db = office.db
        self._watched = 0
        self._grace_s = rng.uniform(*GRACE_S)

    async def run(self) -> None:
        self._watched = await self._db.read(lambda c: log.cursor(c, WATCH))
        while True:
            grew = self._db.committed.waiter()  # before reading, so no commit falls between
            with contextlib.suppress(StoreError):  # a full disk: judged later
                await self._look(self._office.clock.now())
            with contextlib.suppress(TimeoutError):
                async with self._office.clock.timeout(LOOK_S):
                    await grew.wait()

    async def _look(self, now: float) -> None:
        """Judge texts that pose as KIM, some minutes after they were heard."""
        while entries := await self._db.read(lambda c: log.since(c, self._watched, BATCH)):
            for entry in entries:
                if _poses(entry):
                    if now - entry.received_at < self._grace_s and entry.received_at <= now:
                        return
                    await self._db.write(partial(self._judge, entry=entry, now=now))
                self._watched = entry.seq

    def _judge(self, connection: sqlite3.Connection, entry: Entry, now: float) -> None:
        log.move_cursor(connection, WATCH, entry.seq)
        body, heard, office = entry.record.body, entry.reception, self._office
        if body is None or heard is None:
            return
        if commands.is_announcement(connection, body.text, office.cache, office.estimate()):
            return
        who = f"!{heard.node_num:08x}"
        logger.warning("a text that poses as KIM from %s, entry %d", who, entry.seq)
        incidents.add(connection, IMITATION, who, int(now))
        words = reply("imitation", who=who, post=office.voice.post)
        if abs(now - entry.received_at) < WARN_WITHIN_S and self._may_warn(connection, words, now):
            at = office.clock.steady()
            outbox.queue(connection, [drafts.broadcast(words, office.voice, at)], at)

    def _may_warn(self, connection: sqlite3.Connection, words: str, now: float) -> bool:
        """Once for a radio, not many in an hour, and not what another post has just said."""
        before, said, _ = words.partition(" BUKAN dari KIM")
        start = before + said  # whole: "... BENAR dari KIM" must not silence us
        if commands.begins_like(connection, start, int(now - WARN_WITHIN_S)):
            return False
        at = self._office.clock.steady()
        span = at - HOUR_S, at + HOUR_S
        if commands.sent_alike(connection, words.encode(), *span):
            return False
        return outbox.answers_between(connection, Priority.BULLETIN, *span) < WARNINGS_PER_HOUR


def _poses(entry: Entry) -> bool:
    """A text of the channel. What phones write here carries their names in front."""
    record = entry.record
    if record.kind is not Kind.CHAT or entry.via is not Via.RADIO or record.body is None:
        return False
    return poses_as_kim(record.body.text)
