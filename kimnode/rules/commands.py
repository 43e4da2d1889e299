"""What a volunteer types on a stock radio: short Indonesian words, forgiving of everything.

Pure: text in, command out. What it does, and whether its sender may, is decided in
radio/volunteers.py; a text that is no command gives None and is answered with the help.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from kimnode.rules.names import CROCKFORD
from kimnode.rules.sources import sources_in
from kimnode.wire.codes import Form, Verdict
from kimnode.wire.documents import Source

CODE_CHARS = 4
MAX_NUMBER = 0xFFFF  # of "B-17", two bytes on the air
FUZZY_CHARS = 5  # a shorter word must be right: CEK is one slip away from too many words


class Verb(StrEnum):
    """The commands, by the word that the help prints."""

    HELP = "BANTUAN"
    CHECK = "CEK"
    HOAX = "HOAKS"
    DISINFORMATION = "DISINFORMASI"
    PARTLY = "SEBAGIAN"
    FACT = "FAKTA"
    UNPROVEN = "TIDAK TERBUKTI"
    UNCHECKED = "BELUM DICEK"
    INFO = "INFO"
    CORRECT = "KOREKSI"
    WITHDRAW = "TARIK"
    APPROVE = "OK"
    REJECT = "TOLAK"
    SHOW = "LIHAT"
    LIST = "DAFTAR"
    STATUS = "STATUS"
    SUSPEND = "BEKUKAN"


@dataclass(frozen=True, slots=True)
class Word:
    """`rest`: what stands behind it; `also`: other spellings that are taken; `open`: to anybody."""

    verb: Verb
    rest: str = ""
    also: tuple[str, ...] = ()
    open: bool = False

    @property
    def usage(self) -> str:
        """How it is written."""
        return f"{self.verb} {self.rest}".rstrip()


CHECKED = "K-3 isi SUMBER a;b"
# fmt: off
WORDS = (  # the one list of all words, in the order of the help
    Word(Verb.CHECK, "kabarnya / CEK B-17",
         ("CHECK", "CHEK", "CEKK", "CEKLAH", "CEG", "CECK", "PERIKSA"), open=True),
    Word(Verb.HELP, "", ("BANTU", "HELP", "MENU", "PERINTAH"), open=True),
    Word(Verb.HOAX, CHECKED, ("HOAX", "HOAK", "HOKS", "HOAXS", "HOX", "HOAKX")),
    Word(Verb.DISINFORMATION, CHECKED, ("DISINFO", "MENYESATKAN")),
    Word(Verb.PARTLY, CHECKED, ("SEBAGIAN BENAR", "SEBAGIANBENAR")),
    Word(Verb.FACT, CHECKED, ("BENAR",)),
    Word(Verb.UNPROVEN, CHECKED,
         ("TIDAKTERBUKTI", "TAK TERBUKTI", "TDK TERBUKTI", "BELUM TERBUKTI")),
    Word(Verb.INFO, CHECKED, ("INFORMASI",)),
    Word(Verb.UNCHECKED, "K-3 isi", ("BELUMDICEK", "BELUM CEK", "BLM DICEK")),
    Word(Verb.CORRECT, "B-17 isi", ("RALAT", "PERBAIKI")),
    Word(Verb.WITHDRAW, "B-17 isi", ("CABUT", "DICABUT", "DITARIK")),
    Word(Verb.APPROVE, "D-4KX2", ("OKE", "OKAY", "OKEY", "SETUJU")),
    Word(Verb.SHOW, "D-4KX2", ("BACA", "TAMPILKAN")),
    Word(Verb.REJECT, "D-4KX2 alasan", ("TIDAK SETUJU", "TDK SETUJU", "TAK SETUJU")),
    Word(Verb.LIST, "", ("LIST", "ANTREAN", "ANTRIAN", "ANTRI")),
    Word(Verb.STATUS, "", ("STAT", "KEADAAN")),
    Word(Verb.SUSPEND, "nama", ("BEKU", "BLOKIR")),
)
# fmt: on

DRAFTS = {
    Verb.HOAX: (Form.CHECK, Verdict.HOAX),
    Verb.DISINFORMATION: (Form.CHECK, Verdict.DISINFORMATION),
    Verb.PARTLY: (Form.CHECK, Verdict.PARTLY_TRUE),
    Verb.FACT: (Form.CHECK, Verdict.FACT),
    Verb.UNPROVEN: (Form.CHECK, Verdict.UNPROVEN),
    Verb.UNCHECKED: (Form.NOTICE, Verdict.UNCHECKED),
    Verb.INFO: (Form.INFO, Verdict.NONE),
}


@dataclass(frozen=True, slots=True)
class Plain:
    """BANTUAN, DAFTAR, STATUS: a word that needs nothing behind it."""

    verb: Verb


@dataclass(frozen=True, slots=True)
class Rumour:
    """Somebody passes on what is being told."""

    text: str


@dataclass(frozen=True, slots=True)
class CheckBulletin:
    """Is B-17 real? The readable text on the channel can be forged."""

    number: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A bulletin as its author wants it. `claim`: the 3 of K-3, `about`: the 17 of B-17."""

    form: Form
    verdict: Verdict
    text: str
    sources: tuple[Source, ...] = ()
    claim: int | None = None
    about: int | None = None


