"""The line between a real village and the demonstration, and a post's own key."""

import random
from pathlib import Path

import pytest

from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.errors import ConfigError, Refused
from kimnode.intake import Intake
from kimnode.keys import demo_chain, keyfile, office
from kimnode.keys.cards import Purpose
from kimnode.keys.demo_chain import Volunteer
from kimnode.keys.own import Own, gateway_key_path, load_gateway_key, open_own
from kimnode.metrics import Metrics
from kimnode.record import Body, Kind, Via
from kimnode.rules.clock import Estimate
from kimnode.rules.trust import holder
from kimnode.store.db import open_database
from kimnode.store.trust import TrustCache, here, pin_root
from kimnode.wire import records
from kimnode.wire.codes import Role, TimeTrust
from tests.rules import trust_samples as sample

NOW = 1_800_000_000
PEOPLE = [
    Volunteer("Ani", Role.VOLUNTEER, 1, bytes([1] * 32)),
    Volunteer("Budi", Role.VERIFIER, 2, bytes([2] * 32)),
]


class StillClock(Clock):
    """Always the same moment, so that certificates can end when a test wants it."""

    at = float(NOW)

    def now(self) -> float:
        return self.at


@pytest.fixture
def config(tmp_path) -> Config:
    return Config(database=str(tmp_path / "data" / "kimnode.db"))


async def trust_of(config: Config):
    async with open_database(Path(config.database), NOW) as db:
        return await db.read(TrustCache().load), await db.read(here)


async def own_of(config: Config, *, demo: bool) -> Own:
    async with open_database(Path(config.database), NOW) as db:
        return await open_own(config, db, demo=demo)


async def make_real(config: Config) -> None:
    async with open_database(Path(config.database), NOW) as db:
        await db.write(lambda c: pin_root(c, sample.ROOT.id))
        await Intake(db, Clock(), Metrics()).accept(records.of_document(sample.ROOT), Via.USB)


async def test_the_demo_has_a_whole_chain_and_only_once(config):
    await demo_chain.settle(config, StillClock(), PEOPLE)
    first, post = await trust_of(config)
    assert first.demo
    estimate = Estimate(NOW, TimeTrust.SURE, NOW, 0)
    people = [holder(one.radio_key, first, estimate) for one in PEOPLE]
    assert [(who.name, who.role, who.person) for who in people] == [
        ("Ani", Role.VOLUNTEER, 1),
        ("Budi", Role.VERIFIER, 2),
    ]
    assert holder(post, first, estimate).role is Role.GATEWAY
    await demo_chain.settle(config, StillClock(), PEOPLE)
    second, _ = await trust_of(config)
    assert second.certificates == first.certificates
    assert gateway_key_path(config).stat().st_mode & 0o777 == 0o600


async def test_the_demos_certificates_are_renewed_in_time(config):
    clock = StillClock()
    await demo_chain.settle(config, clock, PEOPLE)
    people = list(PEOPLE)
    for person in (3, 4):
        clock.at += 380 * 86_400
        people.append(Volunteer("Baru", Role.VERIFIER, person, bytes([person] * 32)))
        await demo_chain.settle(config, clock, people)  # nobody new without a young list
    trust, post = await trust_of(config)
    later = Estimate(int(clock.at) + 60 * 86_400, TimeTrust.SURE, int(clock.at) + 60 * 86_400, 0)
    assert holder(post, trust, later).role is Role.GATEWAY
    assert all(holder(one.radio_key, trust, later) for one in people)


async def test_a_real_node_never_runs_on_the_demo(config):
    await demo_chain.settle(config, StillClock(), PEOPLE)
    with pytest.raises(ConfigError, match="A real post never runs on it: name another database"):
        await own_of(config, demo=False)
    other = Config(database=config.database.replace("kimnode.db", "other.db"))
    with pytest.raises(ConfigError, match="belongs to the demonstration"):
        await own_of(other, demo=False)  # its key alone, with a new database
    assert (await own_of(config, demo=True)).demo


async def test_the_demo_never_runs_on_a_real_village(config):
    await make_real(config)
    with pytest.raises(ConfigError, match=r"real village.*choose another folder with --data"):
        await demo_chain.settle(config, StillClock(), PEOPLE)
    with pytest.raises(ConfigError, match="belongs to a real village"):
        await own_of(config, demo=True)


async def test_the_demo_leaves_a_village_without_keys_alone(config):
    async with open_database(Path(config.database), NOW) as db:
        text = records.written(
            *(Kind.CHAT, "phone:00112233aabbccdd", "umum", NOW, bytes(16), Body("Ani", "halo")),
            bytes(8),
        )
        await Intake(db, Clock(), Metrics()).accept(text, Via.WEB)
    with pytest.raises(ConfigError, match="it may belong to a real village"):
        await demo_chain.settle(config, StillClock(), PEOPLE)
    assert not gateway_key_path(config).exists()


async def test_a_node_without_key_or_root_runs_as_ever(config):
    assert await own_of(config, demo=False) == Own(None, rooted=False, demo=False)


async def test_the_posts_key_is_known_to_the_database(config):
    path = gateway_key_path(config)
    path.parent.parent.mkdir()
    keyfile.save(path, keyfile.generate(Purpose.GATEWAY, "Pos"))
    await make_real(config)
    own = await own_of(config, demo=False)
    assert (own.rooted, own.key) == (True, keyfile.load(path))
    _, post = await trust_of(config)
    assert post == own.key.public


def test_another_key_in_the_posts_place_is_refused(config):
    path = gateway_key_path(config)
    path.parent.parent.mkdir()
    keyfile.save(path, keyfile.generate(Purpose.DISTRICT, "Kab."))
    with pytest.raises(ConfigError, match="is the key of a district, which must not lie on a post"):
        load_gateway_key(config)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_gateway_key(config)


async def test_a_key_that_others_can_read_is_not_used_and_the_node_runs(config, caplog):
    path = gateway_key_path(config)
    path.parent.parent.mkdir()
    keyfile.save(path, keyfile.generate(Purpose.GATEWAY, "Pos"))
    path.chmod(0o640)
    own = await own_of(config, demo=False)
    assert (own.key, "chmod 600" in own.fault, "chmod 600" in caplog.text) == (None, True, True)
    _, post = await trust_of(config)
    assert post is None


async def test_a_demo_document_is_refused_by_a_real_post(config, tmp_path):
    await make_real(config)
    folder = tmp_path / "demo"
    folder.mkdir()
    demo = Config(database=str(folder / "kimnode.db"))
    await demo_chain.settle(demo, StillClock(), PEOPLE)
    trust, _ = await trust_of(demo)
    every = [*trust.roots, *(c for kept in trust.certificates.values() for c in kept)]
    async with open_database(Path(config.database), NOW) as db:
        intake = Intake(db, Clock(), Metrics())
        for one in every:
            with pytest.raises(Refused):
                await intake.accept(records.of_document(one), Via.USB)


def test_a_clock_that_is_certainly_wrong_certifies_nothing(monkeypatch):
    monkeypatch.setattr(Clock, "now", lambda _: 86_400.0)
    with pytest.raises(ConfigError, match=r"says 1970-01-02\. Set it first"):
        office.now()


def test_chance_is_the_systems():
    """A seeded generator must never make a key."""
    random.seed(7)
    one = keyfile.generate(Purpose.ROOT, "x").seed
    random.seed(7)
    assert keyfile.generate(Purpose.ROOT, "x").seed != one
