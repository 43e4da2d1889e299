"""The page in a real browser: what the script draws, keeps, sends again and never runs."""

import json

import pytest
from playwright.async_api import Browser, BrowserContext

from kimnode.record import Kind, RadioState
from kimnode.rules.delivery import State
from kimnode.store import log, people
from kimnode.store.people import RadioNode
from kimnode.web import room as room_module
from kimnode.wire.airtext import split
from tests.web.conftest import deliver, eventually, fill_room, hear, say
from tests.web.phones import Node, enter, handset, settled, texts, write

pytestmark = pytest.mark.browser

NASTY = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "\"><iframe srcdoc='<script>parent.alert(1)</script>'>",
    "javascript:alert(1)",
    "{{7*7}} {% raw %} ${7*7} <%= 7 %>",
    "</textarea></body></html>",
    "&lt;b&gt; &#60;script&#62; &amp;",
    "'-alert(1)-' \\u003cscript\\u003e",
    "<a href='javascript:alert(1)'>klik</a>",
    "--><!-- <style>*{display:none}</style>",
]


async def test_the_script_draws_what_the_template_draws(phone: BrowserContext, node: Node):
    """Whatever is written twice drifts apart, unless somebody compares."""
    page = await enter(phone, node)
    await write(page, "Halo dari HP ini", "Ani")
    await settled(page)
    await page.close()
    node_name = RadioNode(0x1F, "Dusun Lembah", "LMB", b"", 1)
    await node.village.db.write(lambda c: people.save_node(c, node_name))
    first = await node.village.db.read(lambda c: log.entry(c, 1))
    assert first is not None
    await deliver(node.village, 1, State.RELAYED)
    await hear(node.village, "langsung", hops=0, snr_db=-4)
    await hear(node.village, "jauh", hops=3)
    await say(node.village, "jawab", "Budi", subject=first.record.id)
    help_ = await say(node.village, "tolong", "Siti", kind=Kind.SOS, room="darurat")
    asked = await node.village.db.read(lambda c: log.entry(c, help_))
    assert asked is not None
    await say(node.village, "", "Joko", kind=Kind.SOS_ACK, room="darurat", subject=asked.record.id)
    for room, last in (("umum", "jawab"), ("darurat", "tolong")):
        live = await enter(phone, node, room)
        await live.evaluate("localStorage.clear()")
        await live.wait_for_selector(f"text={last}")
        drawn = await live.evaluate("document.getElementById('list').innerHTML")
        html = json.dumps([await (await phone.request.get(f"{node.url}/api/feed?after=0")).json()])
        again = await live.evaluate(REDRAW, html)
        assert _tidy(again) == _tidy(drawn), room
        await live.close()


REDRAW = """(json) => new Promise((done) => {
  // A fresh page with an empty list gets the same messages through the script alone.
  const items = JSON.parse(json)[0].filter((i) => i.t === "message");
  const page = JSON.parse(document.body.dataset.page);
  page.seq = 0; page.day = ""; page.archive = false;
  document.body.dataset.page = JSON.stringify(page);
  document.getElementById("list").textContent = "";
  window.WebSocket = function () {
    const own = this;
    this.send = () => setTimeout(() => {
      own.onmessage({data: JSON.stringify(items)});
      done(document.getElementById("list").innerHTML);
    });
    this.close = () => {};
    setTimeout(() => own.onopen());
  };
  const again = document.createElement("script");
  again.src = document.querySelector("script[src]").src;
  document.body.append(again);
})"""


def _tidy(html: str) -> str:
    return html.replace("\n", "").replace('<li class="new">Pesan baru</li>', "")


async def test_nothing_that_people_or_radios_write_is_run(
    browser: Browser, node: Node, phone: BrowserContext
):
    page = await enter(phone, node)
    await write(page, "mulai", "Ani")
    await settled(page)
    for number, nasty in enumerate(NASTY):
        sender = 0x100 + number
        named = RadioNode(sender, nasty, "X", b"", 1)
        await node.village.db.write(lambda c, n=named: people.save_node(c, n))
        await hear(node.village, nasty, sender)
        await say(node.village, nasty, "Ani")
    await page.wait_for_selector(f"#m{1 + 2 * len(NASTY)}")
    assert (await texts(page))[1::2] == NASTY
    await page.reload()
    shown = await texts(page)
    assert shown[-1] == NASTY[-1]
    await page.click("#list li:last-child .reply")
    assert await page.inner_text("#quote span") == NASTY[-1]
    assert await page.locator("#list img, #list script, #list iframe, #list svg").count() == 0


