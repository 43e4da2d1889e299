"""A real browser, and a node that it can reach: shared by the tests of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext

from tests.rules import trust_samples as chain
from tests.web import trusted
from tests.web.browser.desks import CODE
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


@pytest.fixture
async def desk(node: Node) -> Node:
    await trusted.trust(node.village)
    await trusted.furnish_claims(node.village)
    for person in (chain.V1, chain.V3):
        await trusted.invite(node.village, CODE.format(person.name), person)
    return node


@pytest.fixture
async def second(browser: Browser) -> AsyncIterator[BrowserContext]:
    async with handset(browser) as (context, _):
        yield context
