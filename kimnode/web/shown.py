"""A message as a phone shows it: every part of it already in words.

The page's template and the phone's script both draw a Shown, so both must draw the same; a test
in a real browser compares them.
"""

import hashlib
import json
from collections import OrderedDict
from dataclasses import asdict, dataclass, fields
from functools import lru_cache

from aiohttp import web

from kimnode.record import Kind, RadioState, Via
from kimnode.rules.announcements import poses_as_kim
from kimnode.rules.delivery import State
from kimnode.rules.names import tag
from kimnode.rules.sos import SosState
from kimnode.store.views import Delivery, Message, Quote
from kimnode.web.site import Site
from kimnode.web.words import Words

MARK_BYTES = 4
AUTHORS_CACHED = 512
STRONG_SNR_DB, FAIR_SNR_DB = 0.0, -8.0  # of LoRa at medium speed, which is deaf below about -15
TYPICAL_TEXT_BYTES = 100  # for the estimate shown beside a text that already waits
LONG_WAIT_S = 3600.0
SOON_S = 10.0
MAX_ESTIMATES = 512  # messages whose turn is estimated; the oldest is estimated anew

SILENT = (
    *(RadioState.DOWN, RadioState.WEDGED, RadioState.WRONG, RadioState.CONNECTING),
    RadioState.MUTE,
)

