"""A call for help: on every phone until a named person takes it, and its sender learns that."""

import json
import re

import pytest
from aiohttp.test_utils import TestClient, TestServer

from kimnode.record import Kind, Reception, Via
from kimnode.store import views
from kimnode.wire import records
from tests.web.conftest import Village, put, say
from tests.web.test_posting import CID, post


async def page(phone: TestClient, path: str = "/r/warung") -> str:
    return await (await phone.get(path)).text()


@pytest.fixture
async def helper(server: TestServer):
    async with TestClient(server) as other:
        yield other


async def alarm(
    phone: TestClient, text: str = "Rumah terbakar di Dusun 2", nick: str = "Ani"
) -> int:
    _, said = await post(phone, {"t": "sos", "cid": CID, "text": text, "nick": nick})
    assert said["t"] == "ok", said
    return int(said["seq"])


async def drawn(village: Village, phone: TestClient, seq: int) -> None:
    """Wait until the feed has seen it: pages show the alarms that the feed knows."""
    async with phone.ws_connect("/ws") as ws:
        await ws.send_json({"after": seq - 1})
        while seq not in [i.get("seq") for i in json.loads((await ws.receive(5)).data)]:
            pass


async def test_the_alarm_is_on_every_page(phone: TestClient, helper: TestClient, village: Village):
    seq = await alarm(phone)
    await drawn(village, helper, seq)
    for path in ("/r/umum", "/r/warung", "/r/tanya-kim", "/r/darurat"):
        html = await page(helper, path)
        assert 'role="alert"' in html
        assert "Rumah terbakar di Dusun 2" in html
        assert f'action="/sos/{seq}/tangani"' in html
        assert "Saya tangani" in html
    assert f'action="/sos/{seq}/batal"' in await page(phone)
    assert "Batalkan (salah tekan)" in await page(phone)


async def test_a_named_person_takes_it(phone: TestClient, helper: TestClient, village: Village):
    seq = await alarm(phone)
    answer = await helper.post(f"/sos/{seq}/tangani", data={})
    html = await answer.text()
    assert "Pengirim SOS perlu tahu siapa yang datang" in html  # no name yet: asked for it
    answer = await helper.post(f"/sos/{seq}/tangani", data={"nick": "Budi"})
    assert answer.status == 200
    await drawn(village, phone, seq + 1)
    html = await page(phone, "/r/darurat")
    assert re.search(r"Ditangani oleh Budi·[0-9A-Z]{3}", html)
    assert 'class="alarm' not in html
    assert village.metrics.registry.get_sample_value("kimnode_open_sos") == 0


async def test_a_reserved_name_cannot_take_it(phone: TestClient, helper: TestClient):
    seq = await alarm(phone)
    answer = await helper.post(f"/sos/{seq}/tangani", data={"nick": "BPBD"})
    assert answer.status == 400
    assert "Isi nama panggilan lain" in await answer.text()


async def test_only_the_sender_takes_it_back(
    phone: TestClient, helper: TestClient, village: Village
):
    seq = await alarm(phone)
    await helper.post("/nama", data={"nick": "Budi"})
    answer = await helper.post(f"/sos/{seq}/batal", data={})
    assert answer.status == 403
    assert "Hanya pengirim" in await answer.text()
    answer = await phone.post(f"/sos/{seq}/batal", data={}, allow_redirects=False)
    assert answer.status == 303
    await drawn(village, phone, seq + 1)
    html = await page(phone, "/r/darurat")
    assert "Dibatalkan oleh pengirim" in html
    assert 'class="alarm' not in html


async def test_a_second_helper_is_told_that_it_is_taken(phone: TestClient, helper: TestClient):
    seq = await alarm(phone)
    await helper.post(f"/sos/{seq}/tangani", data={"nick": "Budi"})
    status, said = await post(phone, {"t": "take", "cid": CID[::-1], "about": seq, "nick": "Citra"})
    assert (status, said["reason"]) == (400, "sos-closed")


async def test_without_a_script_it_takes_two_steps(phone: TestClient, village: Village):
    html = await page(phone, "/r/darurat")
    assert 'id="sos" class="i siren" href="/sos"' in html
    html = await page(phone, "/sos")
    token = re.search(r'name="token" value="(\w+)"', html)
    assert token
    form = {"text": "Banjir", "token": token[1]}
    answer = await phone.post("/sos", data=form, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/r/darurat#end")
    await phone.post("/sos", data=form)
    kept = await village.db.read(lambda c: views.since(c, 0, 10))
    assert [(m.kind, m.text, m.name) for m in kept] == [(Kind.SOS, "Banjir", "Warga")]


@pytest.mark.parametrize(
    ("text", "nick", "kept"),
    [
        ("", "", ("Butuh pertolongan", "Warga")),
        ("tolong\u0000\u202e!", "Polisi", ("tolong!", "Warga")),
        ("\ud800", "Ani", ("?", "Ani")),
    ],
)
async def test_help_is_not_refused_for_its_form(
    phone: TestClient, village: Village, text: str, nick: str, kept: tuple[str, str]
):
    seq = await alarm(phone, text, nick)
    message = await village.db.read(lambda c: views.one(c, seq))
    assert message is not None
    assert (message.text, message.name) == kept


async def test_one_alarm_at_a_time(phone: TestClient):
    await alarm(phone)
    answer = await phone.post("/sos", data={"text": "Lagi", "token": "2"})
    assert answer.status == 400
    assert "masih berbunyi" in await answer.text()


async def test_an_alarm_from_a_radio_names_the_radio(phone: TestClient, village: Village):
    record = records.heard(Kind.SOS, 0x1F, 9, "Umum", "darurat", "kaki patah di ladang")
    await put(village, record, Via.RADIO, Reception(0x1F, 9, 1, 3.0, -90, direct=False))
    await drawn(village, phone, 1)
    html = await page(phone)
    assert "kaki patah di ladang" in html
    assert "!0000001f" in html
    assert "lewat 1 radio lain" in html


async def test_answers_in_the_room_are_just_talk(phone: TestClient, village: Village):
    seq = await alarm(phone)
    await say(village, "Kami berangkat", "Budi", room="darurat")
    assert f"balas={seq}" in await page(phone, "/r/darurat")
