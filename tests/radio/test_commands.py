"""Commands from stock radios, without a radio: who may, what happens, what is answered."""

import random
import time
from dataclasses import replace

import pytest

from kimnode.radio import orders, volunteers
from kimnode.rules.bulletins import BulletinState
from kimnode.rules.commands import WORDS as WORD_LIST
from kimnode.rules.commands import draft_code
from kimnode.rules.delivery import State
from kimnode.rules.limits import Limits
from kimnode.wire.airtext import MAX_TEXT_BYTES
from kimnode.wire.codes import Form, TimeTrust, Verdict
from kimnode.wire.times import day_of
from tests.radio.office import VILLAGER, node_of, open_office
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import EDI, KETUA, LENA, RINA, V1, V2, V3, V4

HOAX = "HOAKS Bendungan tidak jebol SUMBER BPBD; lihat langsung"


@pytest.fixture
async def post(tmp_path):
    async with open_office(tmp_path / "x.db") as post:
        await post.meet(V1, V2, V3, V4)
        yield post


async def drafted(post, text: str = HOAX) -> str:
    """V2 has written it, and it is on the verifiers' radios; its code."""
    await post.hear(V2, text)
    await post.cry()
    await post.out()
    return draft_code((await post.show())[-1].bulletin.id)


async def test_from_a_rumour_to_a_verdict_by_radio_alone(post):
    await post.hear(V1, "CEK bendungan jebol")
    assert "K-1" in await post.last(V1)
    code = await drafted(post, "HOAKS K-1 Bendungan tidak jebol SUMBER BPBD; lihat langsung")
    assert f"Draf D-{code} dicatat: HOAKS, 2 sumber. Sudah dikirim ke 2 radio" in await post.last(
        V2
    )
    assert await post.said() == []
    sent = await post.last(V3)
    assert sent.startswith(f"D-{code}: HOAKS - Bendungan tidak jebol. Sumber: BPBD; lihat langsung")
    assert f"OK D-{code}" in sent
    await post.hear(V3, f"ok d{code.lower()}")
    await post.cry()
    said = "KIM: HOAKS - Bendungan tidak jebol. Sumber: BPBD; lihat langsung (B-1)"
    assert await post.said() == [said]
    assert "terbit sebagai B-1" in await post.last(V3)
    assert f"D-{code} disetujui Citra" in await post.last(V2)
    assert "HOAKS - Bendungan tidak jebol" in await post.last(V1)
    (shown,) = await post.show()
    assert (shown.state, shown.bulletin.verdict) == (BulletinState.VERIFIED, Verdict.HOAX)
    await post.cry()
    assert await post.said() == [said], "said once"


async def test_ok_counts_only_after_the_whole_draft_arrived(post):
    await post.hear(V2, HOAX)
    await post.cry()
    code = draft_code((await post.show())[0].bulletin.id)
    await post.hear(V3, f"OK D-{code}")
    assert "belum sampai utuh" in await post.last(V3)
    assert (await post.show())[0].state is BulletinState.WAITING
    for state in (State.FAILED, State.ON_AIR, State.RELAYED):
        await post.out(state)
        await post.hear(V3, f"OK D-{code}")
        assert "belum sampai utuh" in await post.last(V3)
        assert (await post.show())[0].state is BulletinState.WAITING
    await post.out(State.DELIVERED)
    await post.hear(V3, f"OK D-{code}")
    assert (await post.show())[0].state is BulletinState.VERIFIED


async def test_a_draft_that_was_sent_to_another_radio_must_be_sent_to_this_one(post):
    code = await drafted(post)
    await post.hear(KETUA, f"OK D-{code}")
    assert "belum sampai utuh" in await post.last(KETUA)
    assert (await post.show())[0].state is BulletinState.WAITING


async def test_a_long_draft_comes_in_parts_and_all_of_them_count(post):
    text = " ".join(f"kata{n}" for n in range(40))
    await post.hear(V2, f"INFO {text}")
    await post.cry()
    parts = await post.said(V3)
    assert len(parts) == 2
    assert all(len(p.encode()) <= MAX_TEXT_BYTES for p in parts)
    code = draft_code((await post.show())[0].bulletin.id)
    first, second = [p for p in await post.packets() if p.dest == node_of(V3)]
    await post.db.write(
        lambda c: c.execute("UPDATE outbox SET state='delivered' WHERE id=?", (first.id,))
    )
    await post.db.write(
        lambda c: c.execute("UPDATE outbox SET state='expired' WHERE id=?", (second.id,))
    )
    await post.hear(V3, f"OK D-{code}")
    assert (await post.show())[0].state is BulletinState.WAITING


