"""JSON requests, by post and by socket: the same function, the same answers."""

import json

import pytest
from aiohttp.test_utils import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kimnode.errors import StoreError
from kimnode.record import Kind
from kimnode.rules.limits import Rate
from kimnode.store import log, views
from kimnode.web import posting
from kimnode.web.identity import Phone
from kimnode.web.posting import answer
from kimnode.web.words import Words
from tests.web.conftest import Village, say

JSON = {"Content-Type": "application/json"}
CID = "00112233445566778899aabbccddeeff"
GOOD = {"t": "post", "cid": CID, "room": "umum", "text": "Halo", "nick": "Ani"}
WORDS = Words("id", "Asia/Makassar")
PHONE = Phone("x", bytes(8), "10.10.10.20")


async def post(phone: TestClient, request: object) -> tuple[int, dict]:
    data = request if isinstance(request, bytes) else json.dumps(request).encode()
    reply = await phone.post("/api/post", data=data, headers=JSON)
    return reply.status, await reply.json()


def counted(village: Village, name: str) -> float:
    return sum(
        sample.value
        for metric in village.metrics.registry.collect()
        for sample in metric.samples
        if sample.name == f"kimnode_{name}_total"
    )


async def test_the_answer_comes_after_the_commit(phone: TestClient, village: Village):
    status, said = await post(phone, GOOD)
    assert (status, said) == (200, {"t": "ok", "cid": CID, "seq": 1})
    kept = await village.db.read(lambda c: views.one(c, 1))
    assert kept is not None
    assert (kept.text, kept.name, kept.client_id) == ("Halo", "Ani", CID)


async def test_the_same_client_id_again_is_the_same_message(phone: TestClient, village: Village):
    await post(phone, GOOD)
    assert await post(phone, GOOD) == (200, {"t": "ok", "cid": CID, "seq": 1})
    assert await village.db.read(log.last_seq) == 1


async def test_the_name_is_remembered(phone: TestClient, village: Village):
    await post(phone, GOOD)
    await post(phone, GOOD | {"cid": CID[::-1], "text": "Lagi", "nick": ""})
    kept = await village.db.read(lambda c: views.one(c, 2))
    assert kept is not None
    assert kept.name == "Ani"


BAD = [
    (b"{", 400, "bad-request"),
    (b"\xff\xfe{}", 400, "bad-request"),
    (b"[]", 400, "bad-request"),
    (b"1", 400, "bad-request"),
    (b"[" * 16_000, 400, "bad-request"),
    (GOOD | {"t": "dance"}, 400, "bad-request"),
    (GOOD | {"t": 5}, 400, "bad-request"),
    (GOOD | {"text": None}, 400, "bad-request"),
    (GOOD | {"text": ["x"]}, 400, "bad-request"),
    (GOOD | {"about": "1"}, 400, "bad-request"),
    (GOOD | {"about": True}, 400, "bad-request"),
    (GOOD | {"about": -1}, 400, "bad-request"),
    (GOOD | {"about": 10**40}, 400, "bad-request"),
    (GOOD | {"about": 99}, 400, "unknown-subject"),
    (GOOD | {"cid": "zz"}, 400, "bad-id"),
    (GOOD | {"cid": "00"}, 400, "bad-id"),
    (GOOD | {"cid": CID * 2}, 400, "bad-id"),
    (GOOD | {"cid": 7}, 400, "bad-request"),
    (GOOD | {"room": "rahasia"}, 400, "unknown-room"),
    (GOOD | {"room": ""}, 400, "unknown-room"),
    (GOOD | {"text": ""}, 400, "empty"),
    (GOOD | {"text": "a\u0000b"}, 400, "bad-text"),
    (GOOD | {"text": "a\u202eb"}, 400, "bad-text"),
    (GOOD | {"text": "\ud800"}, 400, "bad-text"),
    (GOOD | {"text": "x" * 1001}, 413, "too-long"),
    (GOOD | {"text": "😀" * 200}, 413, "too-long"),
    (GOOD | {"nick": ""}, 400, "bad-name"),
    (GOOD | {"nick": "\ud800"}, 400, "bad-name"),
    (GOOD | {"nick": "Admin"}, 400, "bad-name"),
    (GOOD | {"t": "take", "about": 99}, 400, "unknown-subject"),
    (GOOD | {"t": "take"}, 400, "unknown-subject"),
]


