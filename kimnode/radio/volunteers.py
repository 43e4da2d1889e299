"""The dialogue with stock radios: who speaks, whether they may, and one packet in answer.

A command counts only from the radio's own key over LoRa, and once: a node number proves nothing,
and a recording of a command is a repetition for ever (store/commands.py).
"""

import logging
import sqlite3
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from functools import partial

from kimnode.errors import Reason, Refused
from kimnode.intake import Intake
from kimnode.radio import brake, drafts, orders
from kimnode.radio.messages import Heard
from kimnode.radio.orders import Office
from kimnode.radio.outbound import Voice
from kimnode.radio.phrases import AUTOMATIC, phrase
from kimnode.radio.replies import refusal, reply
from kimnode.record import Kind, Reception, Via
from kimnode.rules.claims import ROOM
from kimnode.rules.commands import (
    Approve,
    CheckBulletin,
    Command,
    Draft,
    Incomplete,
    Plain,
    Reject,
    Rumour,
    Show,
    Suspend,
    Verb,
    help_words,
    is_open,
    parse,
)
from kimnode.rules.limits import Limits, Rate
from kimnode.rules.trust import Holder
from kimnode.store import commands, incidents, outbox
from kimnode.wire import records

log = logging.getLogger(__name__)

LORA = 1  # MeshPacket.TransportMechanism
KEY_BYTES = 32
DIRECT_CHANNEL = "direct"  # stands in the record's id in place of a channel's name
# Replies cost airtime, and node numbers can be invented.
VOLUNTEER_RATE = Rate(burst=10, every_s=60)
STRANGER_RATE = Rate(burst=3, every_s=300)
STRANGERS_RATE = Rate(burst=8, every_s=300)  # all together
OTHER_KEY = "radio-other-key"  # incident: a volunteer's node number, another key
UNSEALED = (
    "radio-unsealed"  # incident: a volunteer's node number, a command that anybody could send
)
REPLAYED = "radio-replayed"  # incident: a command that was given before


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who a direct text comes from. `why` (a key of REPLIES) when it is no volunteer."""

    holder: Holder | None
    why: str = ""
    reason: Reason | None = None
    incident: str = ""


class Volunteers:
    """Hand it direct texts that are no SOS; it answers with at most one packet (and drafts)."""

    def __init__(self, office: Office, intake: Intake) -> None:
        self._office = office
        self._intake = intake
        self._limits = Limits()

    async def take(self, packet: Heard, text: str, reception: Reception) -> bool:
        """False when the text is no command, and nothing was done."""
        command = parse(text)
        if command is None or text.startswith(AUTOMATIC):
            return False
        speaker = await self._office.db.read(partial(self._who, packet=packet))
        if speaker.holder is None:
            answer = await self._stranger(packet, command, speaker, reception)
        else:
            answer = await self._volunteer(packet, command, speaker.holder, reception)
        if answer:
            await self._say(packet, answer)
        return True

    def _who(self, connection: sqlite3.Connection, packet: Heard) -> Speaker:
        known = commands.pinned_at(connection, packet.sender)
        if not _is_sealed(packet):
            return (
                Speaker(None, "not-encrypted", None, UNSEALED)
                if known
                else Speaker(None, "stranger")
            )
        trust = self._office.cache.load(connection)
        try:
            return Speaker(drafts.volunteer(packet.public_key, trust, self._office.estimate()))
        except Refused as refused:
            if known and known != packet.public_key:
                return Speaker(None, "other-key", None, OTHER_KEY)
            told = refused.reason in TOLD
            return Speaker(None, "stranger", refused.reason if told else None)

    async def _stranger(
        self, packet: Heard, command: Command, speaker: Speaker, reception: Reception
    ) -> str:
        """Rumours and questions are open to anybody; nothing else, and answers are bounded."""
        if speaker.incident and not is_open(command):
            await self._note(speaker.incident, packet)
        answer = ""
        if isinstance(command, Rumour):  # kept in any case: the log has its own limits
            answer = await self._rumour(packet, command, reception)
        if not self._may_answer(packet):
            return ""
        if answer or isinstance(command, Rumour):
            return answer
        if is_open(command):
            return await self._open(command, volunteer=False)
        return refusal(speaker.reason) if speaker.reason else reply(speaker.why, post=self._post)

    def _may_answer(self, packet: Heard) -> bool:
        now = self._office.clock.monotonic()
        try:
            self._limits.check_address(f"radio {packet.sender}", STRANGER_RATE, now)
            self._limits.check_address("strangers", STRANGERS_RATE, now)
        except Refused:
            return False
        return True

    async def _volunteer(
        self, packet: Heard, command: Command, who: Holder, reception: Reception
    ) -> str:
        """On disk before it is obeyed, so that no second copy of it is. Copies are looked for
        first: a thief's recording must not use up what this person may say."""
        again = partial(
            commands.was_given,
            key=packet.public_key,
            node_num=packet.sender,
            packet_id=packet.packet_id,
        )
        if await self._office.db.read(again):
            await self._note(REPLAYED, packet)
            return ""
        now = self._office.clock.monotonic()
        try:
            self._limits.check_address(who.key.hex(), VOLUNTEER_RATE, now)
        except Refused:
            return ""
        await self._office.db.write(partial(self._remember, packet=packet))
        try:
            return await self._obey(packet, command, who, reception)
        except Refused as refused:
            log.info("command of !%08x refused: %s", packet.sender, refused.reason)
            return refusal(refused.reason)

    def _remember(self, connection: sqlite3.Connection, packet: Heard) -> None:
        now = int(self._office.clock.now())
        commands.note(connection, packet.public_key, packet.sender, packet.packet_id, now)
        commands.confirm(connection, packet.public_key, packet.sender, now)

    async def _obey(
        self, packet: Heard, command: Command, who: Holder, reception: Reception
    ) -> str:
        office = self._office
        doing: Awaitable[str]
        match command:
            case Rumour():
                doing = self._rumour(packet, command, reception)
            case Draft():
                doing = orders.make(office, command, who)
            case Approve():
                doing = self._approve(command, who, packet.sender)
            case Reject():
                doing = orders.reject(office, command, who)
            case Show():
                doing = orders.show(office, command, who, packet.sender)
            case Suspend():
                doing = brake.suspend(office, command, who)
            case _:
                doing = self._open(command, volunteer=True)
        return await doing

    async def _approve(self, command: Approve, who: Holder, node_num: int) -> str:
        frozen = await brake.approve(self._office, command, who, node_num)
        return frozen or await orders.approve(self._office, command, who, node_num)

    async def _open(self, command: Command, *, volunteer: bool) -> str:
        """What is only looked up."""
        office = self._office
        match command:
            case CheckBulletin():
                return await office.db.read(partial(orders.check, order=command, office=office))
            case Incomplete(word):
                return reply("incomplete", words=word.usage)
            case Plain(Verb.LIST):
                return await office.db.read(partial(orders.listing, office=office))
            case Plain(Verb.STATUS):
                return await office.db.read(partial(orders.status, office=office))
        if volunteer:
            return reply("help-volunteer", words=help_words(volunteer=True))
        return help_reply(office.voice)

    async def _rumour(self, packet: Heard, command: Rumour, reception: Reception) -> str:
        """CEK: a report of what is being told. The same packet again is no second report."""
        record = records.heard(
            Kind.REPORT, packet.sender, packet.packet_id, DIRECT_CHANNEL, ROOM, command.text
        )
        try:
            accepted = await self._intake.accept(record, Via.RADIO, reception)
        except Refused as refused:
            return refusal(refused.reason)
        if not accepted.fresh:
            return ""
        return await self._office.db.read(
            partial(orders.about_rumour, seq=accepted.seq, office=self._office)
        )

    async def _note(self, incident: str, packet: Heard) -> None:
        log.warning("%s from !%08x", incident, packet.sender)
        now = int(self._office.clock.now())
        who = f"!{packet.sender:08x}"
        await self._office.db.write(lambda c: incidents.add(c, incident, who, now))

    async def _say(self, packet: Heard, answer: str) -> None:
        now = self._office.clock.steady()
        said = drafts.direct(packet.sender, answer, self._office.voice, now)
        said = replace(said, reply_id=packet.packet_id)
        await self._office.db.write(lambda c: outbox.queue(c, [said], now))

    @property
    def _post(self) -> str:
        return self._office.voice.post


def help_reply(voice: Voice) -> str:
    """What this post is for, in its language; the words of commands are Indonesian."""
    words = help_words(volunteer=False)
    return phrase(voice.language, "help", post=voice.post, words=words)


# Why somebody who is or was a volunteer is none now: said to the one who holds that key.
TOLD = frozenset({Reason.REVOKED, Reason.SUSPENDED, Reason.CERT_EXPIRED})


def _is_sealed(packet: Heard) -> bool:
    """Encrypted for this radio by the holder of that key, and heard over LoRa by this radio."""
    return (
        packet.pki_encrypted
        and len(packet.public_key) == KEY_BYTES
        and packet.transport == LORA
        and not packet.via_mqtt
    )
