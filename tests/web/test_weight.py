"""The first visit must be light: an old phone, a weak antenna, sixty others on the same Wi-Fi."""

import gzip
import re

from aiohttp.test_utils import TestClient

from tests.web.conftest import Village, fill_room

MAX_FIRST_LOAD_BYTES = 14 * 1024
MAX_REQUESTS = 4
UNPACKED = {"Accept-Encoding": "identity"}


async def test_first_load_with_thirty_messages_is_light(village: Village, phone: TestClient):
    await fill_room(village, 30)
    phone.session._auto_decompress = False
    page = await phone.get("/r/umum", headers={"Accept-Encoding": "gzip"})
    packed = await page.read()
    html = gzip.decompress(packed).decode()
    assert html.count('" id="m') == 30
    urls = re.findall(r'(?:src|href)="(/static/[^"]+)"', html)
    needed = [url for url in urls if "plain" not in url]
    assert 1 + len(needed) <= MAX_REQUESTS
    sizes = {"html": len(packed)}
    for url in needed:
        answer = await phone.get(url, headers={"Accept-Encoding": "gzip"})
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "immutable" in answer.headers["Cache-Control"]
        sizes[url.rpartition(".")[2]] = len(await answer.read())
    assert sum(sizes.values()) <= MAX_FIRST_LOAD_BYTES, sizes
    print(sizes, sum(sizes.values()))


async def test_a_phone_that_cannot_unpack_is_served_too(phone: TestClient):
    page = await phone.get("/r/umum", headers=UNPACKED)
    assert "Content-Encoding" not in page.headers
    html = await page.text()
    for url in re.findall(r'"(/static/[^"]+)"', html):
        assert (await phone.get(url, headers=UNPACKED)).status == 200


async def test_a_static_file_of_another_version_is_not_found(phone: TestClient):
    assert (await phone.get("/static/kim.0123456789.js")).status == 404
