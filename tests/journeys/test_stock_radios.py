"""From a rumour to a signed debunk with stock radios alone: nobody uses a phone, all may read it.

The volunteers' radios are driven by the official Meshtastic library. It knows nothing of kimnode.
"""

import re

import aiohttp
import pytest

from kimnode.clock import Clock
from kimnode.radio.sim.village import SimVillage
from kimnode.rules.commands import draft_code
from tests.journeys.staffed import handsets, open_staffed
from tests.rules.trust_samples import SALUTIWO, V1, V2, V3, V4
from tests.waiting import until

SPEED = 20.0
POST = "Pos Karataun"
VILLAGERS = ["Dusun Atas", "Dusun Bawah", "Pos Ronda", "Pustu"]
PEOPLE = {"Ani": V1, "Budi": V2, "Citra": V3, "Dewi": V4}
RADIOS = [*PEOPLE, *VILLAGERS]
SECOND = "Pos Salutiwo"
CODE = re.compile(r"D-([0-9A-Z]{4})")
SAID = "KIM: HOAKS - Bendungan tidak jebol. Sumber: BPBD; lihat langsung (B-1)"


@pytest.fixture
async def village():
    async with SimVillage([POST, SECOND, *RADIOS], seed=11, clock=Clock(SPEED)) as made:
        yield made


@pytest.fixture
async def post(village, tmp_path, monkeypatch):
    async with open_staffed(tmp_path / "x.db", village, POST, PEOPLE, monkeypatch) as gateway:
        yield gateway


def shown(village: SimVillage, name: str) -> list[str]:
    """The texts on the screen of this radio."""
    return [text.text for text in village.device(name).shown]


async def page(url: str) -> str:
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as response:
            return await response.text()


async def test_from_a_rumour_to_a_verdict_on_every_radio_and_phone_without_a_phone(village, post):
    async with handsets(village, POST, ["Ani", "Budi", "Citra"]) as (ani, budi, citra):
        await ani.type("Cek bendungan jebol")
        assert "K-1" in await ani.reads("Kabar dicatat")
        await budi.type("HOAKS k1 Bendungan tidak jebol SUMBER BPBD; lihat langsung")
        code = CODE.search(await budi.reads("dicatat: HOAKS"))[1]
        draft = await citra.reads(f"D-{code}: HOAKS - Bendungan tidak jebol")
        assert f"OK D-{code}" in draft
        assert not any("KIM:" in t for name in RADIOS for t in shown(village, name))
        await until(lambda: told(post, code, times=2), 60)
        await citra.type(f"ok d{code.lower()}")
        await citra.reads("terbit sebagai B-1")
        for name in RADIOS:
            await until(lambda name=name: SAID in shown(village, name), 60)
        await ani.reads("Hasil cek kabar yang Anda laporkan: HOAKS - Bendungan tidak jebol")
        await budi.reads(f"D-{code} disetujui Citra")
        await ani.type("CEK B-1")
        await ani.reads("B-1 SAH. HOAKS - Bendungan tidak jebol")
    assert "Bendungan tidak jebol" in await page(post.url + "buletin")
    for name in RADIOS:
        assert shown(village, name).count(SAID) == 1
    states = post.rows("SELECT state FROM bulletin")
    assert states == [("verified",)]


