"""What a villager's text may be. Phones are told why a text is refused; radios cannot be told, so
what they send is made readable instead.

Invisible characters are removed silently while they are few (pasted texts carry some).
"""

import re
import unicodedata

from kimnode.errors import Reason, Refused
from kimnode.wire.graphemes import (
    BLACK_FLAG,
    ZWJ,
    ZWNJ,
    is_emoji,
    is_mark,
    is_tag,
)

MAX_LINES = 12  # more pushes everybody else's words off a small screen
MAX_INVISIBLE = 8  # removed silently; more is a trick
MAX_MARKS = 4  # combining marks on one letter; more is made to smear over other lines
MAX_READABLE_BYTES = 512  # no radio frame is longer

# They turn the direction of what follows, beyond the text itself: "Ani" could show as another name.
BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# No ink of their own. Direction marks are among them: harmless, and keyboards insert them.
INVISIBLE = frozenset(
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u200b\u200e\u200f"
    "\u2060\u2061\u2062\u2063\u2064\u2065\u206a\u206b\u206c\u206d\u206e\u206f\u2800\u3164\ufeff\uffa0"
)
NEWLINES = re.compile("\r\n|[\r\x85\u2028\u2029]")
SPACES = re.compile("[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
BLANK_LINES = re.compile("\n(?: *\n){2,}")


def clean_text(raw: str | bytes, max_chars: int) -> str:
    """The text as it is stored and shown: NFC, `\\n` only, no trailing spaces, at most MAX_LINES.

    Raises Refused: EMPTY, TOO_LONG (the detail says by how much), BAD_TEXT for not UTF-8, control
    and bidi characters, and piles of invisible characters or combining marks.
    """
    text = _decoded(raw, max_chars)
    tidy = _tidy(text if _is_plain(text) else _judged(text))
    if not tidy:
        raise Refused(Reason.EMPTY)
    if len(tidy) > max_chars:
        raise _too_long(len(tidy), max_chars)
    lines = 1 + tidy.count("\n")
    if lines > MAX_LINES:
        raise Refused(Reason.TOO_LONG, f"{lines} lines, {MAX_LINES} are allowed")
    return tidy


def _is_plain(text: str) -> bool:
    """ASCII without control characters, as most texts are: nothing in it can deceive."""
    return text.isascii() and text.replace("\n", "").isprintable()


def _judged(text: str) -> str:
    """The text without its few invisible characters; BAD_TEXT for what may deceive."""
    if any(c in BIDI_CONTROLS or _is_control(c) for c in text):
        raise Refused(Reason.BAD_TEXT, "control or bidi character")
    visible = _visible(text)
    if len(text) - len(visible) > MAX_INVISIBLE:
        raise Refused(Reason.BAD_TEXT, "invisible characters")
    if has_pile(visible):
        raise Refused(Reason.BAD_TEXT, "combining marks")
    return visible


def readable(raw: bytes) -> str:
    """A text from the air, made fit to show. Never raises; may be empty; at most 512 characters."""
    text = _unified(raw[:MAX_READABLE_BYTES].decode("utf-8", "replace"))
    kept = "".join(c for c in text if c not in BIDI_CONTROLS and not _is_control(c))
    return _tidy(_without_piles(_visible(unicodedata.normalize("NFC", kept))))


def _decoded(raw: str | bytes, max_chars: int) -> str:
    """Unicode in NFC. What is far too long is not even looked at."""
    if len(raw) > 8 * max_chars:
        raise _too_long(len(raw), max_chars)
    try:
        data = raw.encode() if isinstance(raw, str) else raw
        return _unified(data.decode())
    except UnicodeError as error:  # a lone surrogate in a str, or bytes that are not UTF-8
        raise Refused(Reason.BAD_TEXT, "not UTF-8") from error


def _unified(text: str) -> str:
    return unicodedata.normalize("NFC", SPACES.sub(" ", NEWLINES.sub("\n", text)))


def _is_control(char: str) -> bool:
    """C0, C1 and the code points that are no characters; newline is none of them."""
    if unicodedata.category(char) == "Cc":
        return char != "\n"
    no_character = "\ufdd0" <= char <= "\ufdef" or (ord(char) & 0xFFFE) == 0xFFFE
    return no_character or "\ufff9" <= char <= "\ufffb"  # annotations: text within the text


def _visible(text: str) -> str:
    """Without invisible characters, except where they join an emoji or a script needs them."""
    while (shorter := _without_strays(text)) != text:
        text = shorter  # a letter and a mark that came together: what follows is looked at again
    return text


def _without_strays(text: str) -> str:
    kept: list[str] = []
    for index, char in enumerate(text):
        before = kept[-1] if kept else ""
        if not _stray(char, before, text[index + 1 : index + 2]):
            kept.append(char)
    return unicodedata.normalize("NFC", "".join(kept))


def _stray(char: str, before: str, after: str) -> bool:
    if char in (ZWJ, ZWNJ):
        return not _may_join(char, before, after)
    if _is_style(char):
        return not before or before.isspace() or is_mark(before) or before in (ZWJ, ZWNJ)
    if is_tag(char):
        return not (before == BLACK_FLAG or is_tag(before))
    return has_no_ink(char)


def has_no_ink(char: str) -> bool:
    """Invisible by itself; some of these mean something beside another character."""
    return char in INVISIBLE or _is_style(char) or "\U000e0000" <= char <= "\U000e0fff"


def _is_style(char: str) -> bool:
    """Variation selectors: text or emoji style of the character before."""
    return "\ufe00" <= char <= "\ufe0f"


def _may_join(char: str, before: str, after: str) -> bool:
    if not before or not after:
        return False
    if char == ZWJ and is_emoji(after):
        return is_emoji(before) or before == "\ufe0f" or is_tag(before)
    return _joins_inside_words(before) and _joins_inside_words(after)


def _joins_inside_words(char: str) -> bool:
    """Letters of Arabic, Javanese, Balinese and other scripts that use joiners; marks of any."""
    is_letter = char >= "\u0600" and unicodedata.category(char) == "Lo"
    return (is_letter or is_mark(char)) and not has_no_ink(char)


def has_pile(text: str) -> bool:
    """More combining marks on one letter than any script needs."""
    return _without_piles(text) != text


def _without_piles(text: str) -> str:
    kept: list[str] = []
    run = 0
    for char in text:
        run = run + 1 if is_mark(char) else 0
        if run <= MAX_MARKS:
            kept.append(char)
    return "".join(kept)


def _tidy(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    return BLANK_LINES.sub("\n\n", lines).strip()


def _too_long(chars: int, max_chars: int) -> Refused:
    return Refused(Reason.TOO_LONG, f"{chars} characters, {max_chars} are allowed")
