"""Carries the log to the radio: what is behind the cursor and may go on the air becomes packets.

It only queues. The sender (sender.py) takes packets from there when airtime and the radio allow.
"""

import contextlib
import logging
import sqlite3
from dataclasses import dataclass, replace
from functools import partial

from kimnode.clock import Clock
from kimnode.errors import StoreError
from kimnode.radio.phrases import phrase
from kimnode.record import Body, Entry, Kind, Via
from kimnode.rules import sos
from kimnode.rules.airtime import EXPIRY_S, Priority
from kimnode.rules.delivery import State
from kimnode.rules.routes import air_priority
from kimnode.store import log, outbox, views
from kimnode.store.db import Database
from kimnode.store.outbox import BROADCAST, NewPacket
from kimnode.store.views import Message
from kimnode.wire.airtext import Sos, cancel_packet, parse, parse_command, sos_packet, split

logger = logging.getLogger(__name__)

CURSOR = "radio"
BATCH = 100
IDLE_S = 3600.0
STORE_RETRY_S = 5.0
# Of one phone's messages, so many go on the air in an hour; all of them are on Wi-Fi at once.
# The hour's whole budget carries about thirty (MEDIUM_FAST, 1 %).
PHONE_QUOTA = 6
HOUR_S = 3600.0
QUOTA_REASON = "quota"
# Whoever has the channel key can invent alarms; our answers must not fill the air for them.
ANSWERS_PER_HOUR = 20
ALARMS_PER_HOUR = 30  # of the phones here, on the air; SOS airtime has no other bound
MAX_REPEATED = 5  # open alarms that are said again, the newest


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
        self._raised_at: dict[int, float] = {}  # steady seconds, of the open alarms that we repeat

    async def run(self) -> None:
        self._position = await self._db.read(lambda c: log.cursor(c, CURSOR))
        while True:
            grew = self._db.committed.waiter()  # before reading, so no commit falls between
            try:
                if await self._carry():
                    continue
                pause_s = await self._repeat_alarms()
            except StoreError as error:  # a full disk: what is behind the cursor goes out later
                logger.error("nothing is put in line for the air: %s", error)  # noqa: TRY400
                pause_s = STORE_RETRY_S
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
            await self._db.write(lambda c: self._queue(c, entries))
        self._position = last
        return True

    def _queue(self, connection: sqlite3.Connection, entries: list[Entry]) -> None:
        for entry in entries:
            since = self._since(entry.received_at)
            said = packets(connection, entry, self._voice, since)
            outbox.queue(connection, said, self._clock.steady())
        log.move_cursor(connection, CURSOR, entries[-1].seq)

    async def _repeat_alarms(self) -> float:
        """Say open alarms again when it is time; seconds until the next one is due.

        Once, however many times were missed while the node was off or its clock was set.
        """
        now = self._clock.steady()
        pause_s = IDLE_S
        alarms = [a for a in await self._db.read(views.open_alarms) if _is_ours_to_repeat(a)]
        known = self._raised_at
        ours = alarms[-MAX_REPEATED:]
        self._raised_at = {a.seq: known.get(a.seq, self._since(a.at)) for a in ours}
        for alarm in ours:
            raised_at = self._raised_at[alarm.seq]
            age_s = now - raised_at
            said_at = await self._db.read(partial(outbox.last_queued_at, seq=alarm.seq))
            said_age_s = 0.0 if said_at is None else said_at - raised_at
            if sos.repeats_due(said_age_s) < sos.repeats_due(age_s):
                payload = sos_packet(alarm.name, _without_sos(alarm.text or ""))
                again = _packet(alarm.seq, payload, self._voice, now)
                await self._db.write(partial(outbox.queue, packets=[again], now=now))
            pause_s = min(pause_s, sos.next_repeat_s(age_s) or IDLE_S)
        return pause_s

    def _since(self, received_at: float) -> float:
        """In steady seconds. Never ahead: then the clock that said so was."""
        return self._clock.steady() - max(self._clock.now() - received_at, 0.0)


def _goes_out(entry: Entry) -> bool:
    answered = entry.via is Via.RADIO and entry.record.kind is not Kind.CHAT
    kind, room = entry.record.kind, entry.record.room
    return answered or air_priority(kind, room, entry.via) is not None


