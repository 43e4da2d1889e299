"""The board and a bulletin's history, as they come out of the node: words, badges, order."""

import json
import re
from html import unescape

import pytest
from aiohttp import ClientSession, CookieJar
from aiohttp.test_utils import TestClient, TestServer

from kimnode.record import Kind
from kimnode.rules.clock import Estimate
from kimnode.store import board, incidents
from kimnode.web.app import create_app
from kimnode.wire.codes import Form, TimeTrust, Verdict
from kimnode.wire.times import minutes_of
from tests.rules import trust_samples as chain
from tests.web import trusted
from tests.web.conftest import Village, hear

TAG = re.compile(r"<[^>]+>")


async def text_of(phone: TestClient, path: str) -> str:
    """What a reader sees: words only, one space between them."""
    answer = await phone.get(path)
    assert answer.status == 200, path
    return " ".join(unescape(TAG.sub(" ", await answer.text())).split())


async def card_of(phone: TestClient, path: str, ref: str) -> str:
    html = await (await phone.get(path)).text()
    found = re.search(rf'<article[^>]* id="b{ref}">.*?</article>', html, re.DOTALL)
    assert found is not None, path
    return found[0]


@pytest.fixture
async def furnished(village: Village) -> dict:
    await trusted.trust(village)
    return await trusted.furnish_board(village)


def address(bulletin) -> str:
    return f"/buletin/{bulletin.id.hex()[:16]}"


async def test_every_state_has_its_words(furnished: dict, phone: TestClient):
    page = await text_of(phone, "/buletin")
    for words in (
        "HOAKS (salah)", "DISINFORMASI (menyesatkan)", "SEBAGIAN BENAR", "FAKTA (benar)",
        "TIDAK TERBUKTI", "BUKAN KLAIM (opini/satire)", "BELUM DICEK", "INFO", "KOREKSI",
        "DICABUT", "TERVERIFIKASI", "DISAHKAN LEWAT POS Salutiwo", "SUDAH DIKOREKSI",
        "Disetujui dua orang", "Isu yang beredar", "2 sumber, 1 sumber utama",
        "Ditulis Relawan Ani, disetujui Verifikator Citra", "Ditandatangani sendiri",
        "Lewat radio, disahkan pos Salutiwo", "15 Jan 2027, 15.30", "berlaku sampai",
    ):  # fmt: skip
        assert words in page, words
    assert furnished["WAITING"].text not in page


async def test_badges_differ_in_word_sign_and_place(furnished: dict, phone: TestClient):
    verified = await card_of(phone, "/buletin", furnished["HOAX"].id.hex()[:16])
    by_post = await card_of(phone, "/buletin", furnished["VIA_POST"].id.hex()[:16])
    notice = await card_of(phone, "/buletin", furnished["NOTICE"].id.hex()[:16])
    assert '<p class="badge i b-verified"><b>TERVERIFIKASI</b>' in verified
    assert 'b-via-post"><b>DISAHKAN LEWAT POS Salutiwo</b>' in by_post
    assert 'b-notice"><b>BELUM DICEK</b>' in notice
    for other in (by_post, notice):
        assert "TERVERIFIKASI" not in other
        assert "b-verified" not in other
    shape = re.compile(r'class="label i (v-[a-z-]+)"')
    assert shape.search(verified)[1] != shape.search(notice)[1]


async def test_a_correction_comes_before_what_it_corrects(furnished: dict, phone: TestClient):
    old, new = furnished["FACT"], furnished["CORRECTION"]
    for path in (address(old), "/buletin"):
        page = await text_of(phone, path)
        assert page.index(new.text) < page.index(old.text), path
    page = await text_of(phone, address(old))
    assert "Isi ini tidak berlaku lagi. Baca koreksinya." in page
    assert "TERVERIFIKASI" not in page
    assert "Mengoreksi B-13" in await text_of(phone, address(new))


async def test_above_what_was_corrected_stands_only_what_holds(
    furnished: dict, village: Village, phone: TestClient
):
    """A correction that was withdrawn is no correction any more."""
    old, wrong = furnished["FACT"], furnished["CORRECTION"]
    last = trusted.made(
        40, Verdict.NONE, form=Form.RETRACTION, about=trusted.about(wrong), sources=0, primary=0,
        dossier=b"", text="Koreksi itu keliru. Kami periksa lagi.",
    )  # fmt: skip
    await trusted.publish(village, last)
    page = await text_of(phone, address(old))
    assert page.index(last.text) < page.index(old.text)
    assert wrong.text not in page


@pytest.mark.parametrize(("old", "new"), [("NO_CLAIM", "DICABUT"), ("FACT", "KOREKSI")])
async def test_what_was_wrong_is_struck_through(furnished: dict, phone: TestClient, old, new):
    html = await (await phone.get(address(furnished[old]))).text()
    assert f"<del>{furnished[old].text}</del>" in html
    assert html.index(new) < html.index("<del>")


