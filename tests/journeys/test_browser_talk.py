"""Two phones and a radio talk while the node is stopped and started under them.

Nothing is lost, nothing is shown twice, everybody sees the same order.
"""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page

from kimnode.record import Kind, Reception, Via
from kimnode.rules.delivery import State
from kimnode.store import log
from kimnode.wire import records
from tests.web.conftest import deliver
from tests.web.phones import Node, chromium, handset, running, settled, texts, write

pytestmark = pytest.mark.browser

ROUNDS = 6


async def heard(node: Node, number: int) -> None:
    """A text from the air, through the front door."""
    record = records.heard(Kind.CHAT, 0x1F, 1000 + number, "Umum", "umum", f"radio {number}")
    reception = Reception(0x1F, 1000 + number, 1, 4.0, -90, direct=False)
    await node.village.intake.accept(record, Via.RADIO, reception)


async def kept(node: Node) -> list[str]:
    entries = await node.village.db.read(lambda c: log.since(c, 0, 1000))
    return [entry.record.body.text for entry in entries if entry.record.body]


async def agree(node: Node, *pages: Page) -> None:
    """Every page shows what the node keeps: all of it, once, in that order."""
    everything = await kept(node)
    assert len(set(everything)) == len(everything)
    for page in pages:
        await page.wait_for_function(
            "(wanted) => document.querySelectorAll('#list .text').length >= wanted",
            arg=len(everything),
        )
        assert await texts(page) == everything


async def test_two_phones_a_radio_and_a_node_that_comes_and_goes(tmp_path: Path):
    async with (
        chromium() as browser,
        running(tmp_path) as node,
        handset(browser) as (one, _),
        handset(browser) as (two, _),
    ):
        ani, budi = await one.new_page(), await two.new_page()
        for page, nick in ((ani, "Ani"), (budi, "Budi")):
            await page.goto(f"{node.url}/r/umum")
            await write(page, f"{nick} di sini", nick)
            await settled(page)
        for number in range(ROUNDS):
            await heard(node, number)
            await write(ani, f"ani {number} sebelum")
            async with asyncio.TaskGroup() as tasks:  # the stop falls somewhere into the writing
                tasks.create_task(write(budi, f"budi {number} saat"))
                tasks.create_task(node.stop())
            await write(ani, f"ani {number} sesudah")
            await write(budi, f"budi {number} sesudah")
            assert await ani.locator(".state.phone").count() > 0
            await node.start()
            if number % 2:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(ani.reload())
                    tasks.create_task(heard(node, 100 + number))
            await settled(ani)
            await settled(budi)
        await budi.reload()  # more than a page of messages: the rest is behind "older"
        assert (await texts(budi)) == (await kept(node))[-30:]
        mine = [text for text in await kept(node) if text.startswith("ani ")]
        assert mine == [f"ani {n} {when}" for n in range(ROUNDS) for when in ("sebelum", "sesudah")]
        assert len(await kept(node)) == 2 + ROUNDS * 5 + ROUNDS // 2


async def test_every_page_agrees_and_states_are_true(tmp_path: Path):
    async with (
        chromium() as browser,
        running(tmp_path) as node,
        handset(browser) as (one, _),
        handset(browser) as (two, _),
    ):
        ani, budi = await one.new_page(), await two.new_page()
        for page in (ani, budi):
            await page.goto(f"{node.url}/r/umum")
        await write(ani, "Ani mulai", "Ani")
        await settled(ani)
        await heard(node, 1)
        await agree(node, ani, budi)
        await deliver(node.village, 1, State.QUEUED)
        await ani.wait_for_selector(".own .state.queued")
        await node.stop()
        await ani.wait_for_selector("#offline:not([hidden])")
        assert "aman di HP" in await ani.inner_text("#offline")
        await node.start()
        await deliver(node.village, 1, State.RELAYED)  # while nobody was listening
        await ani.wait_for_selector(".own .state.relayed")
        await ani.wait_for_selector("#offline", state="hidden")
        await write(budi, "Budi menjawab", "Budi")
        await settled(budi)
        await heard(node, 2)
        await agree(node, ani, budi)
        assert await budi.locator(".own .state").inner_text() == "di pos"
