"""The radio hangs for two minutes while people write: everything goes out later, once, in order,
and nobody is told that something was sent before the air has carried it.
"""

import contextlib
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from kimnode.clock import Clock
from kimnode.radio.sim.village import SimVillage
from kimnode.wire.airtext import split
from tests.journeys.gateways import hanging, open_gateway
from tests.journeys.phones import Phone, crowd, living
from tests.journeys.watch import CLAIMS, AirWatch, Truth, arrive, texts_on
from tests.radio.freezer import Freezer
from tests.waiting import until

RADIOS = ["gerbang", "bukit", "sawah"]
SPEED = 40
HANG_S, NOTICED_S, LATE_S = 120.0, 90.0, 120.0
LONG_TEXT = "Banjir di dusun dua 🌊 jembatan putus 🌉 perlu perahu 🚣 dan obat 💊. " * 5

Hang = Callable[[], AbstractContextManager[None]]


@contextlib.asynccontextmanager
async def stopped_processor(village: SimVillage) -> AsyncIterator[tuple[int, Hang]]:
    """Connections still open, bytes pile up; all of them are obeyed when the radio goes on."""
    async with Freezer(village.port("gerbang")) as wire:

        @contextlib.contextmanager
        def frozen() -> Iterator[None]:
            wire.freeze()
            try:
                yield
            finally:
                wire.thaw()

        yield wire.port, frozen


@contextlib.asynccontextmanager
async def stuck_cable(village: SimVillage) -> AsyncIterator[tuple[int, Hang]]:
    """The radio lives and sends what it has; what it had not read is gone with the connection."""
    yield village.port("gerbang"), lambda: hanging(village.device("gerbang"))


@pytest.mark.parametrize("kind", [stopped_processor, stuck_cable])
async def test_what_is_written_while_the_radio_hangs_goes_out_later_once_and_in_order(
    kind, tmp_path, monkeypatch
):
    clock = Clock(SPEED)
    async with SimVillage(RADIOS, seed=8, clock=clock) as village, kind(village) as (port, hang):
        air = AirWatch(village.air)
        truth = Truth(monkeypatch, air, {village.device("gerbang").num})
        async with open_gateway(tmp_path / "x.db", clock, port) as gateway:
            await gateway.radio_is_up()
            phones = crowd(4, gateway.url, clock, random.Random(8))
            async with living(phones):
                with hang():
                    expected = await write_during(phones, clock)
                    told = {state for phone in phones for state in told_to(phone)}
                    assert told <= {"saved", "queued", "in_radio"}, told
                for name in RADIOS[1:]:
                    await arrive(expected, lambda n=name: texts_on(village.device(n)), 60)
                await clock.sleep(LATE_S)
                assert all(
                    phone.states[seq][-1] in CLAIMS for phone in phones for seq in own(phone)
                )
        for name in RADIOS[1:]:
            assert texts_on(village.device(name)) == expected
        assert truth.lies == []
        assert truth.claims >= len(expected)


async def write_during(phones: list[Phone], clock: Clock) -> list[str]:
    """4 posts, a burst of 5 in two seconds, 300 characters with emoji; as radios must show them."""
    began = clock.monotonic()
    lines: list[str] = []
    for number in range(4):
        await clock.sleep(5)
        lines += await accepted(phones[number % 2], f"kabar {number} saat macet")
    for number in range(5):
        await clock.sleep(0.4)
        lines += await accepted(phones[2], f"cepat {number}")
    assert len(LONG_TEXT.strip()) >= 300
    lines += await accepted(phones[3], LONG_TEXT.strip())
    await until(lambda: phones[0].board["radio"]["code"] == "wedged", 10)
    assert clock.monotonic() - began <= NOTICED_S
    await clock.sleep(HANG_S - (clock.monotonic() - began))
    return lines


async def accepted(phone: Phone, text: str) -> list[str]:
    """Written and confirmed; the texts that it must become on the air."""
    cid = phone.write(text)
    await until(lambda: cid in phone.acked)
    return [packet.decode() for packet in split(phone.nick, text)]


def own(phone: Phone) -> list[int]:
    return list(phone.acked.values())


def told_to(phone: Phone) -> set[str]:
    """Every state of its own messages that this phone was ever told."""
    return {state for seq in own(phone) for state in phone.states.get(seq, [])}
