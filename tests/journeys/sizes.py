"""The same story twice: short in every test run, long in `make campaign` (CAMPAIGN=1)."""

import os

import pytest

IN_CAMPAIGN = os.environ.get("CAMPAIGN") == "1"
SHORT_LIMIT_S, LONG_LIMIT_S = 180, 3600


def short_and_long(short: object, *longer: object) -> list[object]:
    """Values for pytest.mark.parametrize."""
    marks = [
        pytest.mark.campaign,
        pytest.mark.timeout(LONG_LIMIT_S),
        pytest.mark.skipif(not IN_CAMPAIGN, reason="a long run: make campaign"),
    ]
    long = [pytest.param(size, id=f"long{n}", marks=marks) for n, size in enumerate(longer, 1)]
    return [pytest.param(short, id="short", marks=pytest.mark.timeout(SHORT_LIMIT_S)), *long]
