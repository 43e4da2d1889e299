"""The first visit must be light: an old phone, a weak antenna, sixty others on the same Wi-Fi."""

import gzip
import re

import pytest
from aiohttp.test_utils import TestClient

from tests.web import trusted
from tests.web.conftest import Village, fill_room

MAX_FIRST_LOAD_BYTES = 14 * 1024
MAX_REQUESTS = 4
MAX_DESK_BYTES = 40 * 1024  # with the library that makes and uses keys
UNPACKED = {"Accept-Encoding": "identity"}


async def test_first_load_with_thirty_messages_is_light(village: Village, phone: TestClient):
    await fill_room(village, 30)
    phone.session._auto_decompress = False
    html, sizes = await load(phone, "/r/umum")
    assert html.count('" id="m') == 30
    assert len(sizes) <= MAX_REQUESTS
    assert sum(sizes.values()) <= MAX_FIRST_LOAD_BYTES, sizes
    print(sizes, sum(sizes.values()))


async def load(phone: TestClient, path: str) -> tuple[str, dict[str, int]]:
    """The page, and packed bytes of it and of everything that it needs."""
    page = await phone.get(path, headers={"Accept-Encoding": "gzip"})
    packed = await page.read()
    html = gzip.decompress(packed).decode()
    urls = re.findall(r'(?:src|href)="(/static/[^"]+)"', html)
    sizes = {path: len(packed)}
    for url in urls:
        if "plain" in url:
            continue
        answer = await phone.get(url, headers={"Accept-Encoding": "gzip"})
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "immutable" in answer.headers["Cache-Control"]
        sizes[url.split("/")[-1]] = len(await answer.read())
    return html, sizes


@pytest.mark.parametrize("path", ["/buletin", "/buletin/B-10", "/cek", "/klaim/1", "/status"])
async def test_villagers_pages_are_light(village: Village, phone: TestClient, path: str):
    await trusted.trust(village)
    await trusted.furnish_board(village)
    await trusted.furnish_claims(village)
    phone.session._auto_decompress = False
    _, sizes = await load(phone, path)
    assert len(sizes) <= MAX_REQUESTS
    assert sum(sizes.values()) <= MAX_FIRST_LOAD_BYTES, sizes
    print(sizes, sum(sizes.values()))


async def test_the_desk_is_no_heavier_than_it_may(village: Village, phone: TestClient):
    phone.session._auto_decompress = False
    _, sizes = await load(phone, "/staf")
    assert sum(sizes.values()) <= MAX_DESK_BYTES, sizes
    print(sizes, sum(sizes.values()))


async def test_a_phone_that_cannot_unpack_is_served_too(phone: TestClient):
    page = await phone.get("/r/umum", headers=UNPACKED)
    assert "Content-Encoding" not in page.headers
    html = await page.text()
    for url in re.findall(r'"(/static/[^"]+)"', html):
        assert (await phone.get(url, headers=UNPACKED)).status == 200


async def test_a_static_file_of_another_version_is_not_found(phone: TestClient):
    assert (await phone.get("/static/kim.0123456789.js")).status == 404
