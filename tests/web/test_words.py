"""The catalogues: complete, used, in plain words, and the only place where words are."""

import re
import string
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from kimnode.config import LANGUAGES
from kimnode.errors import Reason
from kimnode.record import RadioState
from kimnode.rules.claims import ClaimState
from kimnode.rules.delivery import State
from kimnode.rules.rooms import ROOMS
from kimnode.rules.sos import SosState
from kimnode.web.cards import code_of
from kimnode.web.frame import PLACES
from kimnode.web.shown import WHY
from kimnode.web.staff import REASONS
from kimnode.web.words import PHONE_PREFIX, Words
from kimnode.wire.codes import Form, HoaxType, Role, SourceKind, TimeTrust, Topic, Verdict

WEB = Path(__file__).parents[2] / "kimnode" / "web"
SOURCES = [*WEB.glob("*.py"), *WEB.glob("templates/*.html")]
SCRIPT = (WEB / "static" / "kim.js").read_text()
DESK_SCRIPTS = "".join((WEB / "static" / name).read_text() for name in ("desk.js", "staffkey.js"))
SCRIPTS = [*sorted((WEB / "static").glob("*.js"))]  # what is in vendor/ is not ours
MAX_PHONE_STRINGS = 40
MAX_WORDS_PER_SENTENCE = 12
# Words that a villager has no reason to know.
BANNED = re.compile(
    r"\b(login|submit|server|error|loading|upload|download|offline|online|klik|refresh|browser|cookie"
    r"|node|gateway|token|input|form|database|sistem|koneksi|request)\b",
    re.IGNORECASE,
)
# Their keys stand in the code; the silent ones share one.
SPELT_OUT = {RadioState.NONE, RadioState.UP, RadioState.DOWN, RadioState.WEDGED}
LIGHTS = ("radio", "queue", "clock", "trust", "revocation", "waiting", "disk", "power")
INCIDENTS = (  # others say what they are
    *("radio-other-key", "radio-unsealed", "radio-replayed", "kim-imitation"),
    *("own-key", "sequence-used", "bad-signature"),
)
# Keys that are put together in the code: the test says from what, so that none is missed.
BUILT = {
    *(f"refused.{reason.value}" for reason in Reason),
    *(f"state.{state.value}" for state in State),
    *(f"sos.{state.value}" for state in (SosState.OPEN, SosState.CANCELLED)),
    *(f"radio.{state.value}" for state in set(RadioState) - SPELT_OUT),
    *(room.name_key for room in ROOMS.values()),
    *(f"{room.name_key}.about" for room in ROOMS.values()),
    *(f"http.{status}" for status in (400, 403, 404, 405, 413, 421, 500)),
    *WHY.values(),
    *(f"verdict.{code_of(verdict.name)}" for verdict in Verdict),
    *(f"form.{code_of(form.name)}" for form in Form),
    *(f"hoaxtype.{code_of(kind.name)}" for kind in HoaxType),
    *(f"topic.{code_of(topic.name)}" for topic in Topic),
    *(f"sourcekind.{code_of(kind.name)}" for kind in SourceKind),
    *(f"role.{code_of(role.name)}" for role in Role),
    *(f"claimstate.{state.value}" for state in ClaimState),
    *(f"place.{place}" for place, _ in PLACES),
    *(f"reject.{reason}" for reason in REASONS),
    *(f"status.clock-{trust.name.lower()}" for trust in TimeTrust),
    *(f"status.{light}" for light in LIGHTS),
    *(f"status.{look}" for look in ("fine", "care", "bad", "none")),
    *(f"incident.{kind}" for kind in INCIDENTS),
    *(f"desk.hint{int(form)}" for form in Form),
}


def catalogue(language: str) -> dict[str, tuple[str, ...]]:
    with (WEB / "i18n" / f"{language}.po").open("rb") as file:
        found = read_po(file, locale=language, abort_invalid=True)
    return {
        message.id if isinstance(message.id, str) else message.id[0]: (
            (message.string,) if isinstance(message.string, str) else tuple(message.string)
        )
        for message in found
        if message.id
    }


ID = catalogue("id")


def used_keys() -> set[str]:
    quoted = r"[\"']([a-z]+\.[a-zA-Z_-]+(?:\.about)?)[\"']"
    found = {key for path in SOURCES for key in re.findall(quoted, path.read_text())}
    phone = {PHONE_PREFIX + key for key in re.findall(r"\bW\.(\w+)", SCRIPT)}
    phone |= {f"desk.{key}" for key in re.findall(r"\b(?:W|page\.words)\.(\w+)", DESK_SCRIPTS)}
    files = (".html", ".js", ".css", ".po")
    found = {key for key in found if key.partition(".")[0] in FAMILIES}
    return {key for key in found if not key.endswith(files)} | phone | BUILT


