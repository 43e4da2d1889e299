"""From an invitation to a verified bulletin: two people, two phones, keys made in browsers."""

import pytest
from playwright.async_api import Browser, BrowserContext

from kimnode.record import Kind, Via
from kimnode.rules.sources import with_sources
from kimnode.store import board, bulletins, claims
from kimnode.wire.codes import Mode
from kimnode.wire.documents import Bulletin, Vote, is_signed_by
from tests.rules import trust_samples as chain
from tests.web import trusted
from tests.web.browser.desks import (
    CODE,
    TEXT,
    certify,
    documents,
    enrol,
    opened,
    unlock,
    write_draft,
)
from tests.web.browser.test_look import CHECK
from tests.web.phones import Node, handset

pytestmark = pytest.mark.browser


async def test_from_a_rumour_to_a_verified_bulletin(
    phone: BrowserContext, second: BrowserContext, desk: Node
):
    author, approver = await enrol(phone, desk, chain.V1), await enrol(second, desk, chain.V3)
    keys = [await certify(desk, person) for person in (chain.V1, chain.V3)]
    await opened(author, desk)
    await write_draft(author)
    await author.goto(f"{desk.url}/buletin")
    assert TEXT not in await author.content()

    await opened(approver, desk)
    draft = approver.locator("#waiting li")
    assert TEXT in await draft.inner_text()
    for part in ("BMKG Mamuju", "TurnBackHoax", "Lembaga", "7602062003", "30 hari", "Sidik:"):
        assert part in await draft.inner_text(), part
    await draft.locator(".approve").click()
    await approver.wait_for_selector("#said.good")

    await author.goto(f"{desk.url}/buletin")
    card = author.locator(".bulletin", has_text=TEXT)
    assert "HOAKS" in await card.inner_text()
    assert await card.locator(".badge.b-verified b").inner_text() == "TERVERIFIKASI"
    assert "Relawan Ani" in await card.inner_text()
    assert "Verifikator Citra" in await card.inner_text()
    (bulletin,) = await documents(desk, Kind.BULLETIN)
    (vote,) = await documents(desk, Kind.APPROVAL)
    assert isinstance(bulletin, Bulletin)
    assert isinstance(vote, Vote)
    assert (bulletin.stamp.mode, bulletin.stamp.signer) == (Mode.DIRECT, keys[0])
    assert (vote.subject, vote.stamp.signer) == (bulletin.id, keys[1])
    assert is_signed_by(bulletin, keys[0])
    assert bulletin.text == with_sources(TEXT, (await documents(desk, Kind.DOSSIER))[0].sources)
    assert is_signed_by(vote, keys[1])
    claim = await desk.village.db.read(lambda c: claims.get(c, 1))
    assert claim is not None
    assert claim.state == "answered"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_open_desk_is_readable(browser: Browser, desk: Node, scheme: str):
    """Draft, form, keys and messages at the narrowest width."""
    draft = trusted.made(9, text=TEXT)
    await trusted.enter(desk.village, [chain.DOSSIER, draft], Via.WEB)
    size = {"width": 320, "height": 640}
    async with handset(browser, viewport=size, color_scheme=scheme) as (phone, _):
        page = await enrol(phone, desk, chain.V3)
        assert await page.evaluate(CHECK) == []
        await certify(desk, chain.V3)
        await unlock(page, desk, "111222")
        await page.wait_for_selector("#said:not([hidden])")
        assert await page.evaluate(CHECK) == []
        await opened(page, desk)
        await page.click("#lost summary")
        await page.click("#queue [data-begin='1']")
        await page.click(".pick:has-text('HOAKS')")
        await page.click("#draft [type=submit]")
        await page.wait_for_selector("#said:not([hidden])")
        assert await page.evaluate(CHECK) == []


async def test_the_author_is_not_offered_to_approve(phone: BrowserContext, desk: Node):
    """And one who asks all the same is refused: another test of another floor has the matrix."""
    page = await enrol(phone, desk, chain.V3)
    await certify(desk, chain.V3)
    await opened(page, desk)
    await write_draft(page)
    await page.wait_for_selector("#waiting li")
    assert await page.locator("#waiting .approve").count() == 0
    await page.locator("#waiting button").click()
    await page.wait_for_selector("#waiting .none")
    assert await desk.village.db.read(lambda c: len(bulletins.in_states(c, ["rejected"], 9))) == 1


