"""From an invitation to a verified bulletin: two people, two phones, keys made in browsers."""

import json
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, BrowserContext, Page

from kimnode.record import Kind, Via
from kimnode.rules.sources import with_sources
from kimnode.store import board, bulletins, claims, log
from kimnode.store.enrolment import enrolled
from kimnode.wire import sealed, signing
from kimnode.wire.codes import Mode
from kimnode.wire.documents import Bulletin, Vote, is_signed_by
from tests.rules import trust_samples as chain
from tests.web import trusted
from tests.web.browser.test_look import CHECK
from tests.web.phones import Node, handset

pytestmark = pytest.mark.browser

PIN = "284951"
CODE = "undangan-{}-abcdefgh"
TEXT = "Tidak ada tsunami malam ini. BMKG tidak mengeluarkan peringatan."


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


async def test_a_wrong_pin_opens_nothing_and_soon_must_wait(phone: BrowserContext, desk: Node):
    page = await enrol(phone, desk, chain.V1)
    for _ in range(5):
        await unlock(page, desk, "111222")
        await page.wait_for_selector("#said:not([hidden])")
        assert "PIN salah" in await page.inner_text("#said")
    await unlock(page, desk, PIN)
    await page.wait_for_selector("#said:not([hidden])")
    assert "terlalu cepat" in (await page.inner_text("#said")).lower()
    assert not await page.locator("#opened").is_visible()
    assert await page.evaluate("window.kimKey.isOpen()") is False


async def test_neither_pin_nor_key_ever_leaves_the_phone(phone: BrowserContext, desk: Node):
    sent: list[str] = []
    phone.on("request", lambda asked: sent.append(f"{asked.url} {asked.post_data or ''}"))
    page = await enrol(phone, desk, chain.V1)
    key = await certify(desk, chain.V1)
    await opened(page, desk)
    await write_draft(page)
    kept = await page.evaluate("JSON.parse(localStorage.getItem('kim.staff'))")
    assert set(kept) == {"key", "name", "salt", "nonce", "box"}
    assert kept["key"] == key.hex()
    seed = await page.evaluate(
        """async ([pin, box]) => {
             const S = window.kimSeal;
             await window.kimKey.unlock(pin);
             return S.hex(window.kimKey.sign(new Uint8Array(0)));
           }""",
        [PIN, kept["box"]],
    )
    assert len(seed) == 128
    assert len(sent) > 8
    for secret in (PIN, kept["salt"], kept["box"]):
        assert [line for line in sent if secret in line] == []
    assert [line for line in sent if CODE.format("Ani") in line.split()[0]] == []
    assert all("cookie" not in line.lower() for line in sent)


async def test_off_the_staff_network_there_is_only_drafting(phone: BrowserContext, node: Node):
    await node.stop()
    node.staff_networks = ("10.9.0.0/16",)
    await node.start()
    await trusted.trust(node.village)
    await trusted.furnish_claims(node.village)
    page = await phone.new_page()
    await page.goto(f"{node.url}/staf")
    assert "Wi-Fi petugas" in await page.inner_text("main")
    assert not await page.locator("#unlock").is_visible()
    await page.click("#queue [data-begin='1']")
    await page.fill("#bultext", TEXT)
    assert await page.locator("#draft [type=submit]").is_disabled()
    priced = "() => document.getElementById('price').textContent.includes('231')"
    await page.wait_for_function(priced)
    await page.reload()
    assert await page.input_value("#bultext") == TEXT
    await page.goto(f"{node.url}/staf/daftar#abc")
    assert not await page.locator("#signup").is_visible()
    for path in ("daftar", "bagian", "meja", "siap", "kirim"):
        answer = await page.request.post(f"{node.url}/api/staf/{path}", data={})
        assert answer.status == 403, path
        assert "Wi-Fi petugas" in (await answer.json())["words"]