async def test_own_message_is_shown_at_once_then_as_far_as_it_has_come(
    phone: BrowserContext, node: Node
):
    page = await enter(phone, node)
    await node.stop()
    await write(page, "Ada yang dengar?", "Ani")
    state = page.locator("#list .own .state")
    assert "di HP" in await state.inner_text()
    await node.start()
    await page.wait_for_selector(".own .state.saved")
    for step, words in (
        (State.QUEUED, "kira-kira 3 menit"),
        (State.IN_RADIO, "sedang dikirim radio"),
        (State.RELAYED, "diulang radio lain"),
    ):
        await deliver(node.village, 1, step)
        await page.wait_for_selector(f".own .state.{step.value}")
        assert words in await state.inner_text()
    assert await texts(page) == ["Ada yang dengar?"]


async def test_a_refused_message_can_be_changed_or_thrown_away(phone: BrowserContext, node: Node):
    page = await enter(phone, node)
    await write(page, "Halo", "Bupati")
    await page.wait_for_selector(".state.failed")
    assert "Isi nama panggilan lain" in await page.inner_text(".state.failed")
    await page.click(".waiting button:has-text('Perbaiki')")
    assert await page.input_value("#text") == "Halo"
    await write(page, "Halo lagi", "Ani")
    await settled(page)
    assert await texts(page) == ["Halo lagi"]
    assert await page.inner_text("#me b") == "Ani"


async def test_a_full_outbox_survives_a_reload_and_two_tabs(phone: BrowserContext, node: Node):
    page = await enter(phone, node, "warung")
    await write(page, "nomor 0", "Ani")
    await settled(page)
    await node.stop()
    await page.wait_for_selector("#offline:not([hidden])")
    for number in range(1, 100):
        await write(page, f"nomor {number}")
    assert await page.locator(".waiting").count() == 99
    await node.start()
    await page.reload()
    second = await enter(phone, node, "warung")
    for tab in (page, second):
        await settled(tab)
        await tab.wait_for_selector("text=nomor 99")
        assert await texts(tab) == [f"nomor {n}" for n in range(100)][-len(await texts(tab)) :]
        assert len(set(await texts(tab))) == len(await texts(tab))
    kept = await node.village.db.read(lambda c: log.since(c, 0, 200))
    assert [e.record.body.text for e in kept if e.record.body] == [f"nomor {n}" for n in range(100)]


async def test_the_hundredth_and_first_waits_outside(phone: BrowserContext, node: Node):
    page = await enter(phone, node)
    await node.stop()
    await page.evaluate(
        "localStorage['kim.outbox'] = JSON.stringify(Array.from({length: 100}, (_, n) =>"
        " ({t: 'post', cid: String(n), room: 'warung', text: 'x', nick: 'Ani', failed: 'x'})))"
    )
    await write(page, "satu lagi", "Ani")
    assert "100 pesan" in await page.inner_text("#oops")
    assert await page.input_value("#text") == "satu lagi"


async def test_drafts_stay_in_their_room(phone: BrowserContext, node: Node):
    page = await enter(phone, node)
    await page.fill("#text", "belum selesai")
    await page.click("nav a[data-room=warung]")
    assert await page.input_value("#text") == ""
    await page.click("nav a[data-room=umum]")
    assert await page.input_value("#text") == "belum selesai"


async def test_unread_messages_are_counted_and_marked(phone: BrowserContext, node: Node):
    await fill_room(node.village, 3)
    page = await enter(phone, node)
    await say(node.village, "Cabai 30 ribu", room="warung")
    badge = page.locator("nav a[data-room=warung] b")
    await badge.wait_for(state="visible")
    assert (await badge.inner_text()).split() == ["1", "baru"]
    assert (await page.title()).startswith("(1) ")
    await page.goto("about:blank")
    await say(node.village, "Saat HP ditutup", room="warung")
    await say(node.village, "Di ruang umum juga")
    await page.goto(f"{node.url}/r/umum")
    await badge.wait_for(state="visible")
    await page.wait_for_function(
        "() => document.querySelector('nav a:last-child b').textContent[0] == 2"
    )
    line = page.locator("#list .new + li .text")
    assert await line.inner_text() == "Di ruang umum juga"
    await page.click("nav a[data-room=warung]")
    await page.wait_for_function("() => !document.title.startsWith('(')")


