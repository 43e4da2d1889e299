"""Nicknames: free to choose, but nobody may look like an office or like KIM itself.

A name is compared by its skeleton (what it looks like), never by its letters. Who a person is, is
told by the tag beside the name and by marks outside it; a nickname proves nothing.
"""
# ruff: noqa: RUF001 (look-alikes are the subject)

import unicodedata
from functools import cache

from kimnode.errors import Reason, Refused
from kimnode.rules.text import has_no_ink, has_pile, readable
from kimnode.wire.airtext import MAX_NICK_CHARS, fits_as_nick, shortened
from kimnode.wire.graphemes import ZWJ, is_mark

MAX_RAW_CHARS = 200  # a longer input is not even looked at
PUNCTUATION = frozenset(" .'-_")  # no colon and no brackets: "Ani (1/3): " must stay parseable
DIGITS = frozenset("0123456789")
# What keyboards put for the apostrophe of Ma'ruf.
APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'"))
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TAG_CHARS = 3
# Of a radio's own name: what the firmware can hold. A forged one may be as long as a packet.
MAX_RADIO_NAME_BYTES = 39

# fmt: off
RESERVED = (
    "admin", "administrator", "moderator", "operator", "server", "sistem", "system",
    "kim", "kimnode", "meshtastic", "gateway", "gerbang", "radio", "pos", "posko",
    "sos", "darurat", "petugas", "relawan", "verifikator", "pengurus",
    "buletin", "terverifikasi", "cekinfo",
    "kades", "kepaladesa", "kepaladusun", "sekdes", "sekretarisdesa", "pemdes", "lurah", "camat",
    "bupati", "walikota", "gubernur", "presiden", "pemkab", "diskominfo", "kominfo", "komdigi",
    "polisi", "polri", "polda", "polres", "polsek", "tni", "koramil", "babinsa",
    "babinkamtibmas", "bhabinkamtibmas",
    "bmkg", "bnpb", "bpbd", "basarnas", "sar", "damkar", "pmi", "puskesmas",
)
# They may stand around a reserved word in one: "adminkimdesa", "KIMofficial".
FILLERS = (
    "akun", "asli", "bapak", "bu", "dan", "desa", "ibu", "kantor", "official", "pak", "pusat",
    "resmi", "tim",
)
# fmt: on

# What looks like a Latin letter. i, l and 1 are one sign here, because many fonts draw them so.
_LOOK_ALIKES = {
    "a": "4аαɑᴀꓮᎪ",
    "b": "8вβьᏼʙꓐᏴ",
    "c": "сϲᴄꓚᏟ",
    "d": "ԁᴅꓓᎠđɗ",
    "e": "3еєεҽᴇꓰᎬəɛ",
    "f": "ϝꜰꓝƒ",
    "g": "9ɡɢԍꓖᏀ",
    "h": "һнʜꓧᎻħ",
    "i": "1lіιıɩɪӏǀןاᎥᏞʟꓡꓲł",
    "j": "јϳᴊꓙᎫ",
    "k": "кκᴋꓗᏦƙқĸ",
    "m": "мμᴍꓟᎷϻ",
    "n": "пոռᴎɴꓠηŋи",
    "o": "0оοσօᴏꓳᎤøθ",
    "p": "рρᴘꓑᏢþ",
    "q": "ԛգ",
    "r": "гʀᴦꓣᎡ",
    "s": "5ѕꜱꓢᏚƽ",
    "t": "7тτᴛꓔᎢŧ",
    "u": "υսᴜꓴц",
    "v": "νѵᴠꓦᏙ",
    "w": "ԝωшᴡꓪᎳ",
    "x": "хχҳꓫ",
    "y": "уγүʏꓬᎽ",
    "z": "2ᴢꓜᏃʐ",
}
_LATIN = {ord(sign): letter for letter, signs in _LOOK_ALIKES.items() for sign in signs}
# Greek capitals that look unlike their small letters.
_CAPITALS = {ord("Η"): "h", ord("Ν"): "n", ord("Υ"): "y", ord("Ζ"): "z"}
_PAIRS = (("rn", "m"), ("vv", "w"))  # two letters that are read as one