OPERATOR = "doctor"  # printed by kimnode/doctor.py, for the operator
FAMILIES = {key.partition(".")[0] for key in ID} - {OPERATOR}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_key_filled(language: str):
    words = catalogue(language)
    assert set(words) == set(ID)
    assert [key for key, forms in words.items() if not all(forms)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_fill_in_the_same_values(language: str):
    for key, forms in catalogue(language).items():
        for text in forms:
            assert placeholders(text) == placeholders(ID[key][0]), key


def test_no_key_is_missing_and_none_is_left_over():
    assert used_keys() == {key for key in ID if key.partition(".")[0] != OPERATOR}


def test_the_phone_is_given_few_words_in_few_bytes():
    phone = [key for key in ID if key.startswith(PHONE_PREFIX)]
    assert len(phone) <= MAX_PHONE_STRINGS


def test_indonesian_is_plain():
    everything = {key: " ".join(forms) for key, forms in ID.items()}
    assert {key: text for key, text in everything.items() if BANNED.search(text)} == {}
    long = {
        key: sentence
        for key, text in everything.items()
        for sentence in re.split(r"[.?!·]\s*", text)
        if len(sentence.split()) > MAX_WORDS_PER_SENTENCE
    }
    assert long == {}


def test_every_refusal_says_what_to_do_next():
    for reason in Reason:
        sentences = re.split(r"[.!?]\s", ID[f"refused.{reason.value}"][0])
        assert len(sentences) >= 2, reason


class VisibleWords(HTMLParser):
    """Text and spoken attributes of a template from which all {{ }} and {% %} were cut."""

    SPOKEN = ("title", "placeholder", "aria-label", "alt")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data)

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in self.SPOKEN]


@pytest.mark.parametrize("path", sorted(WEB.glob("templates/*.html")), ids=lambda p: p.name)
def test_templates_contain_no_words_of_their_own(path: Path):
    reader = VisibleWords()
    reader.feed(re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", "", path.read_text(), flags=re.DOTALL))
    words = [w for w in re.findall(r"[^\W\d_]{2,}", " ".join(reader.found)) if w != "SOS"]
    assert words == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_the_scripts_contain_no_words_of_their_own(path: Path):
    code = re.sub(r"^\s*/\*.*?\*/$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    code = re.sub(r"^\s*//.*|\s//.*|new Error\(\"[^\"]*\"", "", code, flags=re.MULTILINE)
    strings = re.findall(r'"((?:[^"\\\n]|\\.)*)"', code)
    spoken = [s for s in strings if re.search(r"[A-Z][a-z]{2,}|[a-z]{2,} [a-z]{2,}", s)]
    technical = r"(i|text|chat|error|go|plain|check)( [a-z-]+)+|use strict|chat own waiting|Enter"
    technical += r"|Content-Type|application/.*|px sans-serif"
    assert [s for s in spoken if not re.fullmatch(technical, s)] == []
    assert "alert(" not in code
    assert "confirm(" not in code


def test_python_of_the_pages_hands_no_sentence_to_a_phone():
    """Whatever is shown goes through a Words; a capitalised sentence in quotes did not."""
    shown = re.compile(r"(?:text|body|sentences|oops|heading|button)=\(?f?\"[^\"]*[a-z] [a-z]")
    assert [path.name for path in WEB.glob("*.py") if shown.search(path.read_text())] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_innerhtml_is_never_used(path: Path):
    code = path.read_text()
    assert "innerHTML" not in code
    assert "insertAdjacentHTML" not in code
    assert "document.write" not in code


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_the_scripts_keep_to_es2017(path: Path):
    code = re.sub(r"^\s*//.*", "", path.read_text(), flags=re.MULTILINE)
    newer = (r"\?\.[a-zA-Z_(\[]", r"\?\?", r"catch \{", r"\.flat\(", r"replaceAll", r"fromEntries")
    newer += (r"allSettled", r"AbortController", r"^import ", r"\.at\(", r"\{\.\.\.", r"\*\*")
    assert [pattern for pattern in newer if re.search(pattern, code, re.MULTILINE)] == []


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1, "10 detik"), (41, "50 detik"), (51, "1 menit"), (61, "2 menit"), (3600, "1 jam")],
)
def test_durations_are_rounded_up(seconds: float, said: str):
    assert Words("id", "Asia/Makassar").duration(seconds) == said


def test_times_are_of_the_place_and_in_the_way_of_the_language():
    at = 1_800_000_840  # 2027-01-15 08:14 UTC
    assert Words("id", "Asia/Makassar").clock_time(at) == "16.14"
    assert Words("id", "Asia/Jakarta").clock_time(at) == "15.14"
    assert Words("en", "Asia/Jakarta").clock_time(at) == "15:14"
    assert Words("id", "Asia/Makassar").day(at) == "Jumat, 15 Januari"


def test_plurals_follow_the_language():
    assert Words("en", "UTC").count("time.minutes", 1) == "1 minute"
    assert Words("en", "UTC").count("time.minutes", 2) == "2 minutes"
    assert Words("id", "UTC").count("time.minutes", 2) == "2 menit"


def test_an_unknown_key_is_our_own_fault():
    with pytest.raises(KeyError):
        Words("id", "UTC")("chat.no-such-key")
