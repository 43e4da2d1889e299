"""A rumour in one village becomes a bulletin that the next village believes, read in browsers.

Two posts, each with its own database; what one has signed is carried to the other as on a stick.
"""

from pathlib import Path

import pytest
from playwright.async_api import Page

from kimnode.record import Kind, Via
from kimnode.rules.publishing import Draft
from kimnode.store import log
from kimnode.wire import sealed
from kimnode.wire.codes import Form, HoaxType, Topic, Verdict
from tests.rules import trust_samples as chain
from tests.web import trusted
from tests.web.browser.test_staff import CODE, TEXT, certify, enrol, opened, write_draft
from tests.web.phones import Node, chromium, handset, running

pytestmark = pytest.mark.browser
CARRIED = (Kind.CERT, Kind.BULLETIN, Kind.APPROVAL, Kind.DOSSIER)


async def carry(source: Node, target: Node) -> None:
    """Everything signed, in the order of a stick: certificates first."""
    for kind in CARRIED:
        for entry in await source.village.db.read(lambda c, k=kind: log.of_kinds(c, k)):
            document = sealed.decode(entry.record.document)
            await trusted.enter(target.village, [document], Via.USB)


async def badge(page: Page, node: Node, text: str) -> str:
    await page.goto(f"{node.url}/buletin")
    return await page.locator(".bulletin", has_text=text).locator(".badge b").inner_text()


async def test_two_volunteers_and_a_post_that_restarts(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with (
        chromium() as browser,
        running(tmp_path / "a") as here,
        running(tmp_path / "b", chain.SALUTIWO) as there,
        handset(browser) as (villager, _),
        handset(browser) as (one, _),
        handset(browser) as (two, _),
    ):
        for node in (here, there):
            await trusted.trust(node.village)
        for person in (chain.V1, chain.V3):
            await trusted.invite(here.village, CODE.format(person.name), person)
        reader = await villager.new_page()
        await reader.goto(f"{here.url}/cek")
        await reader.fill("#text", "Katanya malam ini ada tsunami besar, semua naik gunung")
        await reader.click("[type=submit]")
        assert "Nomor Anda K-1" in await reader.inner_text("main")

        author, approver = await enrol(one, here, chain.V1), await enrol(two, here, chain.V3)
        for person in (chain.V1, chain.V3):
            await certify(here, person)
        await opened(author, here)
        await write_draft(author)
        await opened(approver, here)
        await here.stop()  # the power goes while the second person reads
        await here.start()
        await approver.click("#waiting .approve")
        await approver.wait_for_selector("#said.good")

        await reader.goto(f"{here.url}/klaim/1")
        assert "TERVERIFIKASI" in await reader.inner_text(".badge b")
        assert TEXT in await reader.inner_text("main")
        await carry(here, there)
        assert await badge(reader, there, TEXT) == "TERVERIFIKASI"
        assert "sumber utama" in await reader.inner_text("main")


async def test_by_radio_at_one_post_it_counts_elsewhere_as_that_posts_word(tmp_path: Path):
    """Until a key that is independent of that post has approved it, too."""
    text = "Jembatan gantung sudah aman dilewati motor."
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with (
        chromium() as browser,
        running(tmp_path / "a") as here,
        running(tmp_path / "b", chain.SALUTIWO) as there,
        handset(browser) as (villager, _),
    ):
        for node in (here, there):
            await trusted.trust(node.village)
        draft = Draft(
            Form.CHECK, text, chain.DESA, Topic.OTHER, Verdict.FACT, HoaxType.NONE,
            dossier=chain.DOSSIER,
        )  # fmt: skip
        attestor = here.village.attestor
        made = await attestor.bulletin(draft, chain.V1.radio)
        await attestor.vote(Kind.APPROVAL, made.document.id, chain.V3.radio)
        page = await villager.new_page()
        assert await badge(page, here, text) == "TERVERIFIKASI"
        await carry(here, there)
        assert await badge(page, there, text) == "DISAHKAN LEWAT POS Karataun"
        assert "Lewat radio, disahkan pos Karataun" in await page.inner_text("main")
        await trusted.enter(there.village, [chain.approval(made.document, chain.V4)])
        assert await badge(page, there, text) == "TERVERIFIKASI"
