"""A real browser, and a node that it can reach: shared by the tests of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext

from tests.web.phones import Node, chromium, handset, running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running(tmp_path) as started:
        yield started


@pytest.fixture
async def phone(browser: Browser) -> AsyncIterator[BrowserContext]:
    async with handset(browser) as (context, _):
        yield context
