"""What a person sees as one character stays whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimnode.wire.graphemes import MAX_CLUSTER_BYTES, clusters, is_emoji, is_regional, is_tag

WHOLE = {
    "letter": "a",
    "letter with an accent apart": "e\u0301",
    "letter with three marks": "a\u0301\u0323\u0308",
    "CR LF": "\r\n",
    "family": "👨\u200d👩\u200d👧\u200d👦",
    "skin tone": "👍🏽",
    "lightest": "👍🏻",
    "darkest": "👍🏿",
    "couple with skin tones, 35 bytes": "👩🏻\u200d❤\ufe0f\u200d💋\u200d👩🏽",
    "heart in emoji style": "❤\ufe0f",
    "keycap": "1\ufe0f\u20e3",
    "flag of Indonesia": "🇮🇩",
    "flag of England": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "Hangul syllable from its parts": "\u1112\u1161\u11ab",
    "Hangul, first and last of the range": "\u1112\u1160\u11ff",
    "Javanese consonant with a vowel sign": "\ua98f\ua9b6",
    "letter with a non-joiner": "\u0645\u200c",
}


@pytest.mark.parametrize("cluster", WHOLE.values(), ids=WHOLE.keys())
def test_is_one_character(cluster):
    assert list(clusters(cluster)) == [cluster]
    assert list(clusters(f"x{cluster}x")) == ["x", cluster, "x"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("ab", ["a", "b"]),
        ("\n\u0301", ["\n", "\u0301"]),  # a mark does not belong to a line end
        ("\r\u0301", ["\r", "\u0301"]),
        ("\r\n\n", ["\r\n", "\n"]),
        ("\u1112\u115f", ["\u1112", "\u115f"]),  # before the vowels
        ("\u1112\u1200", ["\u1112", "\u1200"]),  # after the finals
        ("🇮🇩🇲🇾", ["🇮🇩", "🇲🇾"]),
        ("🇮🇩🇲", ["🇮🇩", "🇲"]),
        ("a🇮🇩", ["a", "🇮🇩"]),
        ("🇮a", ["🇮", "a"]),
        ("🇮\u0301🇩", ["🇮\u0301", "🇩"]),
        ("👍👍", ["👍", "👍"]),
    ],
)
def test_cuts(text, expected):
    assert list(clusters(text)) == expected


def test_a_pile_of_marks_is_cut_at_the_bound():
    pieces = list(clusters("a" + "\u0301" * 100))
    assert [len(p.encode()) for p in pieces] == [63, 64, 64, 10]
    assert MAX_CLUSTER_BYTES == 64
    exact = "a" + "\u0301" * 30 + "\u20e3"
    assert len(exact.encode()) == 64
    assert list(clusters(exact)) == [exact]


@given(st.text(st.characters()))
def test_nothing_is_lost_and_nothing_is_longer_than_the_bound(text):
    pieces = list(clusters(text))
    assert "".join(pieces) == text
    assert all(0 < len(p.encode("utf-8", "surrogatepass")) <= MAX_CLUSTER_BYTES for p in pieces)


@pytest.mark.parametrize(
    ("rule", "inside", "outside"),
    [
        (is_regional, "\U0001f1e6\U0001f1ff", "\U0001f1e5\U0001f200"),
        (is_tag, "\U000e0020\U000e007f", "\U000e001f\U000e0080"),
        (is_emoji, "\u2190\u2bff\U0001f000\U0001faff", "\u218f\u2c00\U0001efff\U0001fb00"),
    ],
)
def test_ranges_include_their_ends_and_no_more(rule, inside, outside):
    assert all(map(rule, inside))
    assert not any(map(rule, outside))
