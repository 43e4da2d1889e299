"""A phone without a script, with the oldest browser there is."""

import asyncio
from pathlib import Path

import pytest

from tests.conftest import need
from tests.web import trusted
from tests.web.conftest import fill_room, hear
from tests.web.phones import Node, running


async def lynx(*arguments: str, keys: str = "") -> str:
    """What lynx prints, bounded in time."""
    process = await asyncio.create_subprocess_exec(
        need("lynx"), "-nopause", "-accept_all_cookies", "-width=60", *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, env={"TERM": "vt100", "LANG": "C.UTF-8"},
    )  # fmt: skip
    try:
        async with asyncio.timeout(30):
            out, _ = await process.communicate(keys.encode())
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return out.decode("utf-8", "replace")


@pytest.fixture
async def node(tmp_path: Path):
    need("lynx")
    async with running(tmp_path) as started:
        yield started


async def test_reading(node: Node):
    await fill_room(node.village, 5)
    await hear(node.village, "Jembatan aman", 0x1F, 2)
    page = await lynx("-dump", "-display_charset=utf-8", f"{node.url}/")
    lines = page.splitlines()
    assert any("Umum" in line for line in lines)
    assert any("Radio tersambung · 3 radio aktif · 14 HP" in line for line in lines)
    for word in ("Ani·", "lewat 2 radio lain", "Jembatan aman", "Balas", "Kirim"):
        assert word in page, page


async def test_reading_the_board(node: Node):
    """Labels, badges and what was withdrawn are told in words, not by colour or shape."""
    await trusted.trust(node.village)
    board = await trusted.furnish_board(node.village)
    page = " ".join((await lynx("-dump", "-display_charset=utf-8", f"{node.url}/buletin")).split())
    for words in ("HOAKS (salah)", "TERVERIFIKASI", "DISAHKAN LEWAT POS Salutiwo", "KOREKSI"):
        assert words in page, words
    ref = board["NO_CLAIM"].id.hex()[:16]
    page = await lynx("-dump", "-display_charset=utf-8", f"{node.url}/buletin/{ref}")
    assert page.index("DICABUT") < page.index("Itu pendapat penulisnya")
    for words in ("Tanda tangan sah", "Hak jawab", "whatsapp://send"):
        assert words in page, words


async def test_passing_on_a_rumour(node: Node):
    form = "text=Katanya+bendungan+jebol&place=pasar&token=1\n---\n"
    page = await lynx("-post_data", "-dump", f"{node.url}/cek", keys=form)
    assert "Nomor Anda K-1" in page
    assert "bendungan jebol" in page


async def test_writing(node: Node, tmp_path: Path):
    """Through the form itself: a name, a text, the button; then the room with the message in it."""
    form = "nick=Ani&text=Halo+dari+lynx&token=1\n---\n"
    page = await lynx("-post_data", "-dump", f"{node.url}/r/umum", keys=form)
    assert "Halo dari lynx" in page
    assert "Ani·" in page.replace("\N{MIDDLE DOT}", "·")
    assert "di pos" in page