async def test_the_author_is_no_second_person(post):
    await post.hear(V3, HOAX)
    code = draft_code((await post.show())[0].bulletin.id)
    await post.hear(V3, f"OK D-{code}")
    assert "orang lain" in await post.last(V3)


async def test_a_plain_volunteer_does_not_approve(post):
    code = await drafted(post)
    await post.hear(V1, f"LIHAT D-{code}")
    await post.out()
    await post.hear(V1, f"OK D-{code}")
    assert "tugas Anda belum mencakup" in await post.last(V1)


async def test_a_command_is_obeyed_once(post):
    await post.hear(V2, HOAX, packet_id=77)
    await post.hear(V2, HOAX, packet_id=77)
    assert len(await post.show()) == 1
    assert ("radio-replayed", "!00000102") in await post.incidents()
    count = await post.db.read(lambda c: c.execute("SELECT count(*) FROM command").fetchone())
    assert count == (1,)


@pytest.mark.parametrize(
    "fault",
    [
        {"pki_encrypted": False, "public_key": b""},
        {"transport": 6},
        {"transport": 0},
        {"via_mqtt": True},
        {"public_key": bytes(32)},
        {"public_key": b"short"},
        {"public_key": V2.key},  # certified, but no radio's key
    ],
)
async def test_what_is_no_command_of_a_volunteer(post, fault):
    await post.hear(V2, HOAX, **fault)
    assert await post.show() == []
    assert len(await post.said(V2)) == 1


@pytest.mark.parametrize("key", [V2.key, samples.KARATAUN.key, samples.DISTRICT.key])
async def test_a_certified_key_that_is_no_radios_gives_no_orders(post, key):
    await post.hear(V2, "DAFTAR", public_key=key)
    assert "untuk relawan KIM" in await post.last(V2)


async def test_two_drafts_with_one_code_are_not_confused(post, monkeypatch):
    """Twenty bits can be searched for: somebody may make a draft with the code of another."""
    await post.hear(V2, "INFO Posyandu hari Rabu")
    await post.hear(V2, "INFO Posyandu hari Kamis")
    await post.cry()
    await post.out()
    monkeypatch.setattr(orders, "draft_code", lambda _id: "4KX2")
    for text in ("OK D-4KX2", "TOLAK D-4KX2 keliru"):
        await post.hear(V3, text)
        assert "dua draf berkode D-4KX2" in await post.last(V3)
    assert {one.state for one in await post.show()} == {BulletinState.WAITING}


async def test_another_key_under_a_volunteers_number_is_refused_told_and_noted(post):
    await post.db.write(
        lambda c: c.execute("INSERT INTO pinned VALUES (?, ?, 0)", (V2.radio, node_of(V2)))
    )
    await post.hear(V2, HOAX, public_key=bytes(32))
    assert "kunci radio ini bukan kunci relawan" in await post.last(V2)
    await post.hear(V2, HOAX, pki_encrypted=False, public_key=b"")
    assert "tidak lewat pesan langsung bersandi" in await post.last(V2)
    kinds = {kind for kind, _ in await post.incidents()}
    assert kinds == {"radio-other-key", "radio-unsealed"}
    assert await post.show() == []


@pytest.mark.parametrize(("person", "words"), [(RINA, "dicabut"), (EDI, "berakhir")])
async def test_who_is_no_volunteer_any_more_is_told_why(post, person, words):
    await post.hear(person, HOAX)
    assert words in await post.last(person)
    assert await post.show() == []


async def test_a_volunteer_of_another_desa_is_refused(post):
    await post.hear(LENA, HOAX)
    assert "luar wilayah" in await post.last(LENA)
    assert await post.show() == []


async def test_a_villager_passes_a_rumour_on_and_asks_but_gives_no_orders(post):
    await post.hear(VILLAGER, "cek bendungan jebol")
    assert "K-1" in await post.last(VILLAGER)
    await post.hear(VILLAGER + 1, "CEK Bendungan sudah jebol!")
    assert "sudah dilaporkan 2 kali: K-1" in await post.last(VILLAGER + 1)
    await post.hear(VILLAGER, "CEK B-1")
    assert "B-1 TIDAK DIKENAL" in await post.last(VILLAGER)
    await post.hear(VILLAGER, HOAX)
    assert "untuk relawan KIM" in await post.last(VILLAGER)
    assert await post.show() == []


