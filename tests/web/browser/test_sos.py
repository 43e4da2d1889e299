"""SOS in a real browser: held, sent, alarming, taken, taken back; and what is said meanwhile."""

import pytest
from playwright.async_api import Browser, BrowserContext, Page

from tests.web.phones import Node, enter, handset

pytestmark = pytest.mark.browser


async def hold_sos(page: Page) -> None:
    """Three seconds on the red button."""
    box = await page.locator("#sos").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 20, box["y"] + 20)
    await page.mouse.down()
    await page.wait_for_selector("#sos.held")
    await page.wait_for_selector("#sos:not(.held)")
    await page.mouse.up()


async def test_an_sos_is_called_sent_only_when_the_post_has_it(phone: BrowserContext, node: Node):
    page = await enter(phone, node, "darurat")
    await node.stop()
    await page.wait_for_selector("#offline:not([hidden])")
    await hold_sos(page)
    assert "disimpan di HP" in await page.inner_text("#told")
    assert await page.is_hidden("#oops")
    await node.start()
    await page.wait_for_selector("#told:has-text('SOS dikirim')")
    await page.click(".alarm button")
    await page.wait_for_selector("#told", state="hidden")


async def test_a_refused_sos_is_not_called_sent(phone: BrowserContext, node: Node):
    page = await enter(phone, node, "darurat")
    await hold_sos(page)
    await page.wait_for_selector(".alarm")
    await hold_sos(page)
    await page.wait_for_selector("#told", state="hidden")
    assert "masih berbunyi" in await page.inner_text("#oops")


ALMOST_A_NODE = """
window.sent = [];
window.WebSocket = function () {
  this.send = (raw) => {
    const asked = JSON.parse(raw);
    if (!asked.t) return;
    sent.push(asked.t);
    setTimeout(() => this.onmessage({data: JSON.stringify([asked.t === "sos"
      ? {t: "ok", cid: asked.cid, seq: 9}
      : {t: "refused", cid: asked.cid, reason: "too-fast", words: "Tunggu", retry_after: 60}])}));
  };
  this.close = () => {};
  setTimeout(() => this.onopen());
};
const waiting = (t, cid) => ({t: t, cid: cid, room: "darurat", text: cid, nick: "Ani"});
const items = [waiting("post", "a"), waiting("post", "b"), ITEMS];
if (location.protocol === "http:") localStorage["kim.outbox"] = JSON.stringify(items);
"""


@pytest.mark.parametrize("held_first", [False, True])
async def test_an_sos_overtakes_talk_and_talk_that_must_wait_does_not_hold_it(
    phone: BrowserContext, node: Node, held_first: bool
):
    items = "" if held_first else 'waiting("sos", "c")'
    await phone.add_init_script(ALMOST_A_NODE.replace(", ITEMS", f", {items}" if items else ""))
    page = await enter(phone, node, "darurat")
    if held_first:
        await page.wait_for_function("() => sent.length === 1")
        await hold_sos(page)
    await page.wait_for_selector("#told:has-text('SOS dikirim')")
    await page.wait_for_function("() => sent.length === 2")
    assert await page.evaluate("sent") == (["post", "sos"] if held_first else ["sos", "post"])


async def test_the_alarm_from_hold_to_thanks(browser: Browser, node: Node):
    async with handset(browser) as (one, _), handset(browser) as (two, _):
        caller, helper = await enter(one, node, "darurat"), await enter(two, node, "warung")
        await caller.fill("#text", "Kaki patah di kebun Pak Haji")
        await caller.click("#sos")  # a slip is not an alarm
        assert "3 detik" in await caller.inner_text("#oops")
        box = await caller.locator("#sos").bounding_box()
        assert box is not None
        await caller.mouse.move(box["x"] + 20, box["y"] + 20)
        await caller.mouse.down()
        alarm = helper.locator(".alarm")
        await alarm.wait_for()
        await caller.mouse.up()
        assert "Kaki patah di kebun Pak Haji" in await alarm.inner_text()
        assert await helper.get_attribute("#alarms", "aria-live") == "assertive"
        assert "Batalkan" in await caller.inner_text(".alarm button")
        await alarm.locator("button").click()  # it has no name yet, so it is asked for one
        await helper.fill("input[name=nick]", "Budi")
        await helper.click("button.go")
        await caller.wait_for_selector(".taken")
        assert "Ditangani oleh Budi·" in await caller.inner_text(".taken")
        assert await caller.locator(".alarm").count() == 0
        assert "Ditangani oleh Budi·" in await caller.inner_text(".sos-state")
        await helper.wait_for_selector("text=Ditangani oleh Budi·")


async def test_a_slip_can_be_taken_back(browser: Browser, node: Node):
    async with handset(browser) as (one, _), handset(browser) as (two, _):
        other = await enter(two, node)
        caller = await enter(one, node, "darurat")
        await caller.focus("#sos")
        await caller.keyboard.press("Enter")
        await caller.click("button.go")
        await other.wait_for_selector(".alarm")
        await caller.click(".alarm button")
        await other.wait_for_selector(".alarm", state="detached")
        await caller.wait_for_selector("text=Dibatalkan oleh pengirim")


async def test_the_room_of_alarms_says_which_button_alarms(phone: BrowserContext, node: Node):
    page = await enter(phone, node, "darurat")
    assert await page.inner_text("#write [type=submit]") == "Kirim pesan biasa"
    assert "tahan tombol merah" in await page.inner_text("#write .row label")