async def test_a_draft_that_is_not_what_it_says_is_not_offered(phone: BrowserContext, desk: Node):
    """A node that lies about the words: the browser draws and signs bytes, not the node's words."""
    page = await enrol(phone, desk, chain.V3)
    await certify(desk, chain.V3)
    true = trusted.made(9, text=TEXT)
    other = trusted.dossier(claim="Sesuatu yang lain sama sekali")
    lies = [
        {"bulletin": sealed.encode(true).hex(), "dossier": sealed.encode(other).hex()},
        {"bulletin": sealed.encode(chain.replace(true, text="Ubah")).hex(), "dossier": ""},
        {"bulletin": "00", "dossier": ""},
    ]

    async def lie(route):
        answer = await route.fetch()
        said = await answer.json()
        said["drafts"] = [{**one, "author": "x", "mine": False, "told": ""} for one in lies]
        await route.fulfill(body=json.dumps(said), content_type="application/json")

    await page.route("**/api/staf/meja", lie)
    await opened(page, desk)
    assert await page.locator("#waiting li").count() == 3
    assert await page.locator("#waiting .approve").count() == 0
    said = await page.inner_text("#waiting")
    assert said.count("tidak bisa dibaca") == 2
    assert "Tanda tangan tidak sah" in said


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


async def test_signed_requests_by_hand(phone: BrowserContext, desk: Node):
    """Whoever copies, changes or invents a request gets nothing."""
    page = await enrol(phone, desk, chain.V1)
    await certify(desk, chain.V1)
    seen: list[dict] = []
    phone.on(
        "request",
        lambda asked: seen.append(asked.post_data_json) if asked.url.endswith("meja") else None,
    )
    await opened(page, desk)
    true = seen[0]
    assert (await _ask(page, desk, "meja", true))["reason"] == "outdated"  # a repetition
    fresh = {**true, "nonce": "ab" * 16}
    assert (await _ask(page, desk, "meja", fresh))["reason"] == "bad-signature"
    assert (await _ask(page, desk, "kirim", true))["reason"] == "bad-signature"  # another path
    assert (await _ask(page, desk, "meja", {**true, "body": '{"x":1}'}))[
        "reason"
    ] == "bad-signature"
    assert (await _ask(page, desk, "meja", {**true, "boot": "00" * 16}))["reason"] == "outdated"
    assert (await _ask(page, desk, "meja", {**true, "second": 99999}))["reason"] == "outdated"
    for broken in ({}, {**true, "sig": "zz"}, {**true, "second": "1"}, [], {**true, "body": 5}):
        assert (await _ask(page, desk, "meja", broken))["reason"] == "bad-request"
    stranger = chain.V2  # certified, but never enrolled in a browser here
    fields = ["POST", "/api/staf/meja", bytes(32), bytes.fromhex(true["boot"]), true["second"]]
    tbs = signing.to_be_signed("kimnode/request/v1", [*fields, bytes(16), chain.KARATAUN.key])
    forged = {**true, "key": stranger.key.hex(), "sig": signing.sign(stranger.seed, tbs).hex()}
    assert (await _ask(page, desk, "meja", forged))["reason"] == "bad-signature"


async def _ask(page: Page, node: Node, path: str, envelope: object) -> dict:
    answer = await page.request.post(
        f"{node.url}/api/staf/{path}", data=json.dumps(envelope),
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    return await answer.json()


async def test_nothing_of_it_is_loaded_elsewhere(phone: BrowserContext, desk: Node):
    loaded: list[str] = []
    phone.on("request", lambda asked: loaded.append(asked.url))
    page = await phone.new_page()
    for path in ("/r/umum", "/buletin", "/cek", "/status"):
        await page.goto(desk.url + path)
    assert [url for url in loaded if "nacl" in url or "seal" in url or "desk" in url] == []


async def test_via_of_what_a_browser_signed(phone: BrowserContext, desk: Node):
    page = await enrol(phone, desk, chain.V1)
    await certify(desk, chain.V1)
    await opened(page, desk)
    await write_draft(page)
    (entry,) = await desk.village.db.read(lambda c: log.of_kinds(c, Kind.BULLETIN))
    assert entry.via is Via.WEB
