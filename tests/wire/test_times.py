"""Minutes and days on the air: exact at their edges, WireError beyond."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimnode.errors import WireError
from kimnode.wire.times import (
    DAYS_END,
    EPOCH_2025,
    MINUTES_END,
    day_of,
    minutes_of,
    unix_of_day,
    unix_of_minutes,
)


def test_known_times():
    assert (minutes_of(EPOCH_2025), day_of(EPOCH_2025)) == (0, 0)
    assert minutes_of(1_795_314_188) == 993_743  # 2026-11-22 02:23:08 UTC
    assert unix_of_minutes(993_743) == 1_795_314_180
    assert day_of(1_795_314_188) == 690
    assert unix_of_minutes(MINUTES_END - 1) == 2_742_322_500  # 2056-11-24 20:15 UTC


@given(st.integers(0, MINUTES_END - 1), st.floats(0, 59.5))
def test_a_minute_comes_back(minute, second):
    assert minutes_of(unix_of_minutes(minute) + second) == minute


@given(st.integers(0, DAYS_END - 1), st.floats(0, 86_399.5))
def test_a_day_comes_back(day, second):
    assert day_of(unix_of_day(day) + second) == day


@pytest.mark.parametrize("unix_s", [0, EPOCH_2025 - 0.5, -math.inf, math.inf, math.nan, 1e12])
@pytest.mark.parametrize("convert", [minutes_of, day_of])
def test_what_does_not_fit_is_a_wire_error(convert, unix_s):
    with pytest.raises(WireError):
        convert(unix_s)


def test_numbers_that_do_not_fit_are_wire_errors():
    for convert, value in [
        (unix_of_minutes, -1), (unix_of_minutes, MINUTES_END),
        (unix_of_day, -1), (unix_of_day, DAYS_END),
    ]:  # fmt: skip
        with pytest.raises(WireError):
            convert(value)