def clean_name(raw: str) -> str:
    """The name as it is stored and shown (NFKC, single spaces); Refused(BAD_NAME) otherwise.

    Letters of one script, digits, space and .'-_ ; at least one letter; no emoji, badges or
    invisible characters; nothing that looks like a reserved word.
    """
    if len(raw) > MAX_RAW_CHARS:
        raise Refused(Reason.BAD_NAME, "too long")
    name = " ".join(unicodedata.normalize("NFKC", raw.translate(APOSTROPHES)).split())
    if has_pile(name) or not all(_allowed(c) for c in name):
        raise Refused(Reason.BAD_NAME, "only letters, digits, space and . ' - _")
    if is_mark(name[:1] or " ") or not any(c.isalpha() for c in name):
        raise Refused(Reason.BAD_NAME, "needs a letter")
    if not fits_as_nick(name):
        raise Refused(Reason.BAD_NAME, f"at most {MAX_NICK_CHARS} characters")
    if len({_script(c) for c in name if c.isalpha()}) > 1:
        raise Refused(Reason.BAD_NAME, "letters of two scripts")
    if is_reserved(name):
        raise Refused(Reason.BAD_NAME, "reserved")
    return name


def radio_name(raw: str) -> str:
    """A radio's name made fit to stand before its texts: one line, short, may be empty.

    Anybody can forge it. So it loses the signs that mean something there: the dot before a phone's
    tag ("Ani·K7Q"), and colon and brackets, which end a name on the air.
    """
    kept = (c if _allowed_in_radio_name(c) else " " for c in readable(raw.encode(errors="replace")))
    return shortened(" ".join("".join(kept).split()), MAX_RADIO_NAME_BYTES)


def is_reserved(name: str) -> bool:
    """Whether the name, or words of it that stand together, look like a reserved word."""
    kept = (c if c.isalnum() or is_mark(c) else " " for c in name.replace("'", ""))
    words = "".join(kept).split()
    return any(
        _is_office("".join(words[first:last]))
        for first in range(len(words))
        for last in range(first + 1, len(words) + 1)
    )


def skeleton(text: str) -> str:
    """What the text looks like, in Latin small letters: equal skeletons are confusable."""
    small = unicodedata.normalize("NFKC", text).translate(_CAPITALS).casefold()
    plain = unicodedata.normalize("NFKD", small)
    bare = "".join(c for c in plain if not is_mark(c)).translate(_LATIN)
    for pair, letter in _PAIRS:
        bare = bare.replace(pair, letter)
    return bare


def tag(digest: bytes) -> str:
    """Three signs beside the name ("K7Q") from the first 2 bytes of a hash of the device's id."""
    bits = int.from_bytes(digest[:2], "big") >> 1
    return "".join(CROCKFORD[bits >> shift & 31] for shift in (10, 5, 0))


def _allowed(char: str) -> bool:
    if char in PUNCTUATION or char in DIGITS:
        return True
    return unicodedata.category(char)[0] in "LM" and not has_no_ink(char)


def _allowed_in_radio_name(char: str) -> bool:
    """As in a nickname, and emoji, which many radios have in their names."""
    kind = unicodedata.category(char)
    return char in PUNCTUATION or char == ZWJ or kind[0] in "LMN" or kind in ("So", "Sk")


def _script(char: str) -> str:
    """First word of the character's Unicode name: LATIN, CYRILLIC, ARABIC, JAVANESE, CJK ..."""
    return unicodedata.name(char, "unknown").split()[0]


def _is_office(word: str) -> bool:
    """Reserved as it stands, or with digits around it ("admin2")."""
    return _is_made_of(skeleton(word)) or _is_made_of(skeleton(word.strip("0123456789")))


def _is_made_of(look: str) -> bool:
    """Whether the skeleton is reserved words and fillers only, at least one of them reserved."""
    reserved, fillers = _skeletons()
    # For each length of a beginning: reached at all, reached with a reserved word.
    reached = {0: False}
    for end in range(1, len(look) + 1):
        ways = [
            reached[start] or look[start:end] in reserved
            for start in reached
            if look[start:end] in reserved or look[start:end] in fillers
        ]
        if ways:
            reached[end] = any(ways)
    return reached.get(len(look), False)


@cache
def _skeletons() -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(map(skeleton, RESERVED)), frozenset(map(skeleton, FILLERS))
