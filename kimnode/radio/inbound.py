"""What the radio hears becomes records. Texts from the air are never trusted, only made readable.

A direct text to this gateway is a command (volunteers.py) or private: then it is not stored, and
its sender gets one help reply.
"""

import contextlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType

from kimnode.clock import Clock
from kimnode.errors import Refused
from kimnode.intake import Intake
from kimnode.metrics import Metrics
from kimnode.radio.messages import BROADCAST, TEXT_PORT, Heard, NodeSeen, Radio
from kimnode.radio.outbound import Voice
from kimnode.radio.phrases import AUTOMATIC
from kimnode.radio.volunteers import DIRECT_CHANNEL, Volunteers, help_reply
from kimnode.record import Kind, Reception, Record, Via
from kimnode.rules.admission import SOS_ROOM
from kimnode.rules.airtime import EXPIRY_S, Priority
from kimnode.rules.names import radio_name
from kimnode.rules.rooms import RADIO_ROOM
from kimnode.rules.sos import SosState
from kimnode.rules.text import readable
from kimnode.store import commands, outbox, people, views
from kimnode.store.db import Database
from kimnode.store.outbox import NewPacket
from kimnode.store.views import Message
from kimnode.wire import records
from kimnode.wire.airtext import Say, Sos, SosCancel, parse, parse_command, sos_packet

logger = logging.getLogger(__name__)

HELP_EVERY_S = 600.0  # one help reply per radio in this time
HELPS_PER_HOUR = 6  # to all together: node numbers can be invented, and each reply costs airtime
HOUR_S = 3600.0
TAKEN_REPEAT_S = 900.0  # an alarm that was taken: the same words later than this alarm anew
RETOLD_S = 3 * 3600.0  # other gateways say an open alarm again for two hours (rules/sos.py)
NOTED_EVERY_S = 60.0  # "last heard" of a radio is written at most so often
MAX_REMEMBERED = 256  # radios in each of the two memories above
ALERT_PORT = 11  # a text with a bell; stock apps send it from their alert button

Listener = Callable[[Heard], Awaitable[None]]


class Inbound:
    """Hand it what the link reports; it stores, and puts at most one reply in the outbox."""

    def __init__(
        self,
        db: Database,
        intake: Intake,
        clock: Clock,
        metrics: Metrics,
        voice: Voice,
        volunteers: Volunteers | None = None,
        ports: Mapping[int, Listener] = MappingProxyType({}),
    ) -> None:
        """`ports`: who takes the packets of further port numbers."""
        self._db = db
        self._intake = intake
        self._clock = clock
        self._metrics = metrics
        self._voice = voice
        self._volunteers = volunteers
        self._ports = ports
        self._noted: OrderedDict[int, float] = OrderedDict()
        self._helped: OrderedDict[int, float] = OrderedDict()

    async def node_seen(self, node: NodeSeen) -> None:
        """A radio told its name. Its clock is not ours: nothing was heard later than now."""
        heard_at = min(node.last_heard, int(self._clock.now()))
        names = radio_name(node.long_name), radio_name(node.short_name)
        known = people.RadioNode(node.num, *names, node.public_key, heard_at)
        before = await self._db.read(partial(people.node, num=node.num))
        if before is None or before.is_news(known):  # a radio's whole list comes at each connection
            await self._db.write(lambda c: people.save_node(c, known), quiet=True)

    async def heard(self, packet: Heard, radio: Radio) -> None:
        """Any packet that our radio could read."""
        if packet.sender == radio.num:
            return
        if _once_in(self._noted, packet.sender, NOTED_EVERY_S, self._clock.monotonic()):
            now = int(self._clock.now())
            await self._db.write(lambda c: people.touch_node(c, packet.sender, now), quiet=True)
        if packet.portnum in (TEXT_PORT, ALERT_PORT):
            await self._text(packet, radio)
        elif listener := self._ports.get(packet.portnum):
            await listener(packet)

    async def _text(self, packet: Heard, radio: Radio) -> None:
        text = readable(packet.payload)
        direct = packet.to == radio.num
        if not text or packet.to not in (radio.num, BROADCAST):
            self._metrics.wire_errors.labels("radio").inc()
            return
        command = parse_command(text)
        if isinstance(command, Sos) and await self._known(command, text, packet.sender):
            return
        record = await self._record(command, text, packet, radio)
        if record is None:
            if direct:
                await self._direct(packet, text)
            return
        try:
            await self._intake.accept(record, Via.RADIO, _reception(packet, direct))
        except Refused as refused:
            logger.info("text from !%08x refused: %s", packet.sender, refused.reason)
            if record.kind is not Kind.CHAT:
                await self._keep_as_talk(text, packet, record.channel)

    async def _keep_as_talk(self, text: str, packet: Heard, channel: str) -> None:
        """Too many alarms, perhaps invented ones: no further alarm, but no word is lost either."""
        record = records.heard(Kind.CHAT, packet.sender, packet.packet_id, channel, SOS_ROOM, text)
        with contextlib.suppress(Refused):
            direct = channel == DIRECT_CHANNEL
            await self._intake.accept(record, Via.RADIO, _reception(packet, direct))

    async def _record(
        self, command: Sos | SosCancel | Say, text: str, packet: Heard, radio: Radio
    ) -> Record | None:
        """The record that the text is, or None when it is nobody's business here."""
        direct = packet.to == radio.num
        channel = DIRECT_CHANNEL if direct else _channel_name(radio, packet.channel)
        sender, packet_id = packet.sender, packet.packet_id
        if isinstance(command, Sos):
            return records.heard(Kind.SOS, sender, packet_id, channel, SOS_ROOM, text)
        if isinstance(command, SosCancel):
            subject = _meant(command, await self._alarms(sender))
            if subject is not None:
                return records.heard(
                    Kind.SOS_CANCEL, sender, packet_id, channel, SOS_ROOM, text, subject.id
                )
        if direct or packet.channel != self._voice.channel:
            return None
        return records.heard(Kind.CHAT, sender, packet_id, channel, RADIO_ROOM.id, text)

    async def _known(self, said: Sos, text: str, sender: int) -> bool:
        """An alarm of before, repeated by who gave it or said again by another gateway."""
        now = self._clock.now()
        if _is_repetition(text, await self._alarms(sender), now):
            return True
        since = int(now - RETOLD_S)
        alarms = await self._db.read(lambda c: views.alarms_since(c, since))
        return any(_is_retold(said, a) for a in alarms if a.at < now + RETOLD_S)

    async def _alarms(self, sender: int) -> list[Message]:
        """This radio's alarms that are not cancelled, newest first."""
        author = records.radio_author(sender)
        return await self._db.read(lambda c: views.alarms_by(c, author))

    async def _direct(self, packet: Heard, text: str) -> None:
        reception = _reception(packet, direct=True)
        if self._volunteers and await self._volunteers.take(packet, text, reception):
            return
        await self._help(packet, text)

    async def _help(self, packet: Heard, text: str) -> None:
        """One packet that says what this post is for. Never to an automatic answer."""
        if text.startswith(AUTOMATIC):
            return
        if not _once_in(self._helped, packet.sender, HELP_EVERY_S, self._clock.monotonic()):
            return
        words = help_reply(self._voice).encode()
        now = self._clock.steady()
        given = partial(commands.sent_alike, payload=words, since=now - HOUR_S, to=now)
        if await self._db.read(given) >= HELPS_PER_HOUR:
            return
        reply = NewPacket(
            0, 1, 1, Priority.DIRECT, packet.sender, self._voice.channel, words,
            packet.packet_id, True, now + EXPIRY_S[Priority.DIRECT],
        )  # fmt: skip
        await self._db.write(lambda c: outbox.queue(c, [reply], now))


