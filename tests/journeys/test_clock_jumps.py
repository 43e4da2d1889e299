"""The machine's clock says 1970, is 38 hours behind or ten years ahead: at the start, and suddenly.

Whole nodes. What is over stays over, what holds stays on the board, and whatever comes or is made
in the meantime enters as it would under a right clock.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from kimnode.record import Kind, Via
from kimnode.rules.clock import Evidence, Source
from kimnode.store import enrolment
from kimnode.store.enrolment import Invitation
from kimnode.wire.codes import Form, HoaxType, Role, TimeTrust, Verdict
from kimnode.wire.documents import ABOUT_BYTES, AnyDocument, Bulletin
from kimnode.wire.times import DAY_S, minutes_of
from tests.journeys import desks
from tests.journeys.desks import draft
from tests.journeys.posts import Post, Said, VillageClock, furnish, open_post
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import (
    KARATAUN,
    KETUA,
    NOW_MIN,
    NOW_S,
    RINA,
    SALUTIWO,
    TODAY,
    V1,
    V2,
    V3,
    V4,
    Person,
)
from tests.waiting import until

SPEED = 100.0
SETTLED_S = 1500.0  # longer than any clock must have said the same
DAY_MIN = 1440
WRONG = {"1970": -NOW_S, "38 h behind": -38 * 3600, "10 years ahead": 10 * 365 * DAY_S}
SOURCES = [Source.SYSTEM, Source.RTC, Source.NTP]
PAGES = ["", "buletin", "cek", "status", "staf", "healthz", "metrics", "r/umum", "api/feed"]
HELD = ("verified", "via-post", "notice")


@pytest.fixture
def clock() -> VillageClock:
    return VillageClock(SPEED)


@pytest.fixture(params=SOURCES, ids=str)
def said(request, clock) -> Callable[[], list[Evidence]]:
    """What this machine's clock says, and what it is worth."""
    return lambda: [Evidence(request.param, max(clock.now(), 0.0))]


@dataclass(frozen=True)
class Ages:
    """A board with bulletins of every age, and how each must stand."""

    papers: tuple[AnyDocument, ...]
    states: dict[bytes, str]


def ages() -> Ages:
    def made(days_ago: float, trust: TimeTrust = TimeTrust.SURE, **changes) -> Bulletin:
        when = {"made_min": int(NOW_MIN - days_ago * DAY_MIN), "trust": trust}
        return samples.bulletin(V1, when=when, **changes)

    def two(one: Bulletin) -> tuple[AnyDocument, ...]:
        when = {"made_min": one.stamp.made_min, "trust": one.stamp.trust}
        return one, samples.approval(one, V3, **when)

    plain = {"verdict": Verdict.NONE, "hoax_type": HoaxType.NONE, "sources": 0, "primary": 0,
             "dossier": b""}  # fmt: skip
    young, nearly, over = made(0.02), made(6.8), made(7.2)
    lost = made(200, TimeTrust.UNSURE)  # its post did not know the time: only its length counts
    tomorrow = made(-0.9, TimeTrust.ABOUT)  # its post was a little ahead
    wrong = made(1)
    retraction = made(0.5, form=Form.RETRACTION, about=wrong.id[:ABOUT_BYTES], **plain)
    held = samples.bulletin(V1, SALUTIWO)
    notice = samples.bulletin(V3, form=Form.NOTICE, expires_6h=12, **plain | {
        "verdict": Verdict.UNCHECKED})  # fmt: skip
    pairs = [*map(two, (young, nearly, over, lost, tomorrow, wrong, retraction))]
    states = dict.fromkeys(
        (one.id for one in (young, nearly, lost, tomorrow, retraction)), "verified"
    )
    states |= {over.id: "expired", wrong.id: "withdrawn"}
    states |= {held.id: "via-post", notice.id: "notice"}
    papers = tuple(paper for pair in pairs for paper in pair)
    return Ages((*papers, held, samples.approval(held, V4, SALUTIWO), notice), states)