async def test_rejection_withdrawal_and_a_frozen_radio(village, post):
    to = village.device(POST).num

    async def say(name: str, text: str, answer: str) -> str:
        """Type it on the radio itself, and read what it shows in answer."""
        before = sum(answer in text for text in shown(village, name))
        village.device(name).dm(to, text)
        await until(lambda: sum(answer in text for text in shown(village, name)) > before, 60)
        return next(t for t in reversed(shown(village, name)) if answer in t)

    async def reaches(name: str, words: str) -> None:
        await until(lambda: any(words in text for text in shown(village, name)), 60)

    made = await say("Budi", "hoaks Jembatan putus SUMBER BPBD; kades", "dicatat: HOAKS")
    code = CODE.search(made)[1]
    await reaches("Citra", f"TOLAK D-{code}")
    await say("Citra", f"TOLAK D-{code} foto itu tahun lalu", "ditolak dan tidak terbit")
    await reaches("Budi", "ditolak Citra: foto itu tahun lalu")
    await say("Dewi", f"OK D-{code}", "Tidak ada D-")
    assert post.rows("SELECT state FROM bulletin") == [("rejected",)]

    made = await say("Citra", "INFO Posyandu hari Rabu jam 8", "dicatat: INFO")
    code = CODE.search(made)[1]
    await reaches("Dewi", f"OK D-{code}")
    await until(lambda: told(post, code), 60)
    await say("Dewi", f"OK D-{code}", "terbit sebagai B-2")
    await reaches("Pustu", "KIM: INFO - Posyandu hari Rabu jam 8 (B-2)")
    made = await say("Dewi", "tarik b2 jadwalnya pindah ke Kamis", "DICABUT B-2")
    code = CODE.search(made)[1]
    await reaches("Citra", f"OK D-{code}")
    await until(lambda: told(post, code), 60)
    await say("Citra", f"OK D-{code}", "terbit sebagai B-3")
    await reaches("Pustu", "KIM: DICABUT B-2 - jadwalnya pindah ke Kamis (B-3)")

    await say("Citra", "BEKUKAN Budi", "Permintaan bekukan Budi")
    await reaches("Dewi", "Citra minta BEKUKAN Budi")
    await say("Dewi", "BEKUKAN Budi", "Budi DIBEKUKAN 72 jam")
    await say("Budi", "DAFTAR", "sedang dibekukan")


async def test_ok_before_the_draft_was_delivered_sends_it_again(village, post):
    to = village.device(POST).num
    village.device("Citra").power_off()
    village.device("Budi").dm(to, "INFO Air bersih dibagi jam 9")
    await until(lambda: any("dicatat: INFO" in t for t in shown(village, "Budi")), 60)
    (row,) = post.rows("SELECT id FROM bulletin")
    code = draft_code(row[0])
    lost = "SELECT 1 FROM outbox JOIN told ON id = first_row WHERE dest = ? AND written_at > 0"
    await until(lambda: post.rows(lost, village.device("Citra").num), 60)
    await village.clock.sleep(40)  # the radio has tried as often as it does
    assert not any(code in text for text in shown(village, "Citra"))
    village.device("Citra").power_on()
    village.device("Citra").dm(to, f"OK D-{code}")
    await until(lambda: any("belum sampai utuh" in t for t in shown(village, "Citra")), 60)
    await until(lambda: any(t.startswith(f"D-{code}: INFO") for t in shown(village, "Citra")), 60)
    assert post.rows("SELECT state FROM bulletin") == [("waiting",)]
    await until(lambda: told(post, code), 60)
    village.device("Citra").dm(to, f"OK D-{code}")
    await until(lambda: post.rows("SELECT state FROM bulletin") == [("verified",)], 60)


async def test_an_unknown_radio_gives_no_orders(village, post):
    to = village.device(POST).num
    village.device("Pustu").dm(to, "HOAKS Semua aman SUMBER BPBD; kades")
    await until(lambda: any("untuk relawan KIM" in t for t in shown(village, "Pustu")), 60)
    budi = village.device("Budi")
    budi.dm(to, "INFO Posyandu hari Rabu")
    await until(lambda: any("dicatat: INFO" in t for t in shown(village, "Budi")), 60)
    assert len(post.rows("SELECT 1 FROM bulletin")) == 1
    ((key, num),) = post.rows("SELECT public_key, node_num FROM command")
    assert (bytes(budi.board.state.owner.public_key), budi.num) == (key, num)


