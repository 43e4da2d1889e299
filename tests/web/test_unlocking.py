"""Enrolment, share and PIN tries, asked as no browser of ours would ask."""

import hashlib
import hmac

import pytest
from aiohttp.test_utils import TestClient

from kimnode.errors import Refused
from kimnode.store import staff
from kimnode.store.db import Database
from kimnode.web.unlocking import ENROL_DOMAIN
from kimnode.wire import signing
from tests.rules import trust_samples as chain
from tests.web import trusted
from tests.web.conftest import Village

CODE = "undangan-panjang-1"
TOKEN = "07" * 32
NOW = 1_800_000_000


async def post(phone: TestClient, path: str, value: object, **how) -> tuple[int, dict]:
    answer = await phone.post(f"/api/staf/{path}", json=value, **how)
    return answer.status, await answer.json()


def wish(person: chain.Person = chain.V1, code: str = CODE, gateway: bytes = b"") -> dict:
    """What the page sends: the public key, and proof of the private one."""
    proof = signing.to_be_signed(ENROL_DOMAIN, [gateway, code, person.key])
    sig = signing.sign(person.seed, proof).hex()
    return {"code": code, "key": person.key.hex(), "u": TOKEN, "sig": sig}


@pytest.fixture
async def invited(village: Village) -> Village:
    await trusted.invite(village, CODE, chain.V1)
    return village


async def test_an_invitation_is_used_once(invited: Village, phone: TestClient):
    status, said = await post(phone, "daftar", wish())
    assert (status, said["name"]) == (200, "Ani")
    secret = await invited.db.read(lambda c: c.execute("SELECT secret FROM share").fetchone()[0])
    share = hmac.new(secret, bytes.fromhex(TOKEN), hashlib.sha256).hexdigest()
    assert said["share"] == share
    assert (await post(phone, "bagian", {"key": chain.V1.key.hex(), "u": TOKEN}))[1][
        "share"
    ] == share
    assert (await post(phone, "daftar", wish(chain.V2)))[1]["reason"] == "no-invitation"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"code": "eine-andere-1234567"}, "bad-signature"),
        ({"key": chain.V2.key.hex()}, "bad-signature"),
        ({"sig": "00" * 64}, "bad-signature"),
        ({"u": "07"}, "bad-request"),
        ({"key": "zz"}, "bad-request"),
        ({"code": 5}, "bad-request"),
        ({"code": "x" * 200}, "bad-request"),
        ({"code": "\ud800"}, "bad-request"),  # JSON can spell it, UTF-8 cannot
    ],
)
async def test_a_key_without_its_other_half_is_not_enrolled(
    invited: Village, phone: TestClient, change: dict, reason: str
):
    assert (await post(phone, "daftar", {**wish(), **change}))[1]["reason"] == reason
    assert await invited.db.read(lambda c: staff.is_enrolled(c, chain.V1.key)) is False


async def test_a_code_of_nobody_and_a_proof_for_another_gateway(
    invited: Village, phone: TestClient
):
    _, said = await post(phone, "daftar", wish(code="tidak-ada-1234567"))
    assert said["reason"] == "no-invitation"
    other = wish(gateway=chain.SALUTIWO.key)
    assert (await post(phone, "daftar", other))[1]["reason"] == "bad-signature"


async def test_shares_of_strangers_and_other_content(village: Village, phone: TestClient):
    asked = {"key": chain.V1.key.hex(), "u": TOKEN}
    assert (await post(phone, "bagian", asked))[1]["reason"] == "unknown-key"
    answer = await phone.post("/api/staf/bagian", data=asked)
    assert (await answer.json())["reason"] == "bad-request"
    for body in (b"", b"[]", b"{", b"\xff", b"[" * 5000):
        answer = await phone.post(
            "/api/staf/bagian", data=body, headers={"Content-Type": "application/json"}
        )
        assert (await answer.json())["reason"] == "bad-request", body[:9]


async def test_addresses_far_away_need_the_staff_network(village: Village, phone: TestClient):
    """A proxy on this machine speaks for whoever stands behind it."""
    asked = {"key": chain.V1.key.hex(), "u": TOKEN}
    for headers, status in (
        ({"X-Forwarded-For": "10.10.10.77"}, 403),
        ({"Forwarded": "for=10.10.10.77"}, 403),
        ({"X-Forwarded-For": "10.10.10.77", "X-Forwarded-Proto": "https"}, 400),
        ({}, 400),
    ):
        got, said = await post(phone, "bagian", asked, headers=headers)
        assert got == status, headers
        assert said["words"].count(".") >= 2  # what is wrong, and what to do


async def test_tries_are_counted_on_disk_and_wait_longer_each_time(db: Database):
    key = b"k" * 32
    await db.write(lambda c: staff.give_share(c, key, b"s" * 32))
    waits = []
    now = NOW
    for _ in range(14):
        try:
            await db.write(lambda c, n=now: staff.try_share(c, key, n))
            waits.append(0)
        except Refused as refused:
            waits.append(int(refused.retry_after_s))
            now += int(refused.retry_after_s)
            await db.write(lambda c, n=now: staff.try_share(c, key, n))
    assert waits[:5] == [0] * 5
    grown = [wait for wait in waits if wait]
    assert grown == sorted(grown)
    assert grown[0] == staff.FIRST_DELAY_S
    assert grown[-1] == staff.MAX_DELAY_S


async def test_a_clock_that_was_ahead_locks_nobody_out(db: Database):
    key, ahead = b"k" * 32, NOW + 10 * 365 * 86_400
    await db.write(lambda c: staff.give_share(c, key, b"s" * 32))
    for _ in range(5):
        await db.write(lambda c: staff.try_share(c, key, ahead))
    with pytest.raises(Refused) as refused:
        await db.write(lambda c: staff.try_share(c, key, NOW))
    assert refused.value.retry_after_s <= staff.delay_s(5)


async def test_a_right_pin_clears_the_tries(db: Database):
    key = b"k" * 32
    await db.write(lambda c: staff.give_share(c, key, b"s" * 32))
    for _ in range(3):
        for _ in range(5):
            await db.write(lambda c: staff.try_share(c, key, NOW))
        await db.write(lambda c: staff.trusted(c, key))
    with pytest.raises(Refused):
        await db.write(lambda c: staff.give_share(c, key, b"t" * 32))