async def test_who_reads_old_messages_is_not_pulled_away(phone: BrowserContext, node: Node):
    await fill_room(node.village, 30)
    page = await enter(phone, node)
    await page.evaluate("document.getElementById('talk').scrollTop = 0")
    await say(node.village, "berita baru")
    await page.wait_for_selector("#pill:not([hidden])")
    assert await page.inner_text("#pill") == "1 pesan baru"
    assert await page.evaluate("document.getElementById('talk').scrollTop") == 0
    await page.click("#pill")
    await page.wait_for_selector("#pill", state="hidden")


async def test_the_page_does_not_grow_without_end(phone: BrowserContext, node: Node):
    page = await enter(phone, node)
    await write(page, "mulai", "Ani")
    await fill_room(node.village, 280)
    await page.wait_for_selector("#m281")
    assert await page.locator("#list li").count() == 200


async def test_a_day_line_stands_between_days(phone: BrowserContext, node: Node):
    await fill_room(node.village, 2)
    page = await enter(phone, node)
    assert await page.locator("#list .day").count() == 1
    await say(node.village, "masih hari ini")
    await page.wait_for_selector("#m3")
    assert await page.locator("#list .day").count() == 1


async def test_the_radio_line_is_true(phone: BrowserContext, node: Node):
    page = await enter(phone, node)
    assert await page.inner_text("#line") == "Radio tersambung · 3 radio aktif · 14 HP"
    node.village.radio = RadioState.DOWN
    node.village.noticed.rise()
    await page.wait_for_selector("#line.down")
    assert "Pesan disimpan dan dikirim nanti" in await page.inner_text("#line")


async def test_the_price_of_the_air_is_told_while_writing(phone: BrowserContext, node: Node):
    page = await enter(phone, node)
    await page.fill("#nick", "Ani")
    await page.fill("#text", "halo")
    assert await page.inner_text("#count") == "4/567 karakter radio · kira-kira 1 detik"
    await page.fill("#text", "kata " * 60)
    assert "2 bagian" in await page.inner_text("#count")
    await page.fill("#text", "kata " * 130)
    assert "terlalu panjang, kurangi" in await page.inner_text("#count")
    await page.click("#write [type=submit]")
    assert "Pendekkan" in await page.inner_text("#oops")
    await page.click("nav a[data-room=warung]")
    await page.fill("#text", "kata " * 130)
    assert await page.inner_text("#count") == ""


LENGTHS = ["a " * 95, "a" * 400, "kata " * 39, "kata " * 41, "é" * 150, "😀 " * 90, "satu\n" * 60,
           "x" * 190 + " " + "y" * 190, "x" * 195, "pendek"]  # fmt: skip


async def test_the_phone_cuts_a_text_like_the_node(phone: BrowserContext, node: Node):
    page = await enter(phone, node)
    await page.fill("#nick", "Ani")
    for text in LENGTHS:
        await page.fill("#text", text)
        said = await page.inner_text("#count")
        parts = len(split("Ani", text))
        assert (f"{parts} bagian" in said) == (parts > 1), (text[:20], parts, said)


async def test_the_long_poll_carries_a_phone_without_web_sockets(browser: Browser, node: Node):
    async with handset(browser) as (phone, _):
        await phone.add_init_script(
            "window.WebSocket = function () { setTimeout(() => this.onclose()); this.close ="
            " () => {}; }"
        )
        page = await enter(phone, node)
        await say(node.village, "lewat jalan lambat")
        await page.wait_for_selector("text=lewat jalan lambat")
        await write(page, "saya dengar", "Ani")
        await settled(page)
        assert await texts(page) == ["lewat jalan lambat", "saya dengar"]


async def test_two_tabs_of_one_phone_show_everything_once(phone: BrowserContext, node: Node):
    one, two = await enter(phone, node), await enter(phone, node)
    await write(one, "dari tab satu", "Ani")
    await two.wait_for_selector("text=dari tab satu")
    await settled(one)
    await write(two, "dari tab dua", "Ani")
    await one.wait_for_selector("text=dari tab dua")
    for tab in (one, two):
        await settled(tab)
        assert await texts(tab) == ["dari tab satu", "dari tab dua"]


async def test_a_page_of_old_messages_stays_as_it_is(phone: BrowserContext, node: Node):
    await fill_room(node.village, 40)
    page = await enter(phone, node)
    await page.click("text=Pesan lebih lama")
    await page.wait_for_selector("#m10")
    await say(node.village, "baru sekali")
    await eventually(lambda: True)
    assert "baru sekali" not in await texts(page)
    assert room_module.PAGE_MESSAGES == 30


async def test_an_own_first_message_stands_under_its_day(phone: BrowserContext, node: Node):
    page = await enter(phone, node)
    await write(page, "yang pertama", "Ani")
    await settled(page)
    await page.wait_for_selector("#list .day + .own time")
