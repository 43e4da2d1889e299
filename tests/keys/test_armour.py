"""The text form: what is written comes back, however it was copied, and a wrong letter is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimnode.errors import WireError
from kimnode.keys import armour
from kimnode.keys.armour import Label

BLOCKS = st.lists(
    st.tuples(st.sampled_from(Label), st.binary(max_size=300)), min_size=1, max_size=4
)


@given(BLOCKS)
def test_round_trip_in_one_file(blocks):
    text = "".join(armour.paragraph(armour.encode(*block)) for block in blocks)
    assert armour.decode(text) == blocks
    assert armour.decode("# a note with KIMNODE1: in it\n" + text.lower()) == blocks
    assert armour.decode(text.replace("\n", " \r\n\t")) == blocks


@given(st.binary(max_size=200), st.data())
def test_a_wrong_letter_is_found(data, draw):
    text = armour.encode(Label.DOCUMENT, data)
    at = draw.draw(st.integers(len("KIMNODE1:"), len(text) - 2))  # the last may have unused bits
    letter = draw.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
    if letter != text[at]:
        with pytest.raises(WireError):
            armour.decode(text[:at] + letter + text[at + 1 :])


@given(st.text(max_size=200))
def test_any_text_is_understood_or_refused(text):
    try:
        armour.decode(text)
    except WireError:
        return


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "does not begin with"),
        ("hello", "does not begin with"),
        ("KIMNODE1:", "a letter is wrong or missing"),
        ("KIMNODE1:AB1", "signs other than"),
        ("KIMNODE1:AAAAAAAAAA", "a letter is wrong or missing"),
    ],
)
def test_what_is_wrong_is_said(text, why):
    with pytest.raises(WireError, match=why):
        armour.decode(text)


def test_lines_fit_paper_and_letters_fit_a_qr():
    text = armour.encode(Label.DOCUMENT, bytes(range(256)))
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:")
    assert max(map(len, armour.paragraph(text).splitlines())) == armour.LINE_CHARS
