"""A message as a phone shows it: every part of it already in words.

The page's template and the phone's script both draw a Shown, so both must draw the same; a test
in a real browser compares them.
"""

import hashlib
import json
from dataclasses import asdict, dataclass

from kimnode.record import Kind, RadioState, Via
from kimnode.rules.delivery import State
from kimnode.rules.names import tag
from kimnode.rules.sos import SosState
from kimnode.store.views import Delivery, Message, Quote
from kimnode.web.site import Site
from kimnode.web.words import Words

MARK_BYTES = 4
STRONG_SNR_DB, FAIR_SNR_DB = 0.0, -8.0  # of LoRa at medium speed, which is deaf below about -15
TYPICAL_TEXT_BYTES = 100  # for the estimate shown beside a text that already waits
LONG_WAIT_S = 3600.0

SILENT = (RadioState.DOWN, RadioState.WEDGED, RadioState.WRONG, RadioState.CONNECTING)

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


def mark(author: str) -> str:
    """Short public name of an author: not reversible, equal for equal authors."""
    return hashlib.sha256(author.encode()).digest()[:MARK_BYTES].hex()


def tag_of(author: str) -> str:
    """The three signs beside a phone's nickname; radios and nodes have none."""
    road, _, device_id = author.partition(":")
    return tag(hashlib.sha256(bytes.fromhex(device_id)).digest()) if road == "phone" else ""


def signed(name: str, author: str) -> str:
    """ "Ani·K7Q" for phones, the plain name for radios."""
    own_tag = tag_of(author)
    return f"{name}·{own_tag}" if own_tag else name


def show(message: Message, site: Site, words: Words) -> Shown:
    """The message in the words of this node's language."""
    is_note = message.kind in (Kind.SOS_ACK, Kind.SOS_CANCEL)
    state, state_words = delivery_words(message.delivery, site, words)
    sos, sos_words = _sos_words(message, words)
    return Shown(
        seq=message.seq,
        kind="note" if is_note else message.kind.name.lower(),
        room=message.room,
        mark=mark(message.author),
        name=message.name,
        tag=tag_of(message.author),
        text=_note(message, words) if is_note else message.text,
        cid=message.client_id if message.via is Via.WEB else "",
        time=words.clock_time(message.at),
        day=words.day(message.at),
        origin=_origin(message, words),
        quote=None if is_note else message.quote,
        state="" if message.via is Via.RADIO else state,
        state_words="" if message.via is Via.RADIO else state_words,
        sos=sos,
        sos_words=sos_words,
        about=message.quote.seq if is_note and message.quote else 0,
    )


def as_json(shown: Shown, rev: int) -> str:
    """The feed's item for it: parts that it does not have are left out."""
    parts = {k: v for k, v in asdict(shown).items() if v not in ("", 0) and k != "quote"}
    if shown.quote is not None:
        parts["quote"] = asdict(shown.quote)
    return dumps({"t": "message", "rev": rev, **parts})


def dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def delivery_words(delivery: Delivery | None, site: Site, words: Words) -> tuple[str, str]:
    """(code, words) of how far a message has come; "saved" while the radio has no part in it."""
    if delivery is None:
        return "saved", words("state.saved")
    state = delivery.state
    if state is State.QUEUED:
        text = _queued_words(site, words)
    elif state is State.FAILED:
        text = words("state.failed", why=words(WHY.get(delivery.reason, "why.other")))
    else:
        text = words(f"state.{state.value}")
    if delivery.parts > 1 and state is not State.EXPIRED:
        parts = words("state.parts", done=delivery.parts_done, parts=delivery.parts)
        text = f"{text} · {parts}"
    return state.value, text


def _queued_words(site: Site, words: Words) -> str:
    if site.notice().radio in SILENT:
        return words("state.no-radio")
    wait_s = site.wait_s(TYPICAL_TEXT_BYTES)
    if wait_s > LONG_WAIT_S:
        return words("state.queued-long")
    return words("state.queued", wait=words.duration(wait_s))


def _origin(message: Message, words: Words) -> str:
    """How far and how well. After the first hop the signal is the relay's, so it is left out."""
    if message.via is not Via.RADIO:
        return ""
    if message.hops is None:
        return words("origin.radio")
    if message.hops:
        return words.count("origin.hops", message.hops)
    return words("origin.direct", signal=words(_signal(message.snr_db or 0.0)))


def _signal(snr_db: float) -> str:
    if snr_db >= STRONG_SNR_DB:
        return "signal.strong"
    return "signal.fair" if snr_db >= FAIR_SNR_DB else "signal.weak"


def _note(message: Message, words: Words) -> str:
    about = message.quote.name if message.quote else ""
    key = "sos.note-taken" if message.kind is Kind.SOS_ACK else "sos.note-cancelled"
    return words(key, name=signed(message.name, message.author), about=about)


def _sos_words(message: Message, words: Words) -> tuple[str, str]:
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


def radio_words(site: Site, words: Words) -> tuple[str, str]:
    """(code, words) of the line that tells how the radio is."""
    notice = site.notice()
    phones = words.count("radio.phones", notice.phones)
    if notice.radio is RadioState.NONE:
        return notice.radio.value, f"{words('radio.none')} · {phones}"
    if notice.radio is RadioState.UP:
        parts = [words("radio.up"), words.count("radio.posts", notice.posts), phones]
        if notice.waiting:
            parts.append(words.count("radio.waiting", notice.waiting))
        return notice.radio.value, " · ".join(parts)
    if notice.radio in (RadioState.WRONG, RadioState.CONNECTING):
        return notice.radio.value, words(f"radio.{notice.radio.value}")
    return notice.radio.value, words("radio.silent", time=words.clock_time(notice.since))
