"""Three posts with a radio each on a lossy mesh: what one publishes, the others verify themselves.

Real nodes and simulated firmware; packets are lost, and one post is off while the bulletin is made.
"""

from pathlib import Path

import pytest

from kimnode.radio.sim.village import SimVillage
from kimnode.record import Kind
from kimnode.store import log
from kimnode.wire import air, signing
from kimnode.wire.documents import Bulletin
from tests.journeys.posts import Post, VillageClock, furnish, open_post
from tests.radio.stations import DRAFT
from tests.rules.trust_samples import KARATAUN, LEBBA, SALUTIWO, V1, V3
from tests.waiting import until

SPEED = 40.0
LOSS = 0.2
MAX_SAID = 40  # packets of one post until all have it
NAMES = {KARATAUN: "karataun", SALUTIWO: "salutiwo", LEBBA: "lebba"}
REPEATS_OVER_S = 240.0  # nobody says it again but who is asked
WITHIN_S = 100.0  # real seconds: over an hour of the village


async def published(post: Post) -> Bulletin:
    """Written by radio, approved by a verifier with her own key in a browser."""
    attestor = post.site.attestor
    made = await attestor.bulletin(DRAFT, V1.radio)
    vote = await attestor.prepare_vote(Kind.APPROVAL, made.document.id, V3.key)
    await attestor.take(vote, signing.sign(V3.seed, vote.signed()))
    return made.document


@pytest.fixture
async def folders(tmp_path: Path) -> dict[str, Path]:
    made = {}
    for machine, name in NAMES.items():
        made[name] = tmp_path / name
        await furnish(made[name], machine)
    return made


@pytest.mark.timeout(240)
async def test_a_bulletin_reaches_posts_that_hear_badly_and_one_that_was_off(folders, monkeypatch):
    clock = VillageClock(SPEED)
    async with SimVillage(list(NAMES.values()), seed=8, clock=clock, loss=LOSS) as village:

        def at(machine):
            name = NAMES[machine]
            return open_post(folders[name], machine, clock, monkeypatch, village.port(name))

        async with at(KARATAUN) as a, at(SALUTIWO) as b:
            village.device("lebba").power_off()
            bulletin = await published(a)
            await until(lambda: b.state(bulletin) == "verified", WITHIN_S)
            await clock.sleep(REPEATS_OVER_S)
            village.device("lebba").power_on()
            async with at(LEBBA) as c:
                await until(lambda: c.state(bulletin) == "verified", WITHIN_S)
                assert await c.badge(bulletin) == await b.badge(bulletin) != ""
                heard = b.rows("SELECT count(*) FROM outbox WHERE port = ?", air.PORT)
                assert heard[0][0] < MAX_SAID
            async with at(LEBBA) as again:  # and a power cut later it still is
                assert again.state(bulletin) == "verified"


@pytest.mark.timeout(240)
async def test_what_a_draft_says_is_on_no_air(folders, monkeypatch):
    """The draft waits for a second person: no other post hears of it, and no page shows it."""
    clock = VillageClock(SPEED)
    names = ["karataun", "salutiwo"]
    async with SimVillage(names, seed=9, clock=clock) as village:
        async with (
            open_post(folders[names[0]], KARATAUN, clock, monkeypatch, village.port(names[0])) as a,
            open_post(folders[names[1]], SALUTIWO, clock, monkeypatch, village.port(names[1])) as b,
        ):
            draft = (await a.site.attestor.bulletin(DRAFT, V1.radio)).document
            bulletin = await published(a)
            await until(lambda: b.state(bulletin) == "verified", WITHIN_S)
            assert b.state(draft) == ""
            packets = a.rows("SELECT payload FROM outbox WHERE port = ?", air.PORT)
            assert packets
            assert not any(draft.signature in payload for (payload,) in packets)
            known = b.look(lambda c: [entry.record.id for entry in log.since(c, 0, 500)])
            assert draft.id not in known
