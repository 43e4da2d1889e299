"""Where a text may be cut without breaking what a person sees as one character (SPEC.md 2.3).

A simplified UAX 29: exact for Latin, Arabic, Javanese and emoji as phones type them; it never cuts
more than the standard allows, and for some Indic conjuncts it cuts where the standard would not.
"""

import unicodedata
from collections.abc import Iterator

ZWJ = "\u200d"
ZWNJ = "\u200c"
BLACK_FLAG = "\U0001f3f4"  # flags of regions are this, tag characters, end tag
MAX_CLUSTER_BYTES = 64  # the longest emoji have 35; a longer pile is not a character and is cut


def clusters(text: str) -> Iterator[str]:
    """The text in pieces of one visible character each, none longer than MAX_CLUSTER_BYTES."""
    start = 0
    size_bytes = 0
    for index, char in enumerate(text):
        char_bytes = len(char.encode("utf-8", "surrogatepass"))
        if index > start and (
            size_bytes + char_bytes > MAX_CLUSTER_BYTES or not _joined(text, start, index)
        ):
            yield text[start:index]
            start, size_bytes = index, 0
        size_bytes += char_bytes
    if start < len(text):
        yield text[start:]


def is_mark(char: str) -> bool:
    """Combining marks, variation selectors included."""
    return unicodedata.category(char).startswith("M")


def is_tag(char: str) -> bool:
    """Invisible letters that spell the region of a flag; nothing else may use them."""
    return "\U000e0020" <= char <= "\U000e007f"


def is_regional(char: str) -> bool:
    """Half of a country's flag."""
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def is_emoji(char: str) -> bool:
    """Roughly: symbols, arrows, dingbats and the emoji planes, later ones included."""
    return "\u2190" <= char <= "\u2bff" or "\U0001f000" <= char <= "\U0001faff"


def is_skin_tone(char: str) -> bool:
    return "\U0001f3fb" <= char <= "\U0001f3ff"


def _joined(text: str, start: int, index: int) -> bool:
    """Whether text[index] belongs to the cluster that began at `start`."""
    before, char = text[index - 1], text[index]
    if before == "\r":
        return char == "\n"
    if before == "\n":
        return False
    if is_mark(char) or char in (ZWJ, ZWNJ) or is_skin_tone(char) or is_tag(char):
        return True
    if before == ZWJ or "\u1160" <= char <= "\u11ff":  # Hangul vowels and finals
        return True
    return is_regional(char) and is_regional(before) and (index - start) % 2 == 1
