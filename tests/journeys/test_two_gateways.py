"""Two posts with a radio each, on one channel of one mesh: nobody echoes anybody.

Both hear every radio and each other. Each message is once on every phone of both villages and
once on every radio, and what the posts say by themselves starts no talk between them.
"""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from kimnode.clock import Clock
from kimnode.radio.sim.village import SimVillage
from tests.journeys.gateways import Gateway, open_gateway
from tests.journeys.phones import Doors, Phone, crowd, living
from tests.journeys.sizes import short_and_long
from tests.journeys.watch import AirWatch, Truth, arrive, shown_twice, texts_on, twice

POSTS = ["gerbang-utara", "gerbang-selatan"]
WALKERS = [f"jalan{n}" for n in range(6)]
PHONE_QUOTA = 6  # texts of one phone that go on the air in an hour
READERS = 3  # phones that stay connected, at each post
LATE_S = 200.0  # an echo of an echo would show by then


@dataclass(frozen=True, slots=True)
class Size:
    """`written`: by phones of each post; `said`: by each walker's radio. Times in mesh seconds."""

    written: int
    said: int
    speed: float
    every_phone_s: float = 3.5  # a post's radio takes a text about so often
    every_walker_s: float = 12.0

    @property
    def total(self) -> int:
        return 2 * self.written + len(WALKERS) * self.said


@pytest.mark.parametrize("size", short_and_long(Size(60, 30, 40), Size(3200, 600, 60)))
async def test_two_posts_on_one_channel_show_each_message_once_and_never_echo(
    size, tmp_path, monkeypatch
):
    clock, rng = Clock(size.speed), random.Random(4)
    async with SimVillage([*POSTS, *WALKERS], seed=4, clock=clock, preset="SHORT_TURBO") as village:
        air = AirWatch(village.air)
        truth = Truth(monkeypatch, air, {village.device(name).num for name in POSTS})
        async with (
            open_gateway(
                tmp_path / "u.db",
                clock,
                village.port(POSTS[0]),
                name="Pos U",
                airtime_percent=100.0,
            ) as north,
            open_gateway(
                tmp_path / "s.db",
                clock,
                village.port(POSTS[1]),
                name="Pos S",
                airtime_percent=100.0,
            ) as south,
        ):
            await north.radio_is_up()
            await south.radio_is_up()
            readers = {
                north.url: crowd(READERS, north.url, clock, rng, name="PembacaU"),
                south.url: crowd(READERS, south.url, clock, rng, first=READERS, name="PembacaS"),
            }
            async with living([phone for phones in readers.values() for phone in phones]):
                talk = Talk(village, size, rng)
                await talk.run([north, south])
                await talk.check(readers)
        assert truth.lies == []
        assert truth.claims >= 2 * size.written


class Talk:
    """What is said by whom, and what each screen must show of it."""

    def __init__(self, village: SimVillage, size: Size, rng: random.Random) -> None:
        self.village = village
        self.size = size
        self.rng = rng
        self.written: dict[str, list[str]] = {}  # by the url of the post, as read on its phones
        self.aired: dict[str, list[str]] = {}  # the same as read by others
        self.said: list[str] = []

    async def run(self, posts: list[Gateway]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for post, letter in zip(posts, "US", strict=True):
                tasks.create_task(self._write(post, letter))
            for name in WALKERS:
                tasks.create_task(self._walk(name))
            tasks.create_task(self._ask_for_help())

    async def check(self, readers: dict[str, list[Phone]]) -> None:
        aired = [text for texts in self.aired.values() for text in texts]
        for name in WALKERS:
            device = self.village.device(name)
            await arrive(aired, partial(texts_on, device), 120)
        await self.village.clock.sleep(LATE_S)
        for url, phones in readers.items():
            wanted = self._expected(url)
            assert len([text for text in self.said if text in wanted]) >= 0.95 * len(self.said)
            for phone in phones:
                await arrive(wanted, lambda p=phone: p.texts, 30)
                assert twice(phone.texts) == []
                assert {text for text in phone.texts if "[otomatis]" not in text} == wanted
        for name in [*POSTS, *WALKERS]:
            assert shown_twice(self.village.device(name)) == []
        assert self._automatic() == len(WALKERS) + 1  # a reply to each, none to the automatic one

    def _expected(self, url: str) -> set[str]:
        """Own phones' texts, the other post's as heard, and what our radio heard of the walkers."""
        radio = self.village.device(POSTS[list(self.written).index(url)])
        others = {text for other, texts in self.aired.items() if other != url for text in texts}
        heard = {text for text in self.said if text in set(texts_on(radio))}
        return {*self.written[url], *others, *heard}

    def _automatic(self) -> int:
        """Automatic texts on all screens."""
        return sum(
            "[otomatis]" in text
            for name in [*POSTS, *WALKERS]
            for text in texts_on(self.village.device(name))
        )

    async def _write(self, post: Gateway, letter: str) -> None:
        self.written[post.url], self.aired[post.url] = [], []
        async with Doors(post.url, self.rng) as doors:
            for number, (cookie, nick) in enumerate(_pens(doors, letter, self.size.written)):
                text = f"kabar {number} dari {letter}"
                answer = await doors.post(cookie, nick, text)
                assert answer["t"] == "ok", answer
                self.written[post.url].append(text)
                self.aired[post.url].append(f"{nick}: {text}")
                await self.village.clock.sleep(self.size.every_phone_s)

    async def _walk(self, name: str) -> None:
        device = self.village.device(name)
        for number in range(self.size.said):
            await self.village.clock.sleep(self.rng.uniform(0.8, 1.2) * self.size.every_walker_s)
            text = f"jejak {number} oleh {name}"
            self.said.append(text)
            device.say(text, want_ack=True)

    async def _ask_for_help(self) -> None:
        """Every walker writes to a post directly, and one post's radio to the other."""
        first, second = (self.village.device(name) for name in POSTS)
        for name in WALKERS:
            self.village.device(name).dm(first.num, f"apa ini? tanya {name}")
            await self.village.clock.sleep(20)
        first.dm(second.num, "[otomatis] Ini Pos U.")


def _pens(doors: Doors, letter: str, count: int) -> Iterator[tuple[str, str]]:
    """(cookie, nickname) for each text: a new phone when the one before has used up its hour."""
    for number in range(count):
        if number % PHONE_QUOTA == 0:
            cookie, nick = doors.new_cookie(), f"Warga{letter}{number // PHONE_QUOTA}"
        yield cookie, nick
