"""Every answer fits one packet whatever is put into it, and no post takes one for an SOS."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimnode.errors import Reason
from kimnode.radio.phrases import AUTOMATIC
from kimnode.radio.replies import NO_PREFIX, REPLIES, refusal, reply
from kimnode.rules.announcements import poses_as_kim
from kimnode.rules.commands import WORDS, help_words
from kimnode.wire.airtext import MAX_TEXT_BYTES, Say, parse_command

LONGEST_WORDS = max((word.usage for word in WORDS), key=len)
SAMPLES = {
    "words": LONGEST_WORDS, "code": "D-4KX2", "number": 65535, "count": 100_000, "radios": 4,
    "waiting": 100_000, "drafts": 60, "airtime": 100, "letter": "D", "clock": "TIDAK PASTI",
    "age": "10000 hari", "verdict": "KOREKSI B-65535: TIDAK TERBUKTI",
}  # fmt: skip


def names_in(key: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(REPLIES[key]) if name}


def filled(key: str, text: str) -> str:
    names = {name: SAMPLES.get(name, text) for name in names_in(key)}
    if key == "help-volunteer":
        names["words"] = help_words(volunteer=True)
    return reply(key, **names)


@pytest.mark.parametrize("key", REPLIES)
@given(text=st.text(max_size=300))
def test_it_fits_and_is_no_alarm(key, text):
    said = filled(key, text)
    assert len(said.encode(errors="replace")) <= MAX_TEXT_BYTES
    assert said.startswith(AUTOMATIC) or key in NO_PREFIX
    assert isinstance(parse_command(said), Say)
    assert not poses_as_kim(said)


@pytest.mark.parametrize("key", REPLIES)
def test_the_longest_leaves_room_for_what_matters(key):
    if "text" in names_in(key):
        room = MAX_TEXT_BYTES - len(filled(key, "").encode())
        assert room >= 60, key


@pytest.mark.parametrize("reason", Reason)
def test_every_refusal_says_something_and_fits(reason):
    said = refusal(reason)
    assert len(said.encode()) <= MAX_TEXT_BYTES
    assert not said.endswith("\N{HORIZONTAL ELLIPSIS}")