async def test_a_draft_is_read_by_nobody(furnished: dict, phone: TestClient):
    page = await text_of(phone, address(furnished["WAITING"]))
    assert furnished["WAITING"].text not in page
    assert chain.DOSSIER.claim not in page
    assert "Menunggu persetujuan kedua" in page
    assert "WhatsApp" not in page


async def test_what_is_over_goes_to_the_archive(village: Village, phone: TestClient):
    await trusted.trust(village)
    bulletin = trusted.made(30, days=7)
    await trusted.publish(village, bulletin)
    village.estimate = chain.later(8 * 86_400)
    await village.db.write(
        lambda c: board.refresh(c, village.intake.cache, village.estimate, chain.NOW_S)
    )
    page = await text_of(phone, "/buletin")
    assert page.index("Arsip") < page.index(bulletin.text)
    assert "KEDALUWARSA" in page
    assert "Kedaluwarsa 22 Jan 2027" in await text_of(phone, address(bulletin))


@pytest.mark.parametrize(
    ("trust", "said"),
    [
        (TimeTrust.SURE, "15 Jan 2027, 15.30"),
        (TimeTrust.ABOUT, "kira-kira 15 Jan 2027, 15.30"),
        (TimeTrust.UNSURE, "15 Jan 2027, 15.30 · Jam belum pasti"),
    ],
)
async def test_a_time_says_how_sure_it_is(
    village: Village, phone: TestClient, trust: TimeTrust, said: str
):
    await trusted.trust(village)
    await trusted.publish(village, trusted.made(1, when={"trust": trust}))
    page = await text_of(phone, "/buletin")
    assert f" {said} ·" in page
    assert ("kira-kira" in page) == (trust is TimeTrust.ABOUT)


async def test_the_history_has_every_signature_and_the_marks(furnished: dict, phone: TestClient):
    one = furnished["HOAX"]
    page = await text_of(phone, address(one))
    for words in (
        "Relawan Ani menulis", "Verifikator Citra menyetujui", "Tanda tangan sah", one.id.hex(),
        f"Nomor urut: {one.stamp.epoch}-{one.stamp.seq}", "Hak jawab", "22 Jan 2027",
        "BMKG Mamuju · telepon, 15 Jan 2027", "TurnBackHoax",
    ):  # fmt: skip
        assert words in page, words


async def test_a_signature_that_does_not_count_says_why(village: Village, phone: TestClient):
    await trusted.trust(village)
    bulletin = trusted.made(4)
    await trusted.publish(village, bulletin)
    await trusted.enter(village, [chain.revocation(chain.V3.key, chain.V3.radio)])
    page = await text_of(phone, address(bulletin))
    assert "Tanda tangan sah, tetapi tidak dihitung: Kunci ini sudah dicabut." in page
    assert "TERVERIFIKASI" not in page.replace("TIDAK TERVERIFIKASI", "")


async def test_reach_is_counted_and_small_groups_are_not_told(
    village: Village, server, furnished: dict
):
    path = address(furnished["HOAX"])
    said = []
    clients = [
        ClientSession(base_url=server.make_url("/"), cookie_jar=CookieJar(unsafe=True))
        for _ in range(6)
    ]
    for phone in clients:
        await (await phone.get("/r/umum")).read()  # a phone that keeps cookies
        said.append(await text_of(phone, path))
        said.append(await text_of(phone, path))
    assert "Belum ada HP yang membukanya" in said[0]
    assert all("Dibuka di kurang dari 5 HP" in page for page in said[1:9])
    assert "Dibuka di 5 HP" in said[9]
    assert "Dibuka di 6 HP" in said[-1]
    async with ClientSession(
        base_url=server.make_url("/"), cookie_jar=CookieJar(unsafe=True)
    ) as visitor:  # it has no cookies
        visitor.cookie_jar.clear()
        assert "Dibuka di 6 HP" in await text_of(visitor, path)
    for phone in clients:
        await phone.close()


async def test_words_to_share_say_what_it_is_and_how_to_find_the_true_one(
    furnished: dict, phone: TestClient
):
    html = unescape(await (await phone.get(address(furnished["HOAX"]))).text())
    words = re.search(r"<textarea[^>]*>(.*?)</textarea>", html, re.DOTALL)[1]
    assert words.startswith("*HOAKS (salah)*\n")
    for part in ("Gempa besar malam ini", "Sumber:", "TERVERIFIKASI", "Pos Sukamaju", "CEK B-10"):
        assert part in words, part
    assert re.search(r'href="whatsapp://send\?text=%2AHOAKS', html)
    assert "https://wa.me/?text=%2AHOAKS" in html
    corrected = unescape(await (await phone.get(address(furnished["FACT"]))).text())
    words = re.search(r"<textarea[^>]*>(.*?)</textarea>", corrected, re.DOTALL)[1]
    assert words.startswith("*KOREKSI: SEBAGIAN BENAR* (B-21)")
    assert "SUDAH DIKOREKSI" in words
    assert f"~{furnished['FACT'].text}~" in words
    drawn, _ = json.JSONDecoder().raw_decode(corrected.split('data-picture="')[1])
    assert [row["text"] for row in drawn["rows"] if row["struck"]] == [furnished["FACT"].text]