# What a person can do about a packet's reason code; the codes are those of rules/delivery.py and
# of the airtime governor. Anything else is "why.other".
WHY = {
    "rate-limited": "why.busy",
    "dropped": "why.busy",
    "queue-full": "why.busy",
    "duty-cycle": "why.busy",
    "no-region": "why.setup",
    "no-interface": "why.setup",
    "no-channel": "why.setup",
    "too-large": "why.long",
    "too-big": "why.long",
    "quota": "why.quota",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """Empty strings are parts that this message does not have; `text` None was erased."""

    seq: int
    kind: str  # "chat", "sos" or "note" (somebody took or cancelled an SOS)
    room: str
    mark: str  # who wrote it, as a short hash: lets a phone find its own messages
    name: str
    tag: str
    text: str | None
    cid: str
    time: str
    day: str
    origin: str = ""  # by radio: how far it came and how well it was heard
    quote: Quote | None = None
    state: str = ""  # how far it has come; only its writer is shown that
    state_words: str = ""
    sos: str = ""
    sos_words: str = ""
    about: int = 0  # note: the SOS it is about, whose state `sos` and `sos_words` then tell


@lru_cache(maxsize=AUTHORS_CACHED)
def mark(author: str) -> str:
    """Short public name of an author: not reversible, equal for equal authors."""
    return hashlib.sha256(author.encode()).digest()[:MARK_BYTES].hex()


@lru_cache(maxsize=AUTHORS_CACHED)
def tag_of(author: str) -> str:
    """The three signs beside a phone's nickname; radios and nodes have none."""
    road, _, device_id = author.partition(":")
    return tag(hashlib.sha256(bytes.fromhex(device_id)).digest()) if road == "phone" else ""


def signed(name: str, author: str) -> str:
    """ "Ani·K7Q" for phones, the plain name for radios."""
    own_tag = tag_of(author)
    return f"{name}·{own_tag}" if own_tag else name


PLAIN_PARTS = [part.name for part in fields(Shown) if part.name != "quote"]


def as_json(shown: Shown, rev: int) -> str:
    """The feed's item for it: parts that it does not have are left out."""
    parts: dict[str, object] = {"t": "message", "rev": rev}
    for key in PLAIN_PARTS:
        value = getattr(shown, key)
        if value is None or value:
            parts[key] = value
    if shown.quote is not None:
        parts["quote"] = asdict(shown.quote)
    return dumps(parts)


ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def dumps(value: object) -> str:
    return ENCODER.encode(value)


class Drawing:
    """Puts messages and states into words, with what the node knows at that moment."""

    def __init__(self, site: Site, words: Words) -> None:
        self._site = site
        self._words = words
        self._turn_at: OrderedDict[int, float] = OrderedDict()  # seq -> when it should go out

    def show(self, message: Message) -> Shown:
        """The message in the words of this node's language."""
        is_note = message.kind in (Kind.SOS_ACK, Kind.SOS_CANCEL)
        state, state_words = "", ""
        if message.via is not Via.RADIO:
            state, state_words = self.delivery(message.seq, message.delivery)
        sos, sos_words = _sos(message, self._words)
        return Shown(
            seq=message.seq,
            kind="note" if is_note else message.kind.name.lower(),
            room=message.room,
            mark=mark(message.author),
            name=message.name,
            tag=tag_of(message.author),
            text=_note(message, self._words) if is_note else message.text,
            cid=message.client_id if message.via is Via.WEB else "",
            time=self._words.clock_time(message.at),
            day=self._words.day(message.at),
            origin=_origin(message, self._words),
            quote=None if is_note else message.quote,
            state=state,
            state_words=state_words,
            sos=sos,
            sos_words=sos_words,
            about=message.quote.seq if is_note and message.quote else 0,
        )

    def delivery(self, seq: int, delivery: Delivery | None) -> tuple[str, str]:
        """(code, words) of how far it has come; "saved" while the radio has no part in it."""
        if delivery is None:
            return "saved", self._words("state.saved")
        state = delivery.state
        if state is State.QUEUED:
            text = self._queued(seq)
        else:
            self._turn_at.pop(seq, None)
            text = self._words(f"state.{state.value}")
        if 0 < delivery.parts_done < delivery.parts:
            parts = {"done": delivery.parts_done, "parts": delivery.parts}
            text = f"{text}, {self._words('state.parts', **parts)}"
        if state is State.FAILED:
            text = f"{text}. {self._words(WHY.get(delivery.reason, 'why.other'))}"
        return state.value, text

    def radio(self) -> tuple[str, str]:
        """(code, words) of the line that tells how the radio is."""
        notice, words = self._site.notice(), self._words
        phones = words.count("radio.phones", notice.phones)
        if notice.radio is RadioState.NONE:
            return notice.radio.value, f"{words('radio.none')} · {phones}"
        if notice.radio is RadioState.UP:
            parts = [words("radio.up"), words.count("radio.posts", notice.posts), phones]
            if notice.waiting:
                parts.append(words.count("radio.waiting", notice.waiting))
            return notice.radio.value, " · ".join(parts)
        if notice.radio in (RadioState.WRONG, RadioState.CONNECTING, RadioState.MUTE):
            return notice.radio.value, words(f"radio.{notice.radio.value}")
        return notice.radio.value, words("radio.silent", time=words.clock_time(notice.since))

    def _queued(self, seq: int) -> str:
        if self._site.notice().radio in SILENT:
            self._turn_at.pop(seq, None)  # the wait begins anew when the radio is back
            return self._words("state.no-radio")
        left_s = self._left_s(seq)
        if left_s > LONG_WAIT_S:
            return self._words("state.queued-long")
        return self._words("state.queued", wait=self._words.duration(left_s))

    def _left_s(self, seq: int) -> float:
        """Seconds until its turn: as estimated when it was queued, or less if all go faster now."""
        now, estimate_s = self._site.clock.steady(), self._site.wait_s(TYPICAL_TEXT_BYTES)
        turn_at = min(self._turn_at.get(seq, now + estimate_s), now + estimate_s)
        self._turn_at[seq] = turn_at
        if len(self._turn_at) > MAX_ESTIMATES:
            self._turn_at.popitem(last=False)
        return max(turn_at - now, SOON_S)


DRAWING = web.AppKey("drawing", Drawing)


def _origin(message: Message, words: Words) -> str:
    """How far and how well. After the first hop the signal is the relay's, so it is left out.

    A text that speaks as KIM proves nothing, whoever sent it: only the board does.
    """
    if message.via is not Via.RADIO:
        return ""
    if message.hops is None:
        said = words("origin.radio")
    elif message.hops:
        said = words.count("origin.hops", message.hops)
    else:
        said = words("origin.direct", signal=words(_signal(message.snr_db or 0.0)))
    if message.text and poses_as_kim(message.text):
        said = f"{said} · {words('origin.no-bulletin')}"
    return said


def _signal(snr_db: float) -> str:
    if snr_db >= STRONG_SNR_DB:
        return "signal.strong"
    return "signal.fair" if snr_db >= FAIR_SNR_DB else "signal.weak"


def _note(message: Message, words: Words) -> str:
    about = message.quote.name if message.quote else ""
    key = "sos.note-taken" if message.kind is Kind.SOS_ACK else "sos.note-cancelled"
    return words(key, name=signed(message.name, message.author), about=about)


def _sos(message: Message, words: Words) -> tuple[str, str]:
    """(code, words) of how an SOS stands: for the SOS itself and for the notes about it."""
    if message.kind is Kind.SOS_ACK:
        name = signed(message.name, message.author)
        return SosState.TAKEN.value, words("sos.taken", name=name)
    if message.kind is Kind.SOS_CANCEL:
        return SosState.CANCELLED.value, words("sos.cancelled")
    if message.sos is None:
        return "", ""
    state = message.sos.state
    if state is SosState.TAKEN:
        return state.value, words("sos.taken", name=message.sos.by_nick)
    return state.value, words(f"sos.{state.value}")
