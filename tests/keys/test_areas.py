"""Kemendagri codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimnode.errors import ConfigError
from kimnode.keys.areas import area_text, parse_area


@pytest.mark.parametrize(
    ("text", "area"),
    [
        ("76", 7600000000),
        ("76.02", 7602000000),
        ("76.02.06", 7602060000),
        ("76.02.06.2003", 7602062003),
        (" 7602062003 ", 7602062003),
        ("7602", 7602000000),
        ("11.01.01.2001", 1101012001),
    ],
)
def test_codes(text, area):
    assert parse_area(text) == area
    assert parse_area(area_text(area)) == area


@pytest.mark.parametrize(
    "text",
    ["", "7", "00", "00.01", "76.2", "76.02.6.2003", "76.02.06.203", "76-02", "76.02.06.20033"],
)
def test_no_codes(text):
    with pytest.raises(ConfigError, match="is no area code"):
        parse_area(text)


@given(st.integers(10**9, 10**10 - 1))
def test_every_area_can_be_written(area):
    assert parse_area(area_text(area)) == area
