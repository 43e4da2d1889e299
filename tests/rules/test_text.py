"""Texts: refused with a reason when a phone sends them, made readable when a radio does."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimnode.errors import Reason, Refused
from kimnode.rules.text import BIDI_CONTROLS, MAX_LINES, clean_text, has_pile, readable

FAMILY = "👨\u200d👩\u200d👧\u200d👦"
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


def refusal(raw: str | bytes, max_chars: int = 300) -> Refused:
    with pytest.raises(Refused) as refused:
        clean_text(raw, max_chars)
    return refused.value


@pytest.mark.parametrize(
    "text",
    [
        "halo",
        "satu\ndua",
        "air naik 🌊, 3 orang!",
        "❤\ufe0f 1\ufe0f\u20e3 👍🏽 🇮🇩",
        FAMILY,
        "👩🏻\u200d🚒",
        "🏃🏽\u200d♂\ufe0f",
        "❤\ufe0f\u200d🔥",
        ENGLAND,
        "🏴\u200d☠\ufe0f",
        "السلام عليكم",
        "\u0645\u06cc\u200c\u062e\u0648",
        "ꦱꦶꦠꦶ",
        "ක්\u200dෂ",
        "x\u0301\u200c\u0633",
        "ᨕᨊᨗ",
        "é ñ ç",
        "\U0001fae8",  # newer than this Python's Unicode
        "<b>tebal</b> & 'kutip'",
    ],
)
def test_what_people_write_stays_as_it_is(text):
    assert clean_text(text, 300) == text
    assert readable(text.encode()) == text


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("  halo  ", "halo"),
        ("\n\nhalo\n\n", "halo"),
        ("satu  \r\ndua\rtiga\u2028empat\u2029lima\x85enam", "satu\ndua\ntiga\nempat\nlima\nenam"),
        ("satu\n\n\n \n\ndua", "satu\n\ndua"),
        ("satu\n\ndua", "satu\n\ndua"),
        ("satu\tdua\u00a0tiga\u3000empat\u2009lima", "satu dua tiga empat lima"),
        ("satu   dua", "satu   dua"),
        ("e\u0301", "é"),
        ("\ufeffhalo\u200b du\u00adnia\u2060", "halo dunia"),
        ("halo\u200e dunia\u200f\u061c", "halo dunia"),
        ("a\u200db", "ab"),
        ("\u200dhalo\u200d", "halo"),
        ("👩\u200dx", "👩x"),
        ("x\u200d👩", "x👩"),
        ("👩\u200c👩", "👩👩"),
        ("👩\u200d\u200d👩", "👩\u200d👩"),
        ("س\u200c ؟", "س ؟"),
        ("\ufe0fhalo \ufe0fx", "halo x"),
        ("❤\ufe0f\ufe0f", "❤\ufe0f"),
        ("a\U000e0041b\U000e0001", "ab"),
        ("🏴\U000e0001", "🏴"),
        ("a\U000e0100", "a"),
        ("a\U000e01efb", "ab"),
        ("e\u200b\u0301", "é"),
    ],
    ids=ascii,
)
def test_texts_are_stored_in_one_form(raw, stored):
    assert clean_text(raw, 300) == stored
    assert clean_text(raw.encode(), 300) == stored
    assert readable(raw.encode()) == stored


@pytest.mark.parametrize(
    "raw",
    ["", " ", "\n\r\n\t", "\u00a0\u3000", "\u200b\u2060", "\u3164", "\u2800", "\ufeff", b""],
    ids=ascii,
)
def test_nothing_to_say(raw):
    assert refusal(raw).reason is Reason.EMPTY


@pytest.mark.parametrize("char", [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0))], ids=ascii)
def test_control_characters(char):
    if char in "\t\n\r\x85":
        assert clean_text(f"a{char}b", 300) in {"a b", "a\nb"}
    else:
        assert refusal(f"a{char}b").detail == "control or bidi character"
        assert readable(f"a{char}b".encode()) == "ab"


@pytest.mark.parametrize("char", sorted(BIDI_CONTROLS), ids=ascii)
def test_bidi_characters(char):
    assert refusal(f"a{char}b").reason is Reason.BAD_TEXT
    assert refusal(f"a{char}b").detail == "control or bidi character"
    assert readable(f"a{char}b".encode()) == "ab"


def test_all_nine_bidi_controls_are_known():
    assert {c for c in map(chr, range(0x2000, 0x2070)) if unicodedata.bidirectional(c) in BIDI} == (
        set(BIDI_CONTROLS)
    )


BIDI = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}


@pytest.mark.parametrize(
    "char", ["\ufdd0", "\ufdef", "\ufffe", "\uffff", "\U0001fffe", "\U0010ffff", "\ufff9", "\ufffb"]
)
def test_code_points_that_are_no_characters(char):
    assert refusal(f"a{char}b").reason is Reason.BAD_TEXT
    assert readable(f"a{char}b".encode()) == "ab"


@pytest.mark.parametrize("char", ["\ufdcf", "\ufdf0", "\ufffc", "\ufffd", "\uf8ff", "\U00010000"])
def test_their_neighbours_are_allowed(char):
    assert clean_text(f"a{char}b", 300) == unicodedata.normalize("NFC", f"a{char}b")


@pytest.mark.parametrize(
    "raw",
    [b"\xff", b"a\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80", "a\ud800b", "\udfff"],
)
def test_not_utf8(raw):
    refused = refusal(raw)
    assert refused.reason is Reason.BAD_TEXT
    assert refused.detail == "not UTF-8"


def test_a_few_invisible_characters_are_removed_and_a_pile_is_refused():
    assert clean_text("halo" + "\u200b" * 8, 300) == "halo"
    refused = refusal("halo" + "\u200b" * 9)
    assert refused.reason is Reason.BAD_TEXT
    assert refused.detail == "invisible characters"
    assert readable(("halo" + "\u200b" * 9).encode()) == "halo"


def test_what_comes_together_when_something_is_taken_out_is_looked_at_again():
    assert clean_text("a\u200c\u0301\u200c\u0633", 300) == "á\u0633"


def test_a_pile_of_marks_is_refused_and_cut_down_in_what_radios_send():
    four, five = "x" + "\u0323" * 4, "x" + "\u0323" * 5
    assert clean_text(four, 300) == four
    assert refusal(five).detail == "combining marks"
    assert readable(f"{five}y".encode()) == four + "y"
    assert has_pile(five)
    assert not has_pile(four + four)


def test_length_is_counted_in_characters_after_tidying():
    assert clean_text("  " + "é" * 300 + "  ", 300) == "é" * 300
    assert clean_text("e\u0301" * 300, 300) == "é" * 300
    refused = refusal("x" * 301)
    assert refused.reason is Reason.TOO_LONG
    assert refused.detail == "301 characters, 300 are allowed"


def test_what_is_far_too_long_is_not_looked_at():
    assert refusal("\x00" * 2400).reason is Reason.BAD_TEXT
    refused = refusal("\x00" * 2401)
    assert refused.reason is Reason.TOO_LONG
    assert refused.detail == "2401 characters, 300 are allowed"
    assert refusal(b"\xff" * 10_000).reason is Reason.TOO_LONG


def test_lines_are_bounded():
    assert clean_text("\n".join("x" * MAX_LINES), 300).count("\n") == 11
    refused = refusal("\n".join("x" * 13))
    assert refused.reason is Reason.TOO_LONG
    assert refused.detail == "13 lines, 12 are allowed"


def test_what_radios_send_is_always_readable():
    assert readable(b"\xff\xfeair\x00 naik\xe2\x80\xae") == "\ufffd\ufffdair naik"
    assert readable(b"") == ""
    assert readable(b"\0\1\2") == ""
    assert readable(b"x" * 10_000) == "x" * 512
    assert readable("é".encode() * 400) == "é" * 256
    assert readable("\n".join("x" * 40).encode()) == "\n".join("x" * 40)


@given(st.one_of(st.text(), st.binary(), st.text(st.characters())))
def test_an_accepted_text_is_stable_and_safe(raw):
    try:
        text = clean_text(raw, 100)
    except Refused:
        return
    assert clean_text(text, 100) == text
    assert clean_text(text.encode(), 100) == text
    assert 1 <= len(text) <= 100
    assert text == text.strip() == unicodedata.normalize("NFC", text)
    assert not set(text) & BIDI_CONTROLS
    assert all(c == "\n" or unicodedata.category(c) not in {"Cc", "Cs"} for c in text)


joiners = st.text(
    st.sampled_from("👩❤a \n🏴\u200d\u200c\ufe0f\U000e0067\U000e007f🏽س\u064b\u0301\u200b")
)


@given(joiners)
def test_stable_where_characters_join(raw):
    once = readable(raw.encode())
    assert readable(once.encode()) == once


@given(st.one_of(st.binary(max_size=1000), st.text(max_size=500).map(str.encode)))
def test_readable_never_raises_and_what_it_makes_is_allowed(raw):
    text = readable(raw)
    assert len(text) <= 512
    text.encode()
    assert not set(text) & BIDI_CONTROLS
    assert all(c == "\n" or unicodedata.category(c) != "Cc" for c in text)