def packets(
    connection: sqlite3.Connection, entry: Entry, voice: Voice, since: float
) -> list[NewPacket]:
    """The packets that one log entry becomes; none for what stays here or came from the air.

    since  when it was received, in steady seconds
    """
    record = entry.record
    if record.body is None or not _goes_out(entry):
        return []
    if record.kind is Kind.CHAT:
        return _chat(connection, entry, record.body, voice, since)
    if entry.via is not Via.RADIO and record.kind is Kind.SOS:
        payload = sos_packet(record.body.nick, record.body.text)
        return [_bounded(connection, _packet(entry.seq, payload, voice, since), since)]
    if entry.via is not Via.RADIO and record.kind is Kind.SOS_CANCEL:
        return [_packet(0, cancel_packet(record.body.nick), voice, since)]
    return _about_alarm(connection, entry, voice, since)


def _chat(
    connection: sqlite3.Connection, entry: Entry, body: Body, voice: Voice, since: float
) -> list[NewPacket]:
    """A villager's text. Beyond the phone's share of the hour it is marked as not sent."""
    hour = since - HOUR_S, since + HOUR_S
    used = outbox.messages_between(connection, entry.record.author, *hour)
    parts = split(body.nick, body.text)
    expires_at = since + EXPIRY_S[Priority.CHAT]
    state, reason = (State.QUEUED, "") if used < PHONE_QUOTA else (State.FAILED, QUOTA_REASON)
    return [
        NewPacket(
            entry.seq, n, len(parts), Priority.CHAT, BROADCAST, voice.channel, part, None, True,
            expires_at, state, reason,
        )
        for n, part in enumerate(parts, 1)
    ]  # fmt: skip


def _bounded(connection: sqlite3.Connection, alarm: NewPacket, since: float) -> NewPacket:
    """One phone can pretend to be hundreds. All their alarms are on every page at once, and who
    raised one beyond these is told that the radio has not sent it (yet: see _repeat_alarms)."""
    hour = since - HOUR_S, since + HOUR_S
    if outbox.alarms_between(connection, Priority.SOS, *hour) < ALARMS_PER_HOUR:
        return alarm
    return replace(alarm, state=State.FAILED, reason=QUOTA_REASON)


def _packet(seq: int, payload: bytes, voice: Voice, since: float) -> NewPacket:
    """One SOS packet to everybody."""
    expires_at = since + EXPIRY_S[Priority.SOS]
    return NewPacket(
        seq, 1, 1, Priority.SOS, BROADCAST, voice.channel, payload, None, True, expires_at
    )


def _is_ours_to_repeat(alarm: Message) -> bool:
    """Not what reads "SOS Ani: ...": another gateway said that, and says it again itself.

    Otherwise two gateways would repeat each other's repetitions, each time as a new alarm.
    """
    return alarm.via is not Via.RADIO or parse(_without_sos(alarm.text or "")).nick is None


def _without_sos(text: str) -> str:
    """What an SOS from the air says beside the word SOS, which sos_packet puts there again."""
    command = parse_command(text)
    return command.text if isinstance(command, Sos) else text


SAID = {Kind.SOS: "sos-received", Kind.SOS_ACK: "sos-taken", Kind.SOS_CANCEL: "sos-cancelled"}


def _about_alarm(
    connection: sqlite3.Connection, entry: Entry, voice: Voice, since: float
) -> list[NewPacket]:
    """A word about an alarm, by the road the alarm came: it reaches who asked for help."""
    record = entry.record
    alarm_seq = (
        entry.seq if record.kind is Kind.SOS else log.by_id(connection, record.subject or b"")
    )
    alarm = views.one(connection, alarm_seq) if alarm_seq else None
    source = log.entry(connection, alarm_seq) if alarm_seq else None
    hour = since - HOUR_S, since + HOUR_S
    answered = outbox.answers_between(connection, Priority.SOS, *hour)
    if alarm is None or source is None or answered >= ANSWERS_PER_HOUR:
        return []
    by = record.body.nick if record.body else ""
    text = phrase(voice.language, SAID[record.kind], who=alarm.name, by=by, post=voice.post)
    heard = source.reception
    dest = heard.node_num if heard is not None and heard.direct else BROADCAST
    reply_id = heard.packet_id if heard is not None else None
    expires_at = since + EXPIRY_S[Priority.SOS]
    payload = text.encode()
    return [
        NewPacket(0, 1, 1, Priority.SOS, dest, voice.channel, payload, reply_id, True, expires_at)
    ]
