"""Carries the log to the radio: what is behind the cursor and may go on the air becomes packets.

It only queues. The sender (sender.py) takes packets from there when airtime and the radio allow.
"""

import asyncio
import contextlib
import sqlite3
from dataclasses import dataclass

from kimnode.clock import Clock
from kimnode.radio.phrases import phrase
from kimnode.record import Entry, Kind, Via
from kimnode.rules import sos
from kimnode.rules.airtime import EXPIRY_S, Priority
from kimnode.rules.routes import air_priority
from kimnode.store import log, outbox, views
from kimnode.store.db import Database
from kimnode.store.outbox import BROADCAST, NewPacket
from kimnode.wire.airtext import split

CURSOR = "radio"
BATCH = 100
IDLE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Voice:
    """How this post speaks on the air."""

    post: str  # its name
    language: str
    channel: int  # channel index of the radio


class Outbound:
    """`run()` in a TaskGroup; needs no link: packets wait in the database while there is none."""

    def __init__(self, db: Database, clock: Clock, voice: Voice) -> None:
        self._db = db
        self._clock = clock
        self._voice = voice
        self._position = 0

    async def run(self) -> None:
        self._position = await self._db.read(lambda c: log.cursor(c, CURSOR))
        while True:
            grew = self._db.committed.waiter()  # before reading, so no commit falls between
            if await self._carry():
                continue
            pause_s = await self._repeat_alarms()
            with contextlib.suppress(TimeoutError):
                async with self._clock.timeout(pause_s):
                    await grew.wait()

    async def _carry(self) -> bool:
        """Queue what is new; False when the cursor is at the end of the log.

        Talk that stays on Wi-Fi moves the cursor in memory only: it costs no commit of its own.
        """
        entries = await self._db.read(lambda c: log.since(c, self._position, BATCH))
        if not entries:
            return False
        last = entries[-1].seq
        if any(_goes_out(entry) for entry in entries):
            now = self._clock.now()
            await self._db.write(lambda c: self._queue(c, entries, now))
        self._position = last
        return True

    def _queue(self, connection: sqlite3.Connection, entries: list[Entry], now: float) -> None:
        for entry in entries:
            outbox.queue(connection, packets(connection, entry, self._voice), now)
        log.move_cursor(connection, CURSOR, entries[-1].seq)

    async def _repeat_alarms(self) -> float:
        """Say open alarms again when it is time; seconds until the next one is due."""
        now = self._clock.now()
        pause_s = IDLE_S
        for alarm in await self._db.read(views.open_alarms):
            age_s = now - alarm.at
            said = await self._db.read(lambda c, seq=alarm.seq: outbox.times_queued(c, seq))
            first = int(alarm.via is not Via.RADIO)
            if said < first + sos.repeats_due(age_s):
                again = phrase(self._voice.language, "sos-again", who=alarm.name, n=str(said + 1))
                new = _broadcast(alarm.seq, again, alarm.text or "", self._voice, now)
                await self._db.write(lambda c, new=new: outbox.queue(c, new, now))
            pause_s = min(pause_s, sos.next_repeat_s(age_s) or IDLE_S)
        return pause_s


def _goes_out(entry: Entry) -> bool:
    answered = entry.via is Via.RADIO and entry.record.kind is not Kind.CHAT
    kind, room = entry.record.kind, entry.record.room
    return answered or air_priority(kind, room, entry.via) is not None


def packets(connection: sqlite3.Connection, entry: Entry, voice: Voice) -> list[NewPacket]:
    """The packets that one log entry becomes; none for what stays here or came from the air."""
    record = entry.record
    if record.body is None or not _goes_out(entry):
        return []
    if record.kind is Kind.CHAT:
        return _broadcast(
            entry.seq, record.body.nick, record.body.text, voice, entry.received_at, Priority.CHAT
        )
    if record.kind is Kind.SOS and entry.via is not Via.RADIO:
        title = phrase(voice.language, "sos", who=record.body.nick)
        return _broadcast(entry.seq, title, record.body.text, voice, entry.received_at)
    return _about_alarm(connection, entry, voice)


def _broadcast(
    seq: int,
    title: str,
    text: str,
    voice: Voice,
    since: float,
    priority: Priority = Priority.SOS,
) -> list[NewPacket]:
    """`title: text` to everybody, in as many parts as it takes."""
    parts = split(title, text)
    expires_at = since + EXPIRY_S[priority]
    return [
        NewPacket(
            seq, n, len(parts), priority, BROADCAST, voice.channel, part, None, True, expires_at
        )
        for n, part in enumerate(parts, 1)
    ]


SAID = {Kind.SOS: "sos-received", Kind.SOS_ACK: "sos-taken", Kind.SOS_CANCEL: "sos-cancelled"}


def _about_alarm(connection: sqlite3.Connection, entry: Entry, voice: Voice) -> list[NewPacket]:
    """A word about an alarm, by the road the alarm came: it reaches who asked for help."""
    record = entry.record
    alarm_seq = (
        entry.seq if record.kind is Kind.SOS else log.by_id(connection, record.subject or b"")
    )
    alarm = views.one(connection, alarm_seq) if alarm_seq else None
    source = log.entry(connection, alarm_seq) if alarm_seq else None
    if alarm is None or source is None:
        return []
    by = record.body.nick if record.body else ""
    text = phrase(voice.language, SAID[record.kind], who=alarm.name, by=by, post=voice.post)
    heard = source.reception
    dest = heard.node_num if heard is not None and heard.direct else BROADCAST
    reply_id = heard.packet_id if heard is not None else None
    expires_at = entry.received_at + EXPIRY_S[Priority.SOS]
    payload = text.encode()
    return [
        NewPacket(0, 1, 1, Priority.SOS, dest, voice.channel, payload, reply_id, True, expires_at)
    ]