@pytest.mark.parametrize(("request_", "status", "reason"), BAD, ids=lambda v: str(v)[:40])
async def test_bad_requests_are_told_counted_and_forgotten(
    phone: TestClient, village: Village, request_: object, status: int, reason: str
):
    got, said = await post(phone, request_)
    assert (got, said["t"], said["reason"]) == (status, "refused", reason)
    assert said["words"]
    assert said["retry_after"] == 0
    assert await village.db.read(log.last_seq) == 0
    assert counted(village, "refused") + counted(village, "wire_errors") == 1


async def test_a_wrong_content_type_is_refused(phone: TestClient):
    reply = await phone.post("/api/post", data=b"{}", headers={"Content-Type": "text/plain"})
    assert reply.status == 400


async def test_too_fast_says_when_to_come_back(phone: TestClient, village: Village):
    for number in range(6):
        status, said = await post(phone, GOOD | {"cid": f"{number:032x}", "text": f"no {number}"})
    assert (status, said["reason"]) == (429, "too-fast")
    assert 0 < said["retry_after"] < 1000


async def test_the_same_words_again_are_not_to_be_retried(phone: TestClient):
    await post(phone, GOOD)
    status, said = await post(phone, GOOD | {"cid": CID[::-1]})
    assert (status, said["reason"], said["retry_after"]) == (429, "repeated-text", 0)


async def test_a_full_disk_keeps_the_message_in_the_phone(
    phone: TestClient, village: Village, monkeypatch: pytest.MonkeyPatch
):
    async def full(*_args: object) -> None:
        raise StoreError("no space left")

    monkeypatch.setattr(village.intake, "accept", full)
    status, said = await post(phone, GOOD)
    assert (status, said["reason"]) == (503, "disk-full")
    assert said["retry_after"] > 0
    assert "no space" not in said["words"]


async def test_a_reply_points_at_its_message(phone: TestClient, village: Village):
    seq = await say(village, "Ada apa?", "Budi")
    await post(phone, GOOD | {"about": seq})
    kept = await village.db.read(lambda c: views.one(c, seq + 1))
    assert kept is not None
    assert kept.quote is not None
    assert kept.quote.seq == seq


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
requests = st.dictionaries(
    st.sampled_from(["t", "cid", "room", "text", "nick", "about", "x"]),
    json_values | st.sampled_from(["post", "sos", "take", "cancel", "umum", CID, 1]),
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(raw=st.binary(max_size=200) | requests.map(json.dumps))
async def test_whatever_a_phone_sends_it_gets_an_answer(village: Village, raw: bytes | str):
    status, text = await answer(village.site, WORDS, PHONE, raw)
    assert status in (200, 400, 403, 413, 429)
    assert json.loads(text)["t"] in ("ok", "refused")


@pytest.mark.parametrize("key", ["cid", "room", "nick", "t"])
async def test_half_an_emoji_anywhere_is_answered_in_words(phone: TestClient, key: str):
    status, said = await post(phone, GOOD | {key: "\ud83d"})
    assert (status, said["t"]) == (400, "refused")


async def test_calls_for_help_from_one_address_under_ever_new_tokens_are_bounded(
    village: Village, monkeypatch
):
    monkeypatch.setitem(posting.RATES, Kind.SOS, Rate(burst=3, every_s=1000))
    answers, site = [], village.site
    for number in range(5):
        one = Phone(f"t{number}", number.to_bytes(8, "big"), "10.10.10.21")
        request = {"t": "sos", "cid": f"{number:032x}", "text": "tolong", "nick": ""}
        answers.append((await answer(site, WORDS, one, json.dumps(request)))[0])
    assert answers == [200, 200, 200, 429, 429]
