"""Thousands of chat posts and one SOS, with the airtime that the law leaves: 1 % of every hour.

The SOS waits only for what the radio already has. All else stays within four fifths of the budget
in every rolling hour, by our own ledger and by what was really on the air.
"""

import asyncio
import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from kimnode.clock import Clock
from kimnode.radio.sender import MAX_IN_RADIO
from kimnode.radio.sim.village import SimVillage
from kimnode.rules.airtime import Priority
from tests.journeys.gateways import Gateway, open_gateway
from tests.journeys.phones import Doors
from tests.journeys.sizes import short_and_long
from tests.journeys.watch import AirWatch, Truth, texts_on
from tests.waiting import until

RADIOS = ["gerbang", "bukit", "sawah"]
HOUR_S, BUDGET_MS = 3600.0, 36_000.0
PER_PHONE = 5  # texts of one phone at once; six may go on the air in an hour
GRACE_S = 0.5  # real seconds from the log to the sender, which may just be choosing a packet
WRITERS = 10  # posts under way at once
ROUNDING_MS = 0.5

Ledger = dict[int, tuple[float, float]]  # packet id -> unix seconds, milliseconds


@dataclass(frozen=True, slots=True)
class Size:
    posts: int
    hours: float
    speed: float
    seed: int = 1


@pytest.mark.parametrize(
    "size", short_and_long(Size(1000, 1.25, 200), *(Size(10_000, 4, 100, seed) for seed in (2, 3)))
)
async def test_an_sos_overtakes_any_flood_and_the_flood_stays_within_its_budget(
    size, tmp_path, monkeypatch
):
    clock, rng = Clock(size.speed), random.Random(size.seed)
    async with SimVillage(RADIOS, seed=size.seed, clock=clock) as village:
        ours = village.device("gerbang").num
        air = AirWatch(village.air)
        truth = Truth(monkeypatch, air, {ours})
        ledger: Ledger = {}
        async with open_gateway(tmp_path / "x.db", clock, village.port("gerbang")) as gateway:
            await gateway.radio_is_up()
            async with Doors(gateway.url, rng) as doors, asyncio.TaskGroup() as tasks:
                flood = tasks.create_task(write_all(doors, size.posts, clock))
                asking = tasks.create_task(ask_for_help(village))
                await until(lambda: len(sent(gateway, Priority.CHAT)) >= 5)
                await check_sos(village, gateway, doors, air)
                copying = tasks.create_task(copy_ledger(gateway, clock, ledger))
                await flood
                await clock.sleep(size.hours * HOUR_S)
                asking.cancel()
                copying.cancel()
            check_hours(gateway, air, ours, ledger)
            (posts,) = gateway.rows("SELECT count(*) FROM log WHERE kind = 1 AND via = 1")[0]
            assert posts == size.posts
        assert truth.lies == []


async def write_all(doors: Doors, posts: int, clock: Clock) -> None:
    """The flood: new phones all the time, each with as much as it may send."""

    async def write(first: int) -> None:
        for number in range(first, posts, WRITERS):
            if number // WRITERS % PER_PHONE == 0:
                cookie = doors.new_cookie()
            text, cid = f"kabar nomor {number} " + "-" * 40, secrets.token_hex(16)
            while (answer := await doors.post(cookie, f"Warga{first}", text, cid=cid))["t"] != "ok":
                assert answer["reason"] == "node-busy"
                await clock.sleep(answer["retry_after"])

    async with asyncio.TaskGroup() as tasks:
        for first in range(WRITERS):
            tasks.create_task(write(first))


async def ask_for_help(village: SimVillage) -> None:
    """Direct texts from radios: the answers are a class of their own."""
    for number in range(1000):
        for name in RADIOS[1:]:
            village.device(name).dm(village.device("gerbang").num, f"apa ini? {number}")
            await village.clock.sleep(HOUR_S / 6)


async def check_sos(village: SimVillage, gateway: Gateway, doors: Doors, air: AirWatch) -> None:
    """In the middle of the flood: nothing but what the radio had may go before it."""
    ours = village.device("gerbang").num
    answer = await doors.post(doors.new_cookie(), "Ani", "pohon tumbang", kind="sos")
    accepted_at, unix = village.timeline.now, village.clock.now()
    assert answer["t"] == "ok", answer
    await until(lambda: "SOS Ani: pohon tumbang" in texts_on(village.device("bukit")))
    (alarm,) = sent(gateway, Priority.SOS)[:1]
    sos_at = air.first_at(ours, alarm)
    others = [pid for pid in sent(gateway, Priority.CHAT) if air.was_sent(ours, pid)]
    before = [pid for pid in others if accepted_at < air.first_at(ours, pid) < sos_at]
    print(f"SOS on the air after {sos_at - accepted_at:.1f} s, {len(before)} packets before it")
    written = dict(gateway.rows("SELECT packet_id, written_at FROM outbox"))
    assert len(before) <= MAX_IN_RADIO
    assert [pid for pid in before if written[pid] > unix + GRACE_S * village.clock.speed] == []


async def copy_ledger(gateway: Gateway, clock: Clock, ledger: Ledger) -> None:
    """The node forgets what is older than two hours."""
    while True:
        rows = gateway.rows("SELECT packet_id, at, airtime_ms FROM airtime")
        ledger |= {pid: (at, ms) for pid, at, ms in rows}
        await clock.sleep(HOUR_S / 4)


def check_hours(gateway: Gateway, air: AirWatch, ours: int, ledger: Ledger) -> None:
    """Every rolling hour, by the air and by the ledger."""
    chat = set(sent(gateway, Priority.CHAT))
    direct = set(sent(gateway, Priority.DIRECT))
    assert direct
    for packets, share in ((chat, 0.6), (chat | direct, 0.8)):
        heard = [(t.at, t.air_ms) for t in air.of(ours, packets)]
        kept = [spent for pid, spent in ledger.items() if pid in packets]
        print(f"busiest hour: {busiest(heard):.0f} ms on air, {busiest(kept):.0f} ms in the ledger")
        assert busiest(heard) <= share * BUDGET_MS
        assert busiest(kept) <= share * BUDGET_MS + ROUNDING_MS
    assert busiest([(t.at, t.air_ms) for t in air.of(ours, chat)]) >= 0.3 * BUDGET_MS


def busiest(spent: Sequence[tuple[float, float]]) -> float:
    """Milliseconds of the fullest hour that ends with one of these (second, milliseconds)."""
    return max(sum(ms for at, ms in spent if end - HOUR_S < at <= end) for end, _ in spent)


def sent(gateway: Gateway, priority: Priority) -> list[int]:
    """Ids of this class's packets that were given to the radio, in order."""
    rows = gateway.rows(
        "SELECT packet_id FROM outbox WHERE priority = ? AND packet_id IS NOT NULL ORDER BY id",
        priority,
    )
    return [pid for (pid,) in rows]