class Village:
    """One post that goes through wrong times; `open()` starts it (again)."""

    def __init__(self, folder, clock, said, monkeypatch) -> None:
        self.clock = clock
        self.known = ages()
        self._number = 100
        self._open = lambda said: open_post(folder, KARATAUN, clock, monkeypatch, said=said)
        self._said = said

    @asynccontextmanager
    async def open(self, said: Said | None = None) -> AsyncIterator[Post]:
        async with self._open(said or self._said) as post:
            yield post

    async def begin(self, post: Post) -> None:
        for paper in self.known.papers:
            assert await post.enter(paper, Via.UPLINK) is None

    async def settle(self) -> None:
        await self.clock.skip(SETTLED_S)

    def moved(self, post: Post) -> list[tuple[str, str]]:
        """What each should be that is not as known, and what it is."""
        rows = dict(post.rows("SELECT id, state FROM bulletin"))
        known = self.known.states
        return [(known[one], rows.get(one, "")) for one in known if rows.get(one) != known[one]]

    async def nothing_has_moved(self, post: Post) -> None:
        """Neither in what was written down, nor in what people see."""
        assert self.moved(post) == []
        shown = {card.badge for card in await post.cards()}
        assert set(HELD) <= shown
        html = await post.page("buletin")
        for one, state in self.known.states.items():
            on_board = f'id="b{one.hex()[:16]}"' in html
            assert on_board == (state in HELD), (one.hex()[:16], state)
        for path in PAGES:  # at this speed a slow machine answers some too late
            await until(lambda path=path: post.answers(path))

    async def everything_enters(self, post: Post) -> None:
        """What others have made in true time, what is made here, and whom to believe."""
        true_min = minutes_of(self.clock.true())
        when = {"made_min": true_min}
        self._number += 1
        newcomer = Person(f"Baru {self._number}", self._number, Role.VERIFIER)
        papers = [
            samples.of_own_key(newcomer, from_day=TODAY),
            samples.of_radio(newcomer, from_day=TODAY),
            samples.time_anchor(made_min=true_min),
            samples.revocation(RINA.key, RINA.radio, number=self._number, made_min=true_min),
        ]
        direct, attested = samples.bulletin(V1, when=when), samples.bulletin(V1, SALUTIWO, when)
        for one in (direct, attested):
            papers += [one, samples.approval(one, newcomer, **when)]
        for via, paper in zip((Via.USB, Via.RADIO) * 9, papers, strict=False):
            assert await post.enter(paper, via) is None, paper
        here = await desks.publish(post, draft(f"Kabar nomor {self._number}."), V1, V3)
        by_radio = await post.site.attestor.bulletin(draft(f"Kabar {self._number}."), V2.radio)
        await post.site.attestor.vote(Kind.APPROVAL, by_radio.document.id, newcomer.radio)
        await post.site.attestor.receipt([direct.id])
        for one in (direct, attested, here, by_radio.document):
            assert await post.badge(one) == "verified"
            self.known.states[one.id] = "verified"

    async def somebody_is_frozen(self, post: Post, trust: TimeTrust) -> None:
        """By two votes of posts that know the time, or do not."""
        at = {"made_min": minutes_of(self.clock.true()), "trust": trust}
        for who in (V4, KETUA):
            assert await post.enter(samples.suspend(V2.key, who, **at), Via.RADIO) is None
        late = samples.bulletin(V2, when={"made_min": minutes_of(self.clock.true()) + 1})
        refused = await post.enter(late, Via.RADIO)
        assert refused is not None
        assert refused.value == "suspended"


@pytest.fixture
async def village(tmp_path, clock, said, monkeypatch) -> Village:
    await furnish(tmp_path / "post", KARATAUN)
    return Village(tmp_path / "post", clock, said, monkeypatch)


@pytest.mark.parametrize("wrong_s", WRONG.values(), ids=WRONG)
async def test_a_clock_that_jumps_while_the_post_runs(village: Village, wrong_s: float):
    """And then the post starts with it, and then it is right again."""
    async with village.open(village.clock.told_by_hub) as post:
        await village.begin(post)
        await until(lambda: not village.moved(post))
    async with village.open() as post:
        await village.settle()
        await village.nothing_has_moved(post)
        village.clock.wall_s = wrong_s
        await village.settle()
        await village.nothing_has_moved(post)
        await village.everything_enters(post)
    for wall_s in (wrong_s, 0.0):
        village.clock.wall_s = wall_s
        async with village.open() as post:
            await village.settle()
            await village.nothing_has_moved(post)
            await village.everything_enters(post)


@pytest.mark.parametrize("wrong_s", WRONG.values(), ids=WRONG)
async def test_a_post_that_has_never_known_the_time(village: Village, wrong_s: float):
    """Its first clock is wrong. It cannot know what is over: it shows it, and says that it is not
    sure; when the clock is right it is over, for ever."""
    village.clock.wall_s = wrong_s
    over = next(one for one, state in village.known.states.items() if state == "expired")
    async with village.open() as post:
        await village.settle()
        await village.begin(post)
        village.known.states[over] = post.rows("SELECT state FROM bulletin WHERE id = ?", over)[0][
            0
        ]
        await village.nothing_has_moved(post)
        await village.everything_enters(post)
    village.clock.wall_s = 0.0
    async with village.open() as post:
        await village.settle()
        await village.everything_enters(post)
        village.known.states[over] = "expired"
        await until(
            lambda: post.rows("SELECT state FROM bulletin WHERE id = ?", over) == [("expired",)]
        )
        await village.nothing_has_moved(post)
    village.clock.wall_s = wrong_s
    async with village.open() as post:
        await village.settle()
        await village.nothing_has_moved(post)


@pytest.mark.parametrize("trust", list(TimeTrust))
@pytest.mark.parametrize("wrong_s", WRONG.values(), ids=WRONG)
async def test_a_frozen_key_is_frozen_for_three_days_under_a_wrong_clock(
    village: Village, wrong_s: float, trust: TimeTrust
):
    village.clock.wall_s = wrong_s
    async with village.open() as post:
        await village.settle()
        await village.somebody_is_frozen(post, trust)
        (frozen,) = (await post.site.db.read(post.site.intake.cache.load)).suspensions
        assert abs(frozen.until_s - village.clock.true() - 3 * DAY_S) < DAY_S


@pytest.mark.parametrize("wrong_s", WRONG.values(), ids=WRONG)
async def test_an_invitation_and_a_pin_outlive_a_jump(village: Village, wrong_s: float):
    code = desks.CODE.format(V3.name)
    async with village.open() as post:
        invitation = Invitation(V3.name, V3.number, V3.role)
        now = int(village.clock.now())
        await post.site.db.write(lambda c: enrolment.invite(c, code, invitation, now))
        village.clock.wall_s = wrong_s
        await desks.enrol(post, V1)
        asked = await desks.envelope(post, "meja", {}, V1.key, V1.seed)
        assert (await desks.ask(post, "meja", asked))[0] == 200
        for _ in range(4):
            share = {"key": V1.key.hex(), "u": desks.token_of(V1).hex()}
            assert (await desks.ask(post, "bagian", share))[0] == 200
