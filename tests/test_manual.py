"""The manual shows the tables of the code, not a memory of them."""

from pathlib import Path

import pytest

from kimnode.rules import bulletins, claims, commands
from kimnode.rules.commands import Verb

MANUAL = (Path(__file__).parent.parent / "deploy" / "README.md").read_text()


@pytest.mark.parametrize("table", [bulletins.printable(), claims.printable()])
def test_life_cycles_are_those_of_the_code(table: str):
    assert f"```\n{table.strip()}\n```" in MANUAL


@pytest.mark.parametrize("verb", Verb)
def test_every_word_of_the_radio_is_explained(verb: Verb):
    assert f"`{verb}" in MANUAL


def test_the_words_are_those_that_a_radio_understands():
    assert {word.verb for word in commands.WORDS} == set(Verb)