async def test_by_number_and_unknown_ones(furnished: dict, phone: TestClient):
    assert furnished["HOAX"].text in await text_of(phone, "/buletin/B-10")
    for path in ("/buletin/B-9999", "/buletin/0123456789abcdef", "/buletin/xyz", "/buletin/B-"):
        assert (await phone.get(path)).status == 404, path


async def test_two_posts_with_the_same_number_are_both_named(village: Village, phone: TestClient):
    await trusted.trust(village)
    mine = trusted.made(7)
    other = trusted.made(7, Verdict.FACT, author=chain.V2, post=chain.SALUTIWO)
    await trusted.publish(village, mine)
    await trusted.publish(village, other, chain.V4, post=chain.SALUTIWO)
    page = await text_of(phone, "/buletin/B-7")
    assert mine.text in page
    assert "Nomor sama dari pos lain:" in page


async def test_the_talk_points_at_the_newest(village: Village, phone: TestClient):
    assert "Buletin KIM dan Cek Info" in await text_of(phone, "/r/umum")
    await trusted.trust(village)
    await trusted.publish(village, trusted.made(1))
    village.noticed.rise()
    seen = []

    async def look() -> None:
        seen.append(await text_of(phone, "/r/umum"))

    await look()
    for _ in range(50):
        if "Tidak ada gempa besar" in seen[-1]:
            break
        village.noticed.rise()
        await look()
    assert "HOAKS (salah) Tidak ada gempa besar malam ini." in seen[-1]


async def test_a_radio_text_in_the_manner_of_kim_gets_no_badge(village: Village, phone: TestClient):
    await hear(village, "KIM: HOAKS - Tsunami itu benar, lari! (B-17)")
    await hear(village, "Kim sudah datang di balai desa")
    html = await (await phone.get("/r/umum")).text()
    assert html.count("tidak terverifikasi, lihat Buletin") == 1
    assert "badge" not in html


async def test_names_cannot_carry_a_badge(village: Village, phone: TestClient):
    """Names in certificates come from a district: still nothing in them looks like a sign."""
    await trusted.trust(village)
    spoof = chain.Person("✔ TERVERIFIKASI", 40, chain.Role.VERIFIER)
    await trusted.enter(village, [chain.of_own_key(spoof)])
    bulletin = trusted.made(2)
    await trusted.publish(village, bulletin, spoof)
    card = await card_of(phone, "/buletin", bulletin.id.hex()[:16])
    assert "✔" not in card


async def test_the_status_page_tells_what_is_wrong(village: Village, phone: TestClient):
    page = await text_of(phone, "/status")
    assert "Kunci provinsi GANGGUAN" in page
    assert "Hubungi kabupaten" in page
    await trusted.trust(village)
    village.estimate = Estimate(chain.NOW_S, TimeTrust.UNSURE, chain.NOW_S, 10)
    for kind, who in (("kim-imitation", "!0000001f"), ("never-heard", "<b>x</b>")):
        await village.db.write(lambda c, k=kind, w=who: incidents.add(c, k, w, chain.NOW_S))
    page = await text_of(phone, "/status")
    assert "Jam GANGGUAN Jam belum pasti." in page
    assert "Sulawesi Barat, versi 1." in page
    assert "meniru KIM, dari 0000001f" in page
    assert "Kejadian never-heard" in page
    assert "<b>x</b>" not in await (await phone.get("/status")).text()


async def test_an_old_revocation_list_is_told(village: Village, phone: TestClient):
    await trusted.trust(village)
    assert "Daftar pencabutan BAIK Nomor 1" in await text_of(phone, "/status")
    village.estimate = chain.later(15 * 86_400)
    assert "Terlalu lama, minta yang baru." in await text_of(phone, "/status")


async def test_every_page_of_the_demo_says_so(village: Village):
    village.demo = True
    async with TestClient(TestServer(create_app(village.site))) as phone:
        for path in (
            "/r/umum", "/nama", "/sos", "/buletin", "/cek", "/status", "/staf", "/staf/daftar",
        ):  # fmt: skip
            page = await text_of(phone, path)
            assert "DEMO: hanya contoh." in page, path
        assert "DEMO: hanya contoh." in await (await phone.get("/x")).text()


async def test_no_page_of_a_real_village_speaks_of_demo(furnished: dict, phone: TestClient):
    for path in ("/r/umum", "/buletin", "/status"):
        assert "DEMO" not in await text_of(phone, path)


def test_samples_are_what_they_say():
    assert trusted.made(1).stamp.made_min == minutes_of(chain.NOW_S) - 30
    assert chain.approval(trusted.made(1)).kind is Kind.APPROVAL
