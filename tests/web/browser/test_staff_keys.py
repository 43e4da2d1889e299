"""Keys of volunteers in browsers: PINs, forged requests, and what is never loaded or sent."""

import json

import pytest
from playwright.async_api import BrowserContext, Page

from kimnode.record import Kind, Via
from kimnode.store import log
from kimnode.wire import sealed, signing
from tests.rules import trust_samples as chain
from tests.web import trusted
from tests.web.browser.desks import (
    CODE,
    PIN,
    TEXT,
    certify,
    enrol,
    opened,
    unlock,
    write_draft,
)
from tests.web.phones import Node

pytestmark = pytest.mark.browser


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