async def test_a_recorded_command_is_no_command_even_for_a_radio_that_forgot_it(village, post):
    """Somebody records the sealed packet on the air, and sends it again after a power cut."""
    sent = []
    transmit = village.air.transmit

    def record(num, frame, tuning):
        sent.append((num, frame, tuning))
        return transmit(num, frame, tuning)

    village.air.transmit = record
    gateway, budi, thief = (village.device(name) for name in (POST, "Budi", "Pustu"))
    await until(lambda: post.rows("SELECT count(*) FROM pinned") == [(len(PEOPLE),)], 60)
    budi.dm(gateway.num, "INFO Posyandu hari Rabu")
    await until(lambda: any("dicatat: INFO" in t for t in shown(village, "Budi")), 60)
    of_budi = [(frame, tuning) for _, frame, tuning in sent if frame.sender == budi.num]
    recorded = next(one for one in of_budi if one[0].to == gateway.num)  # not what Budi relayed
    gateway.reboot()
    await until(lambda: gateway.powered, 60)
    await until(lambda: post.rows("SELECT 1 FROM fact WHERE name = 'pinned-into'"), 60)
    await post.radio_is_up()
    budi.power_off()
    transmit(thief.num, *recorded)
    await until(lambda: post.rows("SELECT 1 FROM incident WHERE kind = 'radio-replayed'"), 60)
    assert len(post.rows("SELECT 1 FROM bulletin")) == 1


async def test_another_post_knows_the_text_and_says_nothing_twice(
    village, post, tmp_path, monkeypatch
):
    """Both persons used one post's radio: elsewhere it holds by that post's word only. Its text on
    the channel is no forgery there; a made-up one is, at both posts, and one warns."""
    second = open_staffed(tmp_path / "y.db", village, SECOND, PEOPLE, monkeypatch, SALUTIWO)
    async with second as other:
        to = village.device(POST).num
        village.device("Budi").dm(to, "HOAKS Bendungan tidak jebol SUMBER BPBD; lihat langsung")
        await until(lambda: post.rows("SELECT 1 FROM told"), 60)
        ((whole,),) = post.rows("SELECT id FROM bulletin")
        await until(lambda: told(post, draft_code(whole), times=2), 60)
        village.device("Citra").dm(to, f"OK D-{draft_code(whole)}")
        await until(lambda: SAID in shown(village, "Pustu"), 60)
        via_post = [("via-post",)]
        await until(lambda: other.rows("SELECT state FROM bulletin") == via_post, 60)
        forged = SAID.replace("tidak jebol", "sudah jebol")
        village.device("Dusun Atas").say(forged)
        noted = "SELECT who FROM incident WHERE kind = 'kim-imitation'"
        who = f"!{village.device('Dusun Atas').num:08x}"
        for gateway in (post, other):
            await until(lambda gateway=gateway: gateway.rows(noted) == [(who,)], 60)
        await until(lambda: any("BUKAN dari KIM" in t for t in shown(village, "Pustu")), 60)
        await village.clock.sleep(120)
        assert shown(village, "Pustu").count(SAID) == 1
        assert sum("BUKAN dari KIM" in text for text in shown(village, "Pustu")) == 1


async def test_the_volunteers_keys_are_kept_in_the_posts_radio(village, post):
    nodes = village.device(POST).board.nodes
    budi = village.device("Budi")
    await until(lambda: nodes.get(budi.num).verified and nodes.get(budi.num).favorite, 60)
    assert nodes.public_key(budi.num) == bytes(budi.board.state.owner.public_key)
    assert not nodes.get(village.device("Pustu").num).verified
    await until(lambda: post.rows("SELECT count(*) FROM pinned") == [(len(PEOPLE),)], 60)


def told(post, code: str, times: int = 1) -> bool:
    """Whether so many radios have acknowledged the whole draft."""
    arrived = 0
    for subject, first, last in post.rows("SELECT subject, first_row, last_row FROM told"):
        ((whole,),) = post.rows("SELECT id FROM bulletin WHERE seq = ?", subject)
        states = post.rows("SELECT state FROM outbox WHERE id BETWEEN ? AND ?", first, last)
        arrived += draft_code(whole) == code and set(states) == {("delivered",)}
    return arrived >= times
