"""Alarms from a radio and from a phone: on every phone at once, said again until a person takes
them, taken and cancelled by name, and all of it over restarts of the node and beside another post.
"""

import contextlib
import random
import re
from collections.abc import AsyncIterator

import pytest

from kimnode.clock import Clock
from kimnode.radio.sim.village import SimVillage
from tests.journeys.gateways import Gateway, open_gateway
from tests.journeys.phones import Phone, crowd, living
from tests.journeys.sizes import short_and_long
from tests.journeys.watch import texts_on
from tests.waiting import until

RADIOS = ["gerbang", "bukit", "sawah"]
SPEED, HOURS_SPEED = 80, 200
QUIET_S = 30.0  # mesh seconds: a packet is surely on the air, or will not be


@pytest.fixture
async def village() -> AsyncIterator[SimVillage]:
    async with SimVillage(RADIOS, seed=6, clock=Clock(SPEED)) as village:
        yield village


@contextlib.asynccontextmanager
async def post(tmp_path, village: SimVillage, radio: str = "gerbang"):
    path = tmp_path / f"{radio}.db"
    name = f"Pos {radio}"
    async with open_gateway(path, village.clock, village.port(radio), name=name) as gateway:
        await gateway.radio_is_up()
        yield gateway


def alarms(phone: Phone) -> list[str]:
    """The alarms that stand on top of every page of this phone."""
    return [alarm["text"] for alarm in phone.board.get("alarms", [])]


def said(village: SimVillage, radio: str, text: str) -> int:
    return texts_on(village.device(radio)).count(text)


async def test_a_radios_sos_alarms_every_phone_over_a_restart_until_somebody_takes_it(
    village, tmp_path
):
    rng = random.Random(1)
    async with post(tmp_path, village) as gateway:
        phones = crowd(4, gateway.url, village.clock, rng)
        async with living(phones):
            village.device("bukit").say("SOS banjir di dusun 2")
            await until(lambda: all(alarms(p) == ["SOS banjir di dusun 2"] for p in phones))
            assert all(p.texts == ["SOS banjir di dusun 2"] for p in phones)
            await until(lambda: told(village, "bukit", "SOS bukit diterima Pos gerbang"))
    await village.clock.sleep(QUIET_S)
    async with post(tmp_path, village) as gateway:
        phones = crowd(4, gateway.url, village.clock, rng)
        async with living(phones):
            await until(lambda: all(alarms(p) == ["SOS banjir di dusun 2"] for p in phones))
            await until(lambda: said(village, "sawah", "SOS bukit: banjir di dusun 2") == 1)
            taker, seq = phones[2], phones[2].board["alarms"][0]["seq"]
            cid = taker.write("", kind="take", about=seq)
            await until(lambda: cid in taker.acked)
            await until(lambda: not any(alarms(p) for p in phones))
            assert all(notes(p) for p in phones)
            await until(lambda: told(village, "bukit", f"ditangani oleh {taker.nick}"))
            phones[1].write("", kind="take", about=seq)  # too late: it is taken
            await until(lambda: phones[1].refused)
            assert phones[1].refused[0]["reason"] == "sos-closed"
            village.device("bukit").say("batal sos")
            await until(lambda: told(village, "sawah", "SOS bukit dibatalkan"))
            await until(lambda: all(len(notes(p)) == 2 for p in phones))


async def test_a_phones_sos_is_said_again_over_a_restart_until_its_sender_takes_it_back(
    village, tmp_path
):
    rng = random.Random(2)
    async with post(tmp_path, village) as gateway:
        phones = crowd(3, gateway.url, village.clock, rng)
        async with living(phones):
            phones[0].write("pohon tumbang", kind="sos")
            await until(lambda: all(alarms(p) == ["pohon tumbang"] for p in phones))
            await until(lambda: said(village, "sawah", "SOS Warga0: pohon tumbang") == 1)
            phones[1].write("saya yang salah", kind="sos")
            await until(lambda: len(alarms(phones[2])) == 2)
    await village.clock.sleep(QUIET_S)
    async with post(tmp_path, village) as gateway:
        move(phones, gateway)
        async with living(phones):
            await until(lambda: said(village, "sawah", "SOS Warga0: pohon tumbang") == 2)
            await until(lambda: said(village, "bukit", "SOS Warga1: saya yang salah") == 2)
            mine, other = (alarm["seq"] for alarm in phones[0].board["alarms"])
            phones[0].write("", kind="cancel", about=other)
            await until(lambda: phones[0].refused)
            assert phones[0].refused[0]["reason"] == "not-yours"
            phones[0].write("", kind="cancel", about=mine)
            await until(lambda: all(alarms(p) == ["saya yang salah"] for p in phones))
            await until(lambda: said(village, "bukit", "BATAL SOS Warga0") == 1)
            await village.clock.sleep(400)
            assert said(village, "sawah", "SOS Warga0: pohon tumbang") == 2
            assert said(village, "bukit", "SOS Warga1: saya yang salah") == 3


@pytest.mark.parametrize("hours", short_and_long(0.28, 2.6))
@pytest.mark.parametrize("words", ["SOS banjir", "SOS", "SOS " + "tolong jembatan putus " * 8])
async def test_an_sos_that_nobody_takes_is_one_alarm_at_each_of_two_posts(tmp_path, words, hours):
    async with (
        SimVillage(RADIOS, seed=6, clock=Clock(HOURS_SPEED)) as village,
        post(tmp_path, village) as north,
        post(tmp_path, village, "sawah") as south,
    ):
        village.device("bukit").say(words)
        phones = crowd(1, north.url, village.clock, random.Random(3))
        async with living(phones):
            phones[0].write("api di pasar", kind="sos")
            await until(lambda: phones[0].acked)
            await village.clock.sleep(3600 * hours)
        for gateway in (north, south):
            assert len(open_alarms(gateway)) == 2, texts_on(village.device("bukit"))
    calls = [t for t in texts_on(village.device("bukit")) if re.match("SOS", t)]
    assert 4 <= len(calls) <= (2 + 1) * 7
    assert len(set(calls)) <= 3  # the phone's, and the walker's in the words of each post


def told(village: SimVillage, radio: str, words: str) -> bool:
    return any(words in text for text in texts_on(village.device(radio)))


def notes(phone: Phone) -> list[str]:
    return [m["text"] for m in phone.messages.values() if m["kind"] == "note"]


def move(phones: list[Phone], gateway: Gateway) -> None:
    """The node is at another port after its restart."""
    for phone in phones:
        phone.url = gateway.url


def open_alarms(gateway: Gateway) -> list[str]:
    rows = gateway.rows("SELECT text FROM sos JOIN body USING (seq) WHERE state = 'open'")
    return [text for (text,) in rows]
