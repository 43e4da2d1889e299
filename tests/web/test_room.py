"""Reading and writing without a script: what lynx, old phones and failed scripts live from."""

import re

import pytest
from aiohttp.test_utils import TestClient, TestServer

from kimnode.rules.delivery import State
from kimnode.store import log
from tests.web.conftest import Village, deliver, fill_room, hear, say

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def page(phone: TestClient, path: str = "/r/umum") -> str:
    answer = await phone.get(path)
    assert answer.status == 200
    return await answer.text()


def token_of(html: str) -> str:
    found = re.search(r'name="token" value="([0-9a-f]{32})"', html)
    assert found
    return found[1]


async def entries(village: Village) -> int:
    return await village.db.read(log.last_seq)


async def test_the_front_door_leads_to_the_first_room(phone: TestClient):
    answer = await phone.get("/", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (302, "/r/umum#end")


async def test_a_message_written_in_the_form_is_on_the_page(phone: TestClient, village: Village):
    form = {"text": "Halo semua", "nick": "Ani", "token": token_of(await page(phone))}
    answer = await phone.post("/r/umum", data=form, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/r/umum#end")
    html = await page(phone)
    assert "Halo semua" in html
    assert re.search(r"<b>Ani</b><i>·[0-9A-Z]{3}</i>", html)
    assert "di pos" in html


async def test_a_double_tap_is_one_message_and_other_words_are_another(
    phone: TestClient, village: Village
):
    form = {"text": "Halo", "nick": "Ani", "token": token_of(await page(phone))}
    await phone.post("/r/umum", data=form)
    await phone.post("/r/umum", data=form)
    assert await entries(village) == 1
    await phone.post("/r/umum", data=form | {"text": "Lain"})
    assert await entries(village) == 2


async def test_the_name_is_asked_once(phone: TestClient):
    assert '<label class="nick">' in await page(phone)
    await phone.post("/r/umum", data={"text": "Halo", "nick": "Ani", "token": "1"})
    html = await page(phone)
    assert '<label class="nick" hidden>' in html
    assert 'value="Ani"' in html


async def test_a_reply_shows_what_it_answers(phone: TestClient, village: Village):
    seq = await say(village, "Ada yang punya genset?")
    html = await page(phone, f"/r/umum?balas={seq}")
    assert f'name="about" value="{seq}"' in html
    assert "http-equiv" not in html  # no renewal under a half-written answer
    form = {"text": "Saya punya", "nick": "Budi", "token": "1", "about": str(seq)}
    await phone.post("/r/umum", data=form)
    assert "<blockquote><b>Ani</b><span>Ada yang punya genset?</span></blockquote>" in await page(
        phone
    )


BAD_FORMS = [
    ("text=&nick=Ani&token=1", 400, "masih kosong"),
    ("text=%20%20&nick=Ani&token=1", 400, "masih kosong"),
    ("text=halo&nick=&token=1", 400, "Isi nama panggilan"),
    ("text=halo&nick=BMKG&token=1", 400, "Isi nama panggilan"),
    ("text=halo%FF&nick=Ani&token=1", 400, "tidak terbaca"),
    ("text=a%00b&nick=Ani&token=1", 400, "Hapus huruf aneh"),
    ("text=a%E2%80%AEb&nick=Ani&token=1", 400, "Hapus huruf aneh"),
    ("text=" + "a" * 1001 + "&nick=Ani&token=1", 413, "Pendekkan"),
    ("text=" + "kata%20" * 150 + "&nick=Ani&token=1", 413, "Pendekkan"),
    ("text=halo&nick=Ani&token=1&about=999", 400, "tanpa balasan"),
    ("&".join(f"x{n}=1" for n in range(40)), 400, "tidak terbaca"),
]


@pytest.mark.parametrize(("body", "status", "said"), BAD_FORMS)
async def test_bad_input_is_told_and_nothing_is_kept(
    phone: TestClient, village: Village, body: str, status: int, said: str
):
    answer = await phone.post("/r/umum", data=body, headers=FORM)
    assert answer.status == status
    assert said in await answer.text()
    assert await entries(village) == 0
    values = village.metrics.registry
    refused = sum(s.value for m in values.collect() for s in m.samples
                  if s.name in ("kimnode_refused_total", "kimnode_wire_errors_total"))  # fmt: skip
    assert refused == 1


async def test_what_was_refused_is_still_in_the_form(phone: TestClient):
    answer = await phone.post("/r/umum", data={"text": "Tolong!", "nick": "Polisi", "token": "1"})
    assert ">Tolong!</textarea>" in await answer.text()


async def test_too_fast_is_told_with_the_time_to_wait(phone: TestClient):
    for number in range(6):
        form = {"text": f"pesan {number}", "nick": "Ani", "token": str(number)}
        answer = await phone.post("/r/umum", data=form)
    assert answer.status == 429
    assert "Tunggu" in await answer.text()


async def test_another_content_type_is_refused(phone: TestClient, village: Village):
    answer = await phone.post("/r/umum", data=b"text=halo", headers={"Content-Type": "text/plain"})
    assert answer.status == 400
    assert await entries(village) == 0


async def test_the_page_shows_the_newest_thirty_and_leads_to_older_ones(
    phone: TestClient, village: Village
):
    await fill_room(village, 70)
    html = await page(phone)
    assert html.count('" id="m') == 30
    assert 'id="m70"' in html
    older = re.search(r"sebelum=(\d+)", html)
    assert older
    html = await page(phone, f"/r/umum?sebelum={older[1]}")
    assert 'id="m40"' in html
    assert 'id="m41"' not in html
    assert "Ke pesan terbaru" in html


async def test_rooms_do_not_mix(phone: TestClient, village: Village):
    await say(village, "Cabai murah", room="warung")
    assert "Cabai murah" in await page(phone, "/r/warung")
    assert "Cabai murah" not in await page(phone)


@pytest.mark.parametrize(
    ("hops", "snr_db", "said"),
    [
        (0, 6.0, "radio, langsung, sinyal kuat"),
        (0, -4.0, "radio, langsung, sinyal sedang"),
        (0, -12.0, "radio, langsung, sinyal lemah"),
        (2, 9.0, "lewat 2 radio lain"),
        (None, 9.0, "lewat radio"),
    ],
)
async def test_a_text_from_the_air_says_how_it_came(
    phone: TestClient, village: Village, hops: int | None, snr_db: float, said: str
):
    await hear(village, "halo dari lembah", 0x1F, hops, snr_db)
    html = await page(phone)
    assert f'<span class="i radio">{said}</span>' in html
    assert "<b>!0000001f</b>" in html


STATES = [
    (State.QUEUED, "", 1, "di pos, antre giliran radio, kira-kira 3 menit"),
    (State.IN_RADIO, "", 1, "sedang dikirim radio"),
    (State.ON_AIR, "", 1, "sudah mengudara"),
    (State.RELAYED, "", 2, "diulang radio lain"),
    (State.DELIVERED, "", 1, "diterima radio tujuan"),
    (State.FAILED, "duty-cycle", 1, "gagal mengudara. Radio terlalu sibuk."),
    (State.FAILED, "no-region", 1, "gagal mengudara. Radio belum siap."),
    (State.FAILED, "unheard-of", 1, "gagal mengudara. Radio lain tidak menjawab."),
    (State.EXPIRED, "", 1, "terlalu lama antre"),
]


@pytest.mark.parametrize(("state", "reason", "parts", "said"), STATES)
async def test_only_the_writer_is_told_how_far_it_came(
    phone: TestClient, server: TestServer, village: Village, state: State, reason: str,
    parts: int, said: str,
):  # fmt: skip
    await phone.post("/r/umum", data={"text": "Halo", "nick": "Ani", "token": "1"})
    await deliver(village, 1, state, reason, parts)
    assert said in await page(phone)
    async with TestClient(server) as other:
        html = await page(other)
        assert "Halo" in html
        assert 'class="i state' not in html


async def test_the_phone_keeps_its_identity(phone: TestClient):
    first = await phone.get("/r/umum")
    cookie = first.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Max-Age=15552000" in cookie
    again = await phone.get("/r/umum")
    assert again.headers["Set-Cookie"] == cookie


@pytest.mark.parametrize("cookie", ["", "x", "!!!!", "AAAA", "A" * 22 + "A" * 4000, "%00", "ü"])
async def test_a_strange_cookie_makes_a_new_phone(phone: TestClient, cookie: str):
    answer = await phone.get("/r/umum", headers={"Cookie": f"kim={cookie}"})
    assert answer.status == 200
    assert re.match(r"kim=[A-Za-z0-9_-]{22};", answer.headers["Set-Cookie"])


async def test_the_name_can_be_changed(phone: TestClient):
    html = await page(phone, "/nama?r=warung")
    assert 'href="/r/warung#end"' in html
    form = {"nick": "Siti", "room": "warung"}
    answer = await phone.post("/nama", data=form, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/r/warung#end")
    assert "<b>Siti</b>" in await page(phone)
    answer = await phone.post("/nama", data={"nick": "Kepala Desa", "room": "../x"})
    assert answer.status == 400
    assert "Isi nama panggilan lain" in await answer.text()
    assert 'href="/r/umum#end"' in await answer.text()
