"""Posts of the sample desa as whole nodes: key file, accepted root, certificates, own clock.

What the parts of a running post are is told by the node itself when it builds its pages.
"""

import contextlib
import random
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from html import unescape
from itertools import count
from pathlib import Path

import aiohttp
import pytest

import kimnode.node
from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.errors import Reason, Refused
from kimnode.intake import Intake
from kimnode.keys import keyfile
from kimnode.keys.cards import Purpose
from kimnode.keys.keyfile import PrivateKey
from kimnode.metrics import Metrics
from kimnode.node import open_node
from kimnode.record import Via
from kimnode.rules.clock import LATEST_S, Evidence, Source
from kimnode.store import trust as trusts
from kimnode.store.db import open_database
from kimnode.web.site import Site
from kimnode.wire import records
from kimnode.wire.documents import AnyDocument, Bulletin
from tests.journeys.gateways import Gateway
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import NOW, NOW_S, Machine

DATABASE, KEY = "village.db", "keys/gateway.key"
ARTICLE = re.compile(r'<article class="bulletin.*?</article>', re.S)
BADGE = re.compile(r'<p class="badge i b-([a-z-]+)"><b>(.*?)</b>', re.S)
ENDED = {samples.EDI.key, samples.EDI.radio}
CHAIN = tuple(one for one in samples.CHAIN if getattr(one, "key", b"") not in ENDED)
_starts = count(100)
Said = Callable[[], list[Evidence]]


class VillageClock(Clock):
    """Begins at the samples' NOW. `wall_s`: how far this machine's clock has been set away."""

    wall_s = 0.0
    skipped_s = 0.0

    def __init__(self, speed: float) -> None:
        super().__init__(speed)
        self._epoch = NOW_S

    def now(self) -> float:
        return self.true() + self.wall_s

    def true(self) -> float:
        return super().now()

    def monotonic(self) -> float:
        return super().monotonic() + self.skipped_s

    async def skip(self, seconds: float) -> None:
        """Time passes in which nobody does anything; then the loops look about."""
        self.skipped_s += seconds
        await self.sleep(130)

    def told_by_hub(self) -> list[Evidence]:
        """The true time, signed: what a post with a connection to its hub knows."""
        return [Evidence(Source.HUB, self.true(), LATEST_S)]


@dataclass(frozen=True, slots=True)
class Card:
    """A bulletin on a page: the badge's code and words, and all that can be read."""

    badge: str
    words: str
    html: str


@dataclass(frozen=True, slots=True)
class Post(Gateway):
    """A node that runs. `site`: its parts."""

    machine: Machine
    site: Site

    async def enter(self, document: AnyDocument, via: Via) -> Reason | None:
        """By the one admission, as whatever comes by USB or from the hub; why it was refused."""
        try:
            await self.site.intake.accept(records.of_document(document), via)
        except Refused as refused:
            return refused.reason
        return None

    async def page(self, path: str) -> str:
        async with aiohttp.ClientSession() as session:
            async with session.get(self.url + path) as response:
                assert response.status == 200, (path, response.status)
                return await response.text()

    async def answers(self, path: str) -> bool:
        async with aiohttp.ClientSession() as session:
            async with session.get(self.url + path) as response:
                return response.status == 200

    async def cards(self) -> list[Card]:
        """What villagers see on the board, the archive too."""
        html = unescape(await self.page("buletin"))
        articles = ARTICLE.findall(html)
        assert html.count("TERVERIFIKASI") == sum(a.count("TERVERIFIKASI") for a in articles)
        return [Card(*BADGE.search(article).groups(), article) for article in articles]

    async def badge(self, bulletin: Bulletin) -> str:
        """The code of its badge on the board; "" when it is not there."""
        ref = f'id="b{bulletin.id.hex()[:16]}"'
        return next((card.badge for card in await self.cards() if ref in card.html), "")

    async def badge_alone(self, bulletin: Bulletin) -> str:
        """The code of its badge on its own page; "" when this post has never heard of it."""
        async with aiohttp.ClientSession() as session:
            url = f"{self.url}buletin/{bulletin.id.hex()[:16]}"
            async with session.get(url) as response:
                html = await response.text()
        found = BADGE.search(html)
        return found[1] if response.status == 200 and found else ""

    def state(self, bulletin: Bulletin) -> str:
        """As the table says; "" for an unknown one."""
        rows = self.rows("SELECT state FROM bulletin WHERE id = ?", bulletin.id)
        return rows[0][0] if rows else ""

    def incidents(self) -> set[str]:
        return {kind for (kind,) in self.rows("SELECT kind FROM incident")}


async def furnish(folder: Path, machine: Machine, chain: Sequence[AnyDocument] = CHAIN) -> None:
    """What the operator did: the post's key, the province's root, and what the district sent."""
    _make_key(folder, machine)
    async with open_database(folder / DATABASE, NOW_S) as db:
        await db.write(lambda c: trusts.pin_root(c, samples.ROOT.id))
        intake = Intake(db, VillageClock(1.0), Metrics(), lambda: NOW)
        for document in chain:
            await intake.accept(records.of_document(document), Via.USB)


def _make_key(folder: Path, machine: Machine) -> None:
    folder.mkdir()
    (folder / "keys").mkdir(mode=0o700)
    keyfile.save(folder / KEY, PrivateKey(Purpose.GATEWAY, False, machine.name, machine.seed))


@contextlib.asynccontextmanager
async def open_post(
    folder: Path,
    machine: Machine,
    clock: VillageClock,
    monkeypatch: pytest.MonkeyPatch,
    radio_port: int | None = None,
    said: Said | None = None,
) -> AsyncIterator[Post]:
    """The furnished post. `said`: what this machine's clocks say; as a rule the hub's true time."""
    sites: list[Site] = []
    create_app = kimnode.node.create_app

    def look(site: Site):
        sites.append(site)
        return create_app(site)

    radio = "none" if radio_port is None else f"tcp:127.0.0.1:{radio_port}"
    config = Config(
        name=machine.name, radio=radio, database=str(folder / DATABASE), gateway_key=KEY, port=0,
        airtime_percent=100.0,
    )  # fmt: skip
    rng = random.Random(next(_starts))
    with monkeypatch.context() as patched:
        patched.setattr(kimnode.node, "create_app", look)
        node = open_node(config, clock, rng, machine=said or clock.told_by_hub)
        async with node as url:
            patched.undo()
            post = Post(url, folder / DATABASE, machine, sites[-1])
            if radio_port is not None:
                await post.radio_is_up()
            yield post