async def test_who_refuses_says_why_and_the_author_improves_it(
    phone: BrowserContext, second: BrowserContext, desk: Node
):
    author, approver = await enrol(phone, desk, chain.V1), await enrol(second, desk, chain.V3)
    for person in (chain.V1, chain.V3):
        await certify(desk, person)
    await opened(author, desk)
    await write_draft(author)
    await opened(approver, desk)
    await approver.click("#waiting .reject")
    await approver.wait_for_selector("#said.failed:not([hidden])")
    assert "Pilih alasan" in await approver.inner_text("#said")
    await approver.select_option("#waiting .why", index=1)
    await approver.click("#waiting .reject")
    await approver.wait_for_selector("#said.good")
    await opened(author, desk)
    assert "Alasan: Sumber kurang kuat" in await author.inner_text("#refused")
    await author.click("#refused .improve")
    assert await author.input_value("#bultext") == TEXT
    assert await author.locator("#sources .title").first.input_value() == "BMKG Mamuju"
    await author.fill("#bultext", f"{TEXT} Tetap tenang.")
    await author.click("#draft [type=submit]")
    await author.wait_for_selector("#said.good")
    assert "Tetap tenang" in await author.inner_text("#waiting")


async def test_correction_and_withdrawal_start_from_what_is_published(
    phone: BrowserContext, second: BrowserContext, desk: Node
):
    author, approver = await enrol(phone, desk, chain.V1), await enrol(second, desk, chain.V3)
    for person in (chain.V1, chain.V3):
        await certify(desk, person)
    old = trusted.made(5)
    await trusted.publish(desk.village, old)
    await opened(author, desk)
    await author.click("#published [data-begin='4']")
    await author.fill("#bultext", "Dicabut karena salah tanggal dan tempat.")
    await author.click("#draft [type=submit]")
    await author.wait_for_selector("#said.good")
    await opened(approver, desk)
    await approver.click("#waiting .approve")
    await approver.wait_for_selector("#said.good")
    await author.goto(f"{desk.url}/buletin/{old.id.hex()[:16]}")
    assert await author.locator(".struck del").inner_text() == old.text
    first = await author.locator(".bulletin > *").first.inner_text()
    assert "DICABUT" in first
    assert "salah tanggal" in first
    shown = await desk.village.db.read(
        lambda c: board.board(c, desk.village.intake.cache, desk.village.estimate)
    )
    assert [one.bulletin.about for one in shown] == [trusted.about(old)]


async def test_a_lost_radio_is_frozen_by_two(
    phone: BrowserContext, second: BrowserContext, desk: Node
):
    await trusted.invite(desk.village, CODE.format("Dewi"), chain.V4)
    budi = "#keys li:has-text('radio'):has-text('Budi')"
    for context, person in ((phone, chain.V3), (second, chain.V4)):
        page = await enrol(context, desk, person)
        await certify(desk, person)
        await opened(page, desk)
        await page.click("#lost summary")
        lost = page.locator(budi)
        await lost.locator("button").click()
        await page.wait_for_selector("#said:not([hidden])")
        assert "Centang" in await page.inner_text("#said")
        await lost.locator("input").check()
        await lost.locator("button").click()
        await page.wait_for_selector("#said.good")
    assert (
        "Dibekukan"
        in await page.locator("#keys li:has-text('radio'):has-text('Budi')").inner_text()
    )
    frozen = (await desk.village.db.read(desk.village.intake.cache.load)).suspensions
    assert [one.key for one in frozen] == [chain.V2.radio]


async def test_who_is_frozen_is_told_so(phone: BrowserContext, desk: Node):
    """Not that a certificate is missing: then they would wait for the district in vain."""
    page = await enrol(phone, desk, chain.V1)
    await opened(page, desk)
    assert "belum punya sertifikat" in await page.inner_text("#self")
    key = await certify(desk, chain.V1)
    papers = [chain.of_own_key(one) for one in (chain.V4, chain.KETUA)]
    votes = [chain.suspend(key, one) for one in (chain.V4, chain.KETUA)]
    await trusted.enter(desk.village, [*papers, *votes])
    await opened(page, desk)
    assert "sedang dibekukan" in await page.inner_text("#self")