@dataclass(frozen=True, slots=True)
class Approve:
    """`code`: of a draft or of a suspension, see draft_code()."""

    code: str


@dataclass(frozen=True, slots=True)
class Reject:
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Show:
    code: str


@dataclass(frozen=True, slots=True)
class Suspend:
    """The keys of the volunteer of this name are not to be believed for a while."""

    name: str


@dataclass(frozen=True, slots=True)
class Incomplete:
    """The word was understood, what must stand behind it is missing."""

    word: Word


Command = Plain | Rumour | CheckBulletin | Draft | Approve | Reject | Show | Suspend | Incomplete

_NAMES = {name: word for word in WORDS for name in (word.verb.value, *word.also)}
_FUZZY = [(name, word) for name, word in _NAMES.items() if len(name) >= FUZZY_CHARS]
_LETTERS = re.compile(r"[\W_]*([^\W\d_]+)(?:[\s_-]+([^\W\d_]+))?")
_NUMBER = r"[\s.#:_-]*(\d{1,5})(?!\w)"
_BULLETIN = re.compile(rf"[\W_]*(?:B(?:ULETIN)?(?:[\s.#:_-]*(?:NO|NOMOR))?)?{_NUMBER}", re.I)
_BULLETIN_STRICT = re.compile(rf"[\W_]*B(?:ULETIN)?(?:[\s.#:_-]*(?:NO|NOMOR))?{_NUMBER}", re.I)
_ASKING = re.compile(
    r"(?:[\W_]|\b(?:APA|APAKAH|BENAR|BENARKAH|BETUL|BETULKAH|SAH|SAHKAH|ASLI|YA|PAK|BU|DARI|KIM)\b)*",
    re.I,
)
_CLAIM = re.compile(rf"[\W_]*K{_NUMBER}[\W_]*", re.I)
_CODE = re.compile(r"[\W_]*(?:[DS][\W_]*)?([0-9A-Z]{4})(?![0-9A-Z])[\W_]*", re.I)
_TYPED = str.maketrans("OILU", "011V")  # signs that are not in CROCKFORD, as people type them


def parse(text: str) -> Command | None:
    """The command that the text is, None when it is none. Never raises."""
    found = _verb(text)
    if found is None:
        return None
    word, rest = found
    return READERS[word.verb](rest) or Incomplete(word)


def is_open(command: Command) -> bool:
    """Whether anybody may say it, not only volunteers."""
    match command:
        case Plain(verb):
            return verb is Verb.HELP
        case Incomplete(word):
            return word.open
    return isinstance(command, Rumour | CheckBulletin)


def draft_code(whole_id: bytes) -> str:
    """Four signs by which people name a draft: "D-" is put before it. Any edit has another code.

    20 bits of the id: who uses it must look whether two open drafts share it.
    """
    bits = int.from_bytes(whole_id[:4], "big") >> 12
    return "".join(CROCKFORD[bits >> shift & 31] for shift in (15, 10, 5, 0))


def help_words(*, volunteer: bool) -> str:
    """The usages in one line, words with the same rest together: what anybody may say, or what
    volunteers may say beside it."""
    groups: dict[str, list[str]] = {}
    for word in WORDS:
        if word.open is not volunteer:
            groups.setdefault(word.rest, []).append(word.verb)
    return ". ".join(f"{'/'.join(verbs)} {rest}".rstrip() for rest, verbs in groups.items())


def _verb(text: str) -> tuple[Word, str] | None:
    """The word at the beginning, two words if they are one command, and what follows."""
    found = _LETTERS.match(text)
    if found is None:
        return None
    first, second = found[1].upper(), (found[2] or "").upper()
    if word := _NAMES.get(f"{first} {second}"):
        return word, text[found.end(2) :]
    if word := _NAMES.get(first):
        return word, text[found.end(1) :]
    if len(first) > 1 and (word := _NAMES.get(first[:-1])) and text[found.end(1) :][:1].isdigit():
        return word, text[found.end(1) - 1 :]  # "CEKB17": the id stands close to the word
    word = _resembling(f"{first} {second}")
    if word:
        return word, text[found.end(2) :]
    word = _resembling(first)
    return (word, text[found.end(1) :]) if word else None


