"""A volunteer's phone in front of the desk: enrolled, unlocked, writing."""

from playwright.async_api import BrowserContext, Page

from kimnode.record import Kind
from kimnode.store import log
from kimnode.store.enrolment import enrolled
from kimnode.wire import sealed
from tests.rules import trust_samples as chain
from tests.web import trusted
from tests.web.phones import Node

PIN = "284951"
CODE = "undangan-{}-abcdefgh"
TEXT = "Tidak ada tsunami malam ini. BMKG tidak mengeluarkan peringatan."


async def enrol(phone: BrowserContext, node: Node, person: chain.Person) -> Page:
    """With the invitation's link and a PIN; then the district certifies the key that came."""
    page = await phone.new_page()
    await page.goto(f"{node.url}/staf/daftar#{CODE.format(person.name)}")
    for field in ("#pin", "#pin2"):
        await page.fill(field, PIN)
    await page.click("#signup button")
    await page.wait_for_selector("#made:not([hidden])")
    assert await page.inner_text("#name") == person.name
    return page


async def certify(node: Node, person: chain.Person) -> bytes:
    """What the district does with the key: a certificate for it, brought by USB."""
    known = await node.village.db.read(enrolled)
    key = next(one.public_key for one in known if one.invitation.name == person.name)
    certificate = chain.of_own_key(person, key=key)
    await trusted.enter(node.village, [certificate])
    return key


async def unlock(page: Page, node: Node, pin: str = PIN) -> None:
    await page.goto(f"{node.url}/staf")
    await page.fill("#pin", pin)
    await page.click("#unlock button")


async def opened(page: Page, node: Node) -> None:
    await unlock(page, node)
    await page.wait_for_selector("#opened:not([hidden])")


async def write_draft(page: Page) -> None:
    """From the report: one tap for the draft, one for the label, one to sign."""
    await page.click("#queue li:has-text('tsunami') [data-begin='1']")
    await page.click(".pick:has-text('HOAKS')")
    await page.fill("#bultext", TEXT)
    rows = page.locator("#sources .source")
    await rows.nth(0).locator(".title").fill("BMKG Mamuju")
    await rows.nth(0).locator(".reference").fill("telepon, pukul 20.10")
    await rows.nth(1).locator("select").select_option("5")
    await rows.nth(1).locator(".title").fill("TurnBackHoax")
    await page.click("#draft [type=submit]")
    await page.wait_for_selector("#said:not([hidden])")
    assert "good" in await page.get_attribute("#said", "class"), await page.inner_text("#said")


async def documents(node: Node, kind: Kind) -> list:
    entries = await node.village.db.read(lambda c: log.of_kinds(c, kind))
    return [sealed.decode(entry.record.document) for entry in entries]
