"""Passing a bulletin on: the words are copied and the picture is painted without any network."""

import pytest
from playwright.async_api import BrowserContext

from kimnode.wire.codes import Form, Verdict
from tests.web import trusted
from tests.web.phones import Node

pytestmark = pytest.mark.browser
PIXELS = """async () => {
  const image = document.querySelector("#place img");
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const g = canvas.getContext("2d");
  g.drawImage(image, 0, 0);
  const ink = (x, y, w, h) => {
    const d = g.getImageData(x, y, w, h).data, seen = {};
    for (let i = 0; i < d.length; i += 4) seen[d[i] + "," + d[i + 1] + "," + d[i + 2]] = 1;
    return Object.keys(seen).length;
  };
  return {width: canvas.width, height: canvas.height,
    head: Array.from(g.getImageData(5, 5, 1, 1).data), words: ink(64, 260, 900, 200),
    edge: ink(canvas.width - 30, 260, 29, canvas.height - 320)};
}"""


async def test_a_picture_is_painted_here(phone: BrowserContext, node: Node):
    await trusted.trust(node.village)
    await trusted.publish(node.village, trusted.made(1, text="Tidak benar. " + "W" * 200))
    page = await phone.new_page()
    await page.goto(f"{node.url}/buletin/B-1")
    await page.click("#paint")
    await page.wait_for_selector("#place img")
    found = await page.evaluate(PIXELS)
    assert found["width"] == 1080
    assert found["height"] > 900
    assert found["head"] == [0xA6, 0x1B, 0x1B, 255]
    assert found["words"] > 5
    assert found["edge"] == 1  # nothing runs out of the picture
    link = page.locator("#place a")
    assert await link.get_attribute("download") == "B-1.png"
    async with page.expect_download() as coming:
        await link.click()
    download = await coming.value
    data = (await download.path()).read_bytes()
    assert data.startswith(b"\x89PNG")


async def test_the_words_are_copied(phone: BrowserContext, node: Node):
    await trusted.trust(node.village)
    await trusted.publish(node.village, trusted.made(1))
    page = await phone.new_page()
    await page.goto(f"{node.url}/buletin/B-1")
    await page.click("#copy")
    assert "Sudah disalin" in await page.inner_text("#told")
    words = await page.input_value("#words")
    await page.goto(f"{node.url}/cek")
    await page.focus("#text")
    await page.keyboard.press("Control+V")
    assert (await page.input_value("#text")).strip() == words[:520].strip()


async def test_a_new_bulletin_shows_above_the_talk(phone: BrowserContext, node: Node):
    await trusted.trust(node.village)
    page = await phone.new_page()
    await page.goto(f"{node.url}/r/umum")
    bulletin = trusted.made(1)
    await trusted.publish(node.village, bulletin)
    await page.wait_for_function(
        "() => document.getElementById('papan').innerText.includes('HOAKS')"
    )
    assert "Tidak ada gempa besar" in await page.inner_text("#papan")
    gone = trusted.made(
        2, Verdict.NONE, form=Form.RETRACTION, about=trusted.about(bulletin), sources=0, primary=0,
        dossier=b"", text="Dicabut karena tempatnya salah tulis.",
    )  # fmt: skip
    await trusted.publish(node.village, gone)
    await page.wait_for_selector("#papan:has-text('DICABUT')")
    assert "gempa besar" not in await page.inner_text("#papan")
    await page.click("#papan")
    await page.wait_for_selector(".badge.b-verified")