def _meant(command: SosCancel, alarms: list[Message]) -> Message | None:
    """The alarm that is taken back: the newest that nobody has taken, else the newest.

    A gateway sends for many phones: there only the name decides. In doubt nothing is taken back.
    """
    named = [a for a in alarms if command.text and f"SOS {command.text}:" in (a.text or "")]
    own = [a for a in alarms if not _is_for_another(a)]
    candidates = named or own or ([] if command.text else alarms)
    still_open = [a for a in candidates if a.sos is not None and a.sos.state is SosState.OPEN]
    return next(iter(still_open or candidates), None)


def _is_for_another(alarm: Message) -> bool:
    """Whether it reads "SOS Ani: ...", as a gateway says it for a phone."""
    command = parse_command(alarm.text or "")
    return isinstance(command, Sos) and parse(command.text).nick is not None


def _is_repetition(text: str, alarms: list[Message], now: float) -> bool:
    """The same words again while the alarm still stands: gateways and people repeat an SOS.

    Hours later they are a new call, even if nobody took the old one. A clock that was set makes an
    alarm look as old, or as far ahead, as it was set: never a reason to swallow a call.
    """
    return any(
        a.text == text
        and a.sos is not None
        and abs(now - a.at) < (RETOLD_S if a.sos.state is SosState.OPEN else TAKEN_REPEAT_S)
        for a in alarms
    )


def _is_retold(said: Sos, alarm: Message) -> bool:
    """Whether this is how another gateway says that alarm, by the radio's name or by its number."""
    known = parse_command(alarm.text or "")
    if alarm.via is not Via.RADIO or not isinstance(known, Sos):
        return False
    names = (alarm.name, alarm.author.partition(":")[2])
    packets = (readable(sos_packet(name, known.text)) for name in names)
    return said in [parse_command(packet) for packet in packets]


def _reception(packet: Heard, direct: bool) -> Reception:
    """`hop_start` 0 means that the sender did not say how far the packet may go."""
    hops = packet.hop_start - packet.hop_limit if packet.hop_start else None
    return Reception(
        node_num=packet.sender,
        packet_id=packet.packet_id,
        hops=hops if hops is None or hops >= 0 else None,
        snr_db=packet.snr,
        rssi_dbm=packet.rssi,
        direct=direct,
        reply_id=packet.reply_id or None,
    )


def _channel_name(radio: Radio, index: int) -> str:
    """The channel's name: gateways may keep it under different numbers."""
    names = {channel.index: channel.name for channel in radio.channels}
    return names.get(index, "")


def _once_in(memory: OrderedDict[int, float], key: int, seconds: float, now: float) -> bool:
    """True at most once per key and `seconds`; forgets the oldest beyond MAX_REMEMBERED."""
    last = memory.get(key)
    if last is not None and now - last < seconds:
        return False
    memory[key] = now
    memory.move_to_end(key)
    while len(memory) > MAX_REMEMBERED:
        memory.popitem(last=False)
    return True