async def test_a_rumour_that_was_answered_gets_its_answer(post):
    await post.hear(VILLAGER, "CEK bendungan jebol malam ini")
    code = await drafted(post, "HOAKS K-1 Bendungan aman SUMBER BPBD; lihat langsung")
    await post.hear(V3, f"OK {code}")
    await post.hear(VILLAGER + 7, "CEK bendungan jebol malam ini")
    assert "HOAKS - Bendungan aman" in await post.last(VILLAGER + 7)


async def test_questions_about_a_bulletin(post):
    code = await drafted(post)
    await post.hear(VILLAGER, "CEK B-1")
    assert "TIDAK DIKENAL" in await post.last(VILLAGER)
    await post.hear(V3, f"OK {code}")
    await post.hear(VILLAGER, "CEK B-1?")
    assert "B-1 SAH. HOAKS - Bendungan tidak jebol" in await post.last(VILLAGER)


async def test_rejection_ends_the_draft_and_its_author_is_told_why(post):
    code = await drafted(post)
    await post.hear(V3, f"TOLAK D-{code} sumbernya lama")
    assert "ditolak" in await post.last(V3)
    assert "ditolak Citra: sumbernya lama" in await post.last(V2)
    assert (await post.show())[0].state is BulletinState.REJECTED
    await post.hear(V4, f"OK D-{code}")
    assert "Tidak ada" in await post.last(V4)


async def test_a_withdrawal_needs_two_persons_too(post):
    code = await drafted(post)
    await post.hear(V3, f"OK {code}")
    await post.cry()
    code = await drafted(post, "TARIK B-1 sumbernya ternyata keliru")
    assert (await post.show())[0].state is BulletinState.VERIFIED
    await post.hear(V4, f"OK {code}")
    await post.cry()
    assert (await post.show())[0].state is BulletinState.WITHDRAWN
    assert await post.last(0xFFFFFFFF) == "KIM: DICABUT B-1 - sumbernya ternyata keliru (B-2)"
    await post.hear(VILLAGER, "CEK B-1")
    answer = await post.last(VILLAGER)
    assert "B-1 DICABUT, jangan dipakai. DICABUT B-1 - sumbernya ternyata keliru (B-2)" in answer


async def test_a_correction(post):
    code = await drafted(post)
    await post.hear(V3, f"OK {code}")
    code = await drafted(post, "KOREKSI B-1 FAKTA retak kecil sudah ditambal SUMBER BPBD; kades")
    await post.hear(V4, f"OK {code}")
    await post.cry()
    assert (await post.said())[-1].startswith("KIM: KOREKSI B-1: FAKTA - retak kecil")
    assert (await post.show())[0].state is BulletinState.CORRECTED
    await post.hear(VILLAGER, "CEK B-1")
    answer = await post.last(VILLAGER)
    assert "B-1 SUDAH DIKOREKSI, jangan dipakai. KOREKSI B-1: FAKTA - retak kecil" in answer
    assert "(B-2)" in answer


async def test_a_notice_goes_out_at_once_from_a_verifier_only(post):
    await post.hear(V2, "BELUM DICEK Jauhi sungai sampai ada kabar dari BPBD")
    assert "tugas Anda belum mencakup" in await post.last(V2)
    await post.hear(V3, "BELUM DICEK Jauhi sungai sampai ada kabar dari BPBD")
    await post.cry()
    assert len(await post.said()) == 1
    assert (await post.said())[0].startswith("KIM: BELUM DICEK - Jauhi sungai")
    assert (await post.show())[0].bulletin.form is Form.NOTICE


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("HOAKS x SUMBER BPBD", "2 sumber"),
        ("HOAKS x SUMBER tetangga; teman", "1 sumber langsung"),
        ("HOAKS K-9 x SUMBER BPBD; lihat langsung", "tidak ada di pos ini"),
        ("TARIK B-9 sumbernya ternyata keliru", "B-9 tidak ada"),
        ("TOLAK D-4KX2 salah", "Tidak ada D-4KX2"),
        ("OK 4KX2", "Tidak ada D-4KX2"),
        ("OK", "Tulis: OK D-4KX2"),
        ("BANTUAN", "HOAKS/DISINFORMASI"),
        ("DAFTAR", "Draf: tidak ada. Isu: tidak ada."),
        ("STATUS", "jam PASTI"),
        ("BEKUKAN Tidak Ada", "Tidak ada relawan atau pos lain bernama"),
    ],
)
async def test_every_answer_says_what_to_do(post, text, words):
    await post.hear(V3, text)
    (said,) = await post.said(V3)
    assert words in said
    assert len(said.encode()) <= MAX_TEXT_BYTES


