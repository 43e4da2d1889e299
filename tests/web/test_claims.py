"""Cek Info: passing on a rumour without a script, and what its page says afterwards."""

import re
from html import unescape

import pytest
from aiohttp.test_utils import TestClient

from kimnode.record import Kind
from kimnode.rules.claims import ClaimStep
from kimnode.store import claims, log
from kimnode.wire.codes import Form, Verdict
from tests.rules import trust_samples as chain
from tests.web import trusted
from tests.web.conftest import Village

RUMOUR = "Katanya malam ini ada tsunami besar, semua harus naik gunung"
TAG = re.compile(r"<[^>]+>")


def words(html: str) -> str:
    return " ".join(unescape(TAG.sub(" ", html)).split())


async def send(phone: TestClient, **fields: str) -> tuple[int, str, str]:
    """(status, path where it ended, words) of the form, as a phone without a script sends it."""
    answer = await phone.post("/cek", data={"token": "1", "text": RUMOUR, **fields})
    return answer.status, answer.url.path, words(await answer.text())


async def test_a_rumour_gets_a_number_and_a_page(village: Village, phone: TestClient):
    form = await (await phone.get("/cek")).text()
    assert 'action="/cek"' in form
    assert "Kabar apa yang beredar?" in form
    status, path, page = await send(phone, place="grup WA dusun")
    assert (status, path) == (200, "/klaim/1")
    for part in ("Nomor Anda K-1", "sudah dilaporkan 1 orang", RUMOUR, "Belum dicek"):
        assert part in page, part
    assert "(Dilihat di: grup WA dusun)" in page
    (entry,) = await village.db.read(lambda c: log.of_kinds(c, Kind.REPORT))
    assert entry.record.body is not None
    assert entry.record.body.nick == ""


async def test_a_double_tap_is_one_report(village: Village, phone: TestClient):
    await send(phone)
    await send(phone)
    assert len(await village.db.read(lambda c: log.of_kinds(c, Kind.REPORT))) == 1


async def test_the_same_story_is_the_same_claim(village: Village, phone: TestClient):
    for other in range(3):
        await trusted.report(village, f"tsunami besar malam ini! naik gunung {other}", other)
    _, path, page = await send(phone)
    assert path == "/klaim/1"
    assert "sudah dilaporkan 4 orang" in page


async def test_many_ask_so_it_is_listed_for_everybody(village: Village, phone: TestClient):
    await trusted.furnish_claims(village)
    for path in ("/buletin", "/cek"):
        html = await (await phone.get(path)).text()
        assert f"<q>{RUMOUR}</q>" in html, path  # somebody's words, not KIM's
        page = words(html)
        assert f"K-1 {RUMOUR}" in page, path
        assert "sudah dilaporkan 6 orang" in page
        assert "pupuk" not in page, path  # one asked: not spread any further by us
    assert "Jangan teruskan dulu." in words(await (await phone.get("/buletin")).text())


@pytest.mark.parametrize("text", ["", "   ", "\u200b\u200b"])
async def test_an_empty_one_is_told_so(phone: TestClient, text: str):
    status, path, page = await send(phone, text=text)
    assert (status, path) == (400, "/cek")
    assert "Tulis" in page


async def test_one_that_is_too_long_stays_in_the_form(phone: TestClient):
    status, _, page = await send(phone, text="panjang " * 100)
    assert status == 413
    assert "panjang panjang" in page


async def test_the_page_follows_the_claim(village: Village, phone: TestClient):
    await trusted.trust(village)
    seq = await trusted.report(village, RUMOUR, 1)
    number = await village.db.read(lambda c: claims.claim_of(c, seq))
    draft = trusted.made(8)
    at = await trusted.enter(village, [chain.DOSSIER, draft], trusted.Via.WEB)
    await village.db.write(lambda c: claims.take(c, number, at, chain.NOW_S))
    page = words(await (await phone.get("/klaim/1")).text())
    assert "Sedang diperiksa" in page
    assert draft.text not in page
    await trusted.enter(village, [chain.approval(draft)], trusted.Via.WEB)
    page = words(await (await phone.get("/klaim/1")).text())
    assert "Sudah dijawab" in page
    assert draft.text in page
    assert "TERVERIFIKASI" in page


async def test_a_corrected_answer_stands_below_its_correction(village: Village, phone: TestClient):
    await trusted.trust(village)
    await trusted.report(village, RUMOUR, 1)
    old = trusted.made(8)
    at = await trusted.publish(village, old)
    await village.db.write(lambda c: claims.take(c, 1, at, chain.NOW_S))
    new = trusted.made(
        9, Verdict.FACT, form=Form.CORRECTION, about=trusted.about(old), text="Ada gempa kecil."
    )
    await trusted.publish(village, new)
    html = await (await phone.get("/klaim/1")).text()
    assert html.index(new.text) < html.index(old.text)
    assert f'href="/buletin/{new.id.hex()[:16]}"' in html
    assert f"<del>{old.text}</del>" in html


async def test_closed_and_unknown_claims(village: Village, phone: TestClient):
    await trusted.report(village, RUMOUR, 1)
    await village.db.write(lambda c: claims.advance(c, 1, ClaimStep.CLOSE, chain.NOW_S))
    assert "Ditutup" in words(await (await phone.get("/klaim/1")).text())
    assert (await phone.get("/klaim/2")).status == 404
    assert (await phone.get("/klaim/x")).status == 404


async def test_what_a_villager_wrote_is_only_text(village: Village, phone: TestClient):
    nasty = "<script>alert(1)</script> </q></article><p class='badge b-verified'>TERVERIFIKASI</p>"
    for number in range(5):
        await trusted.report(village, nasty, number)
    for path in ("/buletin", "/cek", "/klaim/1", "/staf"):
        html = await (await phone.get(path)).text()
        assert "&lt;script&gt;alert(1)" in html, path
        assert "<script>alert" not in html
        assert "class='badge" not in html