def _resembling(typed: str) -> Word | None:
    """The one command that is a single slip of the finger away."""
    if len(typed) < FUZZY_CHARS:
        return None
    close = {word for name, word in _FUZZY if _one_slip(typed, name)}
    return close.pop() if len(close) == 1 else None


def _one_slip(typed: str, name: str) -> bool:
    """One letter too much, too few, wrong, or two of them in the wrong order."""
    if abs(len(typed) - len(name)) > 1:
        return False
    start = next(
        (i for i, (a, b) in enumerate(zip(typed, name, strict=False)) if a != b),
        min(len(typed), len(name)),
    )
    left, right = typed[start:], name[start:]
    swapped = left[:2] == right[1::-1] and left[2:] == right[2:]
    return left[1:] == right[1:] or left[1:] == right or left == right[1:] or swapped


def _check(rest: str) -> Command | None:
    found = _BULLETIN_STRICT.match(rest)
    if found and _ASKING.fullmatch(rest[found.end() :]) and (number := _number(found[1])):
        return CheckBulletin(number)
    text = _tidy(rest)
    return Rumour(text) if text else None


def _draft(verb: Verb) -> Callable[[str], Command | None]:
    form, verdict = DRAFTS[verb]

    def read(rest: str) -> Draft | None:
        claim = None
        if found := _CLAIM.match(rest):
            claim, rest = int(found[1]), rest[found.end() :]
        text, sources = sources_in(_tidy(rest))
        return Draft(form, verdict, text, sources, claim) if text else None

    return read


def _correction(rest: str) -> Draft | None:
    """A verdict word may follow the number: "KOREKSI B-17 FAKTA air sudah surut"."""
    found = _BULLETIN.match(rest)
    number = _number(found[1]) if found else None
    if found is None or number is None:
        return None
    rest = rest[found.end() :]
    verdict = Verdict.NONE
    named = _verb(rest)
    if named and named[0].verb in DRAFTS and named[0].verb is not Verb.UNCHECKED:
        verdict, rest = DRAFTS[named[0].verb][1], named[1]
    text, sources = sources_in(_tidy(rest))
    return Draft(Form.CORRECTION, verdict, text, sources, about=number) if text else None


def _withdrawal(rest: str) -> Draft | None:
    found = _BULLETIN.match(rest)
    number = _number(found[1]) if found else None
    if found is None or number is None:
        return None
    reason = _tidy(rest[found.end() :])  # a reason tells of sources, it names none
    return Draft(Form.RETRACTION, Verdict.NONE, reason, about=number) if reason else None


def _coded(make: Callable[[str], Command]) -> Callable[[str], Command | None]:
    def read(rest: str) -> Command | None:
        found = _CODE.match(rest)
        return make(_code(found[1])) if found else None

    return read


def _rejection(rest: str) -> Reject | None:
    found = _CODE.match(rest)
    reason = _tidy(rest[found.end() :]) if found else ""
    return Reject(_code(found[1]), reason) if found and reason else None


def _suspension(rest: str) -> Suspend | None:
    name = _tidy(rest)
    return Suspend(name) if name else None


def _code(typed: str) -> str:
    return typed.upper().translate(_TYPED)


def _number(digits: str) -> int | None:
    """1..MAX_NUMBER. Only ASCII digits: others are no number that a bulletin has."""
    number = int(digits)
    return number if 0 < number <= MAX_NUMBER else None


def _tidy(rest: str) -> str:
    """One line, without the colon or dash that people put behind the command."""
    return " ".join(rest.split()).lstrip(" :;,.=>-\u2013\u2014").strip()


READERS: dict[Verb, Callable[[str], Command | None]] = {
    **{verb: _draft(verb) for verb in DRAFTS},
    Verb.HELP: lambda _: Plain(Verb.HELP),
    Verb.LIST: lambda _: Plain(Verb.LIST),
    Verb.STATUS: lambda _: Plain(Verb.STATUS),
    Verb.CHECK: _check,
    Verb.CORRECT: _correction,
    Verb.WITHDRAW: _withdrawal,
    Verb.APPROVE: _coded(Approve),
    Verb.SHOW: _coded(Show),
    Verb.REJECT: _rejection,
    Verb.SUSPEND: _suspension,
}