async def test_a_list_names_drafts_and_claims(post):
    await post.hear(V1, "CEK bendungan jebol")
    code = await drafted(post)
    await post.hear(V3, "daftar")
    assert f"Draf: D-{code} HOAKS. Isu: K-1 (1x)." in await post.last(V3)


async def test_two_verifiers_freeze_a_radio_by_name(post):
    await post.hear(V3, "BEKUKAN budi")
    assert "Permintaan bekukan Budi dicatat" in await post.last(V3)
    await post.cry()
    assert "Citra minta BEKUKAN Budi" in await post.last(V4)
    code = draft_code(V2.radio)
    await post.hear(V4, f"OK S-{code}")
    assert "belum sampai utuh" in await post.last(V4)
    await post.out()
    await post.hear(V4, f"OK S-{code}")
    assert "Budi DIBEKUKAN" in await post.last(V4)
    await post.hear(V2, HOAX)
    assert "dibekukan" in await post.last(V2)
    assert await post.show() == []


async def test_one_verifier_alone_freezes_nobody(post):
    await post.hear(V3, "BEKUKAN budi")
    await post.hear(V3, "BEKUKAN budi")
    assert "dalam 30 hari" in await post.last(V3)
    await post.hear(V2, HOAX)
    assert len(await post.show()) == 1


async def test_a_flood_of_commands_is_answered_only_so_often(post):
    for _ in range(30):
        await post.hear(V3, "STATUS")
    assert len(await post.said(V3)) == 10
    for number in range(40):
        await post.hear(VILLAGER + number, "CEK B-1")
    packets = await post.packets()
    assert sum(p.dest >= VILLAGER for p in packets) == 8


WORDS = [name for word in WORD_LIST for name in (word.verb.value, *word.also)]
RESTS = [
    "",
    "B-1",
    "K-1",
    "D-4KX2",
    "S-4KX2",
    "Budi",
    "x SUMBER BPBD; kades",
    "\x00",
    "\ufe0f",
    "99999",
]


async def test_any_text_is_answered_within_one_packet_and_breaks_nothing(post):
    chance = random.Random(5)
    await post.hear(V1, "CEK bendungan jebol")
    await drafted(post)
    for number in range(300):
        pieces = [chance.choice(WORDS + RESTS) for _ in range(chance.randrange(1, 4))]
        noise = bytes(chance.randrange(256) for _ in range(chance.randrange(30)))
        text = " ".join(pieces)
        payload = chance.choice([text.encode(), text.encode() + noise, noise])[:200]
        post.inbound._volunteers._limits = Limits()
        who = chance.choice([V1, V3, V4, RINA, VILLAGER + number])
        await post.hear(who, "", payload=payload)
        if number % 20 == 0:
            await post.cry()
            await post.out()
    assert all(len(p.payload) <= MAX_TEXT_BYTES for p in await post.packets())


async def test_a_post_without_a_key_says_so(tmp_path):
    async with open_office(tmp_path / "x.db") as post:
        office = replace(post.office, attestor=None)
        post.inbound._volunteers._office = office
        await post.hear(V3, HOAX)
        assert "belum disahkan" in await post.last(V3)


async def test_a_recorded_command_does_not_use_up_what_its_owner_may_say(post):
    await post.hear(V3, "STATUS", packet_id=77)
    for _ in range(volunteers.VOLUNTEER_RATE.burst + 2):
        await post.hear(V3, "STATUS", packet_id=77)
    assert len(await post.said(V3)) == 1
    await post.hear(V3, "DAFTAR", packet_id=78)
    assert len(await post.said(V3)) == 2


async def test_what_rests_on_a_revoked_key_is_not_called_genuine(post):
    """It claims to be older than the doubt, and came later: its date may be invented."""
    today = day_of(time.time())  # the test's clock is the machine's
    dated = {"made_min": (today - 3) * 1440, "trust": TimeTrust.ABOUT}
    bulletin = samples.bulletin(V1, when=dated, expires_6h=100)
    await post.enter(bulletin, samples.approval(bulletin, V3, **dated))
    await post.hear(VILLAGER, "CEK B-17")
    assert "B-17 SAH. HOAKS" in await post.last(VILLAGER)
    await post.enter(samples.revocation(V3.key, RINA.key, since=today - 1))
    await post.hear(VILLAGER + 1, "CEK B-17")
    assert "B-17 DIPERIKSA ULANG" in await post.last(VILLAGER + 1)
