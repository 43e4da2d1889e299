"""Fixtures that several floors share: a clock, a database, skipping what a machine lacks."""

import logging
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kimnode.clock import Clock
from kimnode.store.db import Database, open_database

ON_CI = os.environ.get("CI") == "true"


def need(program: str) -> str:
    """Path of a program that a test needs: skipped with the reason here, a failure in CI."""
    found = shutil.which(program)
    if found is None:
        reason = f"this machine has no {program}: install it to run this test"
        pytest.fail(reason) if ON_CI else pytest.skip(reason)
    return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(tmp_path / "village.db", now=1_800_000_000) as database:
        yield database


@pytest.fixture(autouse=True)
def _log_calls_are_well_formed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log call with wrong arguments prints to stderr in production; here it fails the test."""

    def refuse(_handler: logging.Handler, record: logging.LogRecord) -> None:
        raise AssertionError(f"badly formatted log call: {record.msg!r} {record.args!r}")

    monkeypatch.setattr(logging.Handler, "handleError", refuse)
