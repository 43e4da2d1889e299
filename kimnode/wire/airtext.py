"""Chat as plain text on the air, readable on any stock radio (SPEC.md section 2).

    "Ani: teks"   "Ani (1/3): teks"   "SOS Ani: teks"   "BATAL SOS Ani"

All sizes are UTF-8 bytes. Nothing here proves who wrote: a person may type "Ani: " as well.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kimnode.errors import Reason, Refused
from kimnode.wire.graphemes import clusters

MAX_TEXT_BYTES = 200  # what every phone app shows and can quote
MAX_PARTS = 3
MAX_NICK_CHARS = 20  # visible ones
MAX_NICK_BYTES = 60  # it stands in front of every text of MAX_TEXT_BYTES
CUT_MARK = "…"

_HEAD = re.compile(
    rf"(?P<nick>[^\s:()][^\n\r:()]{{0,{MAX_NICK_BYTES - 1}}}?)"
    r"(?: \((?P<part>[1-9])/(?P<parts>[2-9])\))?: (?P<text>.+)",
    re.DOTALL,
)
_PAUSE = r"[\s!?.,:;*#_\u2013\u2014-]*"  # between the word and what is meant; an emoji is meant
# The word in front: "SOS", "S.O.S", "s o s" or the emoji, not the start of a longer word.
_SOS = re.compile(
    rf"[\W_]*?(?:s([. -]?)o\1s(?![^\W\d_])|\U0001f198){_PAUSE}(?P<text>.*)", re.I | re.S
)
_CANCEL_WORD = r"(?:(?:di)?batal(?:kan)?|cancel)"
_CANCEL_FIRST = re.compile(rf"[\W_]*{_CANCEL_WORD}[\W_]+sos(?!\w){_PAUSE}(?P<text>.*)", re.I | re.S)
_CANCEL_LAST = re.compile(rf"[\W_]*sos[\W_]+{_CANCEL_WORD}[\W_]*", re.I)


@dataclass(frozen=True, slots=True)
class HeardText:
    """A text from the air; `nick` is None when it does not look like what a gateway sends."""

    nick: str | None
    text: str
    part: int = 1
    parts: int = 1


@dataclass(frozen=True, slots=True)
class Sos:
    """A call for help; `text` may be empty."""

    text: str


@dataclass(frozen=True, slots=True)
class SosCancel:
    """The sender takes the SOS back; `text` is what follows: a name or a reason."""

    text: str


@dataclass(frozen=True, slots=True)
class Say:
    """Ordinary talk."""

    text: str


def split(
    nick: str, text: str, max_bytes: int = MAX_TEXT_BYTES, max_parts: int = MAX_PARTS
) -> tuple[bytes, ...]:
    """The packets for a text of a phone: one, or numbered parts cut at word borders.

    A word longer than a part is cut, a visible character never. Refused(TOO_LONG) says by how many
    bytes it is too long, Refused(EMPTY) if there is nothing to send.
    """
    words = text.strip()
    if not words:
        raise Refused(Reason.EMPTY)
    whole = f"{nick}: {words}".encode()
    if len(whole) <= max_bytes:
        return (whole,)
    rest = list(clusters(words))
    for parts in range(2, max_parts + 1):
        packets, rest = _cut(nick, words, parts, max_bytes)
        if not rest:
            return packets
    over_bytes = len("".join(rest).encode())
    raise Refused(Reason.TOO_LONG, f"{over_bytes} bytes over {max_parts} x {max_bytes} bytes")


def sos_packet(nick: str, text: str, max_bytes: int = MAX_TEXT_BYTES) -> bytes:
    """An SOS as one packet. Never refused: a long text loses its end, marked with "…".

    `nick` may be a radio's name that a stranger has made long; it must leave room for the words.
    """
    head = f"SOS {shortened(nick, MAX_NICK_BYTES)}: "
    whole = f"{head}{text.strip()}".encode()
    if len(whole) <= max_bytes:
        return whole
    room_bytes = max_bytes - len(f"{head}{CUT_MARK}".encode())
    kept = _fitting(list(clusters(text.strip())), room_bytes)
    return f"{head}{''.join(kept).rstrip()}{CUT_MARK}".encode()


def cancel_packet(nick: str) -> bytes:
    """The withdrawal of that SOS; other gateways match it by sender and name."""
    return f"BATAL SOS {nick}".encode()


def parse(text: str) -> HeardText:
    """The inverse of split() for one packet. Never raises: what does not fit is just text."""
    found = _HEAD.fullmatch(text)
    if found is None:
        return HeardText(None, text)
    nick, words = found["nick"], found["text"]
    if nick != nick.strip() or not fits_as_nick(nick):
        return HeardText(None, text)
    if found["part"] is None:
        return HeardText(nick, words)
    part, parts = int(found["part"]), int(found["parts"])
    if part > parts:
        return HeardText(None, text)
    return HeardText(nick, words, part, parts)


def fits_as_nick(nick: str) -> bool:
    """Whether it is short enough to stand in front of a text."""
    return len(nick.encode()) <= MAX_NICK_BYTES and len(list(clusters(nick))) <= MAX_NICK_CHARS


def shortened(name: str, max_bytes: int) -> str:
    """Its beginning that fits, no visible character cut."""
    return "".join(_fitting(list(clusters(name)), max_bytes)).rstrip()


def parse_command(text: str) -> Sos | SosCancel | Say:
    """What a text from a radio asks for. Never raises.

    In doubt it is an SOS: "SOS batal, ..." with words behind it raises the alarm, since a false
    alarm is seen by a person and a swallowed one by nobody.
    """
    if found := _CANCEL_FIRST.fullmatch(text):
        return SosCancel(found["text"].strip())
    if _CANCEL_LAST.fullmatch(text):
        return SosCancel("")
    if found := _SOS.fullmatch(text):
        return Sos(found["text"].strip())
    return Say(text)


def _cut(nick: str, text: str, parts: int, max_bytes: int) -> tuple[tuple[bytes, ...], list[str]]:
    """Fill `parts` packets as far as the text goes; and the clusters that were left over."""
    rest = list(clusters(text))
    packets = []
    for part in range(1, parts + 1):
        head = f"{nick} ({part}/{parts}): "
        piece = _piece(rest, max_bytes - len(head.encode()))
        if not piece:
            break
        packets.append(f"{head}{''.join(piece).rstrip()}".encode())
        rest = rest[len(piece) :]
        while rest and rest[0].isspace():
            rest = rest[1:]
    return tuple(packets), rest


def _piece(rest: Sequence[str], room_bytes: int) -> Sequence[str]:
    """As many clusters as fit, back to the last space unless the cut word is longer than a part."""
    kept = _fitting(rest, room_bytes)
    if len(kept) == len(rest) or rest[len(kept)].isspace():
        return kept
    word_start = len(kept)
    while word_start and not rest[word_start - 1].isspace():
        word_start -= 1
    word_end = len(kept)
    while word_end < len(rest) and not rest[word_end].isspace():
        word_end += 1
    word_bytes = len("".join(rest[word_start:word_end]).encode())
    return kept if word_start == 0 or word_bytes > room_bytes else kept[:word_start]


def _fitting(rest: Sequence[str], room_bytes: int) -> Sequence[str]:
    """The longest beginning of at most `room_bytes`."""
    for count, cluster in enumerate(rest):
        room_bytes -= len(cluster.encode())
        if room_bytes < 0:
            return rest[:count]
    return rest
