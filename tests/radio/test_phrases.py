"""What the node says on the air fits one packet, in every language, with the longest names."""

import string

import pytest

from kimnode.config import LANGUAGES
from kimnode.radio.phrases import AUTOMATIC, PHRASES, phrase
from kimnode.wire.airtext import MAX_TEXT_BYTES, Say, parse_command

LONGEST = "Pak Haji Muhammad Ramadhan dari dusun Tappalang"


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_language_has_every_phrase_with_the_same_names():
    assert set(PHRASES) == set(LANGUAGES)
    for phrases in PHRASES.values():
        assert phrases.keys() == PHRASES["id"].keys()
        for key, text in phrases.items():
            assert names_in(text) == names_in(PHRASES["id"][key])


@pytest.mark.parametrize("language", PHRASES)
@pytest.mark.parametrize("key", PHRASES["id"])
@pytest.mark.parametrize("name", [LONGEST, "🙂" * 20])
def test_a_phrase_with_long_names_is_one_packet_and_no_alarm(language, key, name):
    text = phrase(language, key, **dict.fromkeys(names_in(PHRASES[language][key]), name))
    assert len(text.encode()) <= MAX_TEXT_BYTES
    assert text.startswith(AUTOMATIC)
    assert isinstance(parse_command(text), Say), "another gateway would take it for an SOS"
