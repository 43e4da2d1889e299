"""Gateways on port 302, simulated: what it costs until all have it, and what it withstands."""

import random
from statistics import mean

import pytest

from benchmarks.compression import bulletins as texts
from kimnode.errors import WireError
from kimnode.record import Kind
from kimnode.rules import exchange as rules
from kimnode.rules.airtime import packet_airtime_ms
from kimnode.rules.answering import ANSWERS_PER_THING
from kimnode.rules.asking import MAX_LACKS, Pace
from kimnode.rules.beacons import QUIET_S
from kimnode.rules.hearsay import VECTORS_PER_HOUR
from kimnode.rules.lora import PRESETS
from kimnode.wire import air, gossip
from kimnode.wire.air import Type
from kimnode.wire.fragments import split
from kimnode.wire.gossip import Beacon, Item, Want
from tests.journeys.sizes import short_and_long
from tests.rules import mesh
from tests.rules.mesh import Mesh, all_have, approval, bulletin, certificate, key

SEEDS = short_and_long(range(40), range(300))
SETTLED_S = 7200.0  # the first beacons are over
AIR_BAR_S = 8.5
HOUR_S, MINUTE_S = 3600.0, 60.0


def settled(count: int, seed: int, **more) -> tuple[Mesh, float]:
    """A mesh that has been up for a while, and the airtime so far."""
    made = Mesh(count, seed, **more)
    made.run(SETTLED_S)
    made.said.clear()
    return made, made.air_ms


def spread(seed: int, text: str, direct: bool = False) -> tuple[float, float]:
    """Seconds of air, and seconds, until ten gateways have one bulletin verified."""
    made, before_ms = settled(10, seed)
    one = bulletin(1, text=text, direct=direct)
    made.posts[0].publish(one, approval(one, direct=direct))
    assert made.run(made.now + 6 * HOUR_S, all_have(made.posts, one)), made.said
    return (made.air_ms - before_ms) / 1000, made.now - SETTLED_S


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize("direct", [False, True])
def test_ten_gateways_at_20_percent_loss_have_a_bulletin_for_little_air(direct, seeds):
    found = [spread(seed, text, direct) for seed, text in zip(seeds, texts(140), strict=False)]
    airs = sorted(air_s for air_s, _ in found)
    times = sorted(time_s for _, time_s in found)
    place = int(0.99 * len(found))
    print(
        f"\n140 characters, {len(found)} seeds: mean {mean(airs):.2f} s of air, "
        f"p50 {airs[len(airs) // 2]:.2f}, p99 {airs[place]:.2f}; "
        f"mean {mean(times):.0f} s, p99 {times[place]:.0f} s"
    )
    assert mean(airs) <= AIR_BAR_S


def test_a_long_bulletin_spreads_too():
    found = [spread(seed, text) for seed, text in enumerate(texts(600, 100)[:20])]
    print(f"\n600 characters: mean {mean(one for one, _ in found):.2f} s of air")
    assert mean(one for one, _ in found) <= 2 * AIR_BAR_S


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize("entries", [3, 100])
def test_a_revocation_list_reaches_twelve_gateways_within_15_minutes(entries, seeds):
    times = []
    for seed in seeds:
        made, _ = settled(12, seed)
        made.posts[0].publish(mesh.revocation(1, entries))
        everybody = lambda made=made: all(post.archive.listed for post in made.posts)  # noqa: E731
        assert made.run(made.now + 6 * HOUR_S, everybody)
        times.append(made.now - SETTLED_S)
    print(f"\nrevocation of {entries}: mean {mean(times):.0f} s, longest {max(times):.0f} s")
    assert max(times) <= 15 * MINUTE_S


@pytest.mark.parametrize("seeds", SEEDS)
def test_two_suspension_votes_reach_twelve_gateways_within_5_minutes(seeds):
    times = []
    for seed in seeds:
        made, _ = settled(12, seed)
        votes = [
            mesh.suspension(1, f"G{n}", who) for n, who in enumerate(("radio-ani", "radio-budi"))
        ]
        made.posts[0].publish(votes[0])
        made.at(made.now + 20, lambda made=made, votes=votes: made.posts[1].publish(votes[1]))
        everybody = lambda made=made, votes=votes: all(  # noqa: E731
            vote.id in post.known for vote in votes for post in made.posts
        )
        assert made.run(made.now + HOUR_S, everybody)
        times.append(made.now - SETTLED_S)
    times.sort()
    p99 = times[int(0.99 * len(times))]
    print(f"\nsuspension: mean {mean(times):.0f} s, p99 {p99:.0f} s, longest {times[-1]:.0f} s")
    assert p99 <= 5 * MINUTE_S


def test_a_quiet_day_costs_next_to_nothing():
    made, before_ms = settled(10, 1)
    made.run(made.now + 24 * HOUR_S)
    share = (made.air_ms - before_ms) / (24 * HOUR_S * 1000)
    print(f"\nten gateways, nothing new: {100 * share:.3f} % of the air; {made.said}")
    assert share < 0.001
    assert set(made.said) == {"BEACON"}


@pytest.mark.parametrize("seed", range(3))
def test_a_gateway_that_was_off_has_it_all_after_a_while(seed):
    made, _ = settled(4, seed, preset=PRESETS["MEDIUM_FAST"])
    late = made.posts[3]
    late.on = False
    published = [bulletin(2 * n + 1, 40) for n in range(10)]
    for one in published:
        made.posts[0].publish(one, approval(one, one.stamp.seq + 1))
        made.run(made.now + 1800)
    assert not any(late.verified(one) for one in published)
    late.on = True
    made.look(late)
    start = made.now
    assert made.run(start + 12 * HOUR_S, lambda: all(late.verified(one) for one in published))
    assert made.now - start < 6 * HOUR_S


def test_without_its_publisher_the_others_answer():
    made, _ = settled(5, 2, loss=0.0)
    late, publisher = made.posts[4], made.posts[0]
    late.on = False
    one = bulletin()
    publisher.publish(one, approval(one))
    made.run(made.now + HOUR_S)
    publisher.on, late.on = False, True
    made.look(late)
    assert made.run(made.now + 6 * HOUR_S, lambda: late.verified(one))


def test_an_unknown_signer_is_asked_for():
    made, _ = settled(3, 3)
    for post in made.posts[1:]:
        post.unknown_signers.add(air.hint_of(key("G0")))
    paper = certificate("G0")
    made.posts[0].archive.certificates[air.hint_of(key("G0"))] = paper
    one = bulletin()
    made.posts[0].publish(one, approval(one))
    assert made.run(made.now + 2 * HOUR_S, all_have(made.posts, one))
    assert made.said["CERTIFICATE"] >= 1


def test_a_new_root_is_asked_for_and_comes_in_pieces():
    made, _ = settled(3, 4)
    made.posts[0].take(mesh.root(1))
    made.posts[0].take(mesh.root(2))
    made.look(made.posts[0])
    everybody = lambda: all(set(post.archive.roots) == {1, 2} for post in made.posts)  # noqa: E731
    assert made.run(made.now + 6 * HOUR_S, everybody)
    assert made.said["FRAGMENT"] >= 4


class Alone:
    """One gateway and somebody who has the channel's key."""

    def __init__(self, seed: int = 1, shelved: int = 12) -> None:
        self.mesh = Mesh(1, seed, budget_share=1.0)  # nothing else holds it back
        self.post = self.mesh.posts[0]
        self.mesh.run(SETTLED_S)
        self.published = [bulletin(2 * n + 1, 40) for n in range(shelved)]
        for one in self.published:
            for document in (one, approval(one, one.stamp.seq + 1)):
                self.post.take(document)
        self.mesh.run(self.mesh.now + 4 * HOUR_S)
        self.mesh.said.clear()

    def hear_for_an_hour(self, forged) -> dict[str, int]:
        """What the gateway says in an hour in which it hears such a packet every five seconds."""
        end = self.mesh.now + HOUR_S
        rng = random.Random(1)
        while self.mesh.now < end:
            self.post.hear(99, forged(rng))
            self.mesh.run(self.mesh.now + 5)
        return self.mesh.said


def forged_beacon(rng: random.Random) -> bytes:
    news = tuple(rng.randbytes(8) for _ in range(rng.randrange(4)))
    return Beacon(rng.randbytes(6), 1 << 31, 1 << 31, rng.randbytes(4), news).pack()


def forged_vector(rng: random.Random) -> bytes:
    shelf = {
        gossip.Origin(rng.randbytes(7)): {rng.randrange(1, 99)} for _ in range(rng.randrange(8))
    }
    return gossip.vectors(shelf, rng.randrange(256), 1)[0].pack()


def forged_ask(rng: random.Random) -> bytes:
    return gossip.pack_ask([Item(Want.BULLETIN, rng.randbytes(8)), Item(Want.REVOCATION)])


@pytest.mark.parametrize("forged", [forged_beacon, forged_vector, forged_ask])
def test_forged_hints_cost_a_bounded_amount_of_air(forged):
    """720 packets in an hour from one liar: no more answers and questions than the bounds."""
    alone = Alone()
    said = alone.hear_for_an_hour(forged)
    assert said.get("ASK", 0) <= rules.ASKS_PER_HOUR
    assert said.get("VECTOR", 0) <= 3 * VECTORS_PER_HOUR
    assert said.get("BEACON", 0) <= rules.BEACONS_PER_HOUR
    answers = sum(said.get(name, 0) for name in ("BULLETIN", "APPROVAL", "PAIR", "REPAIR"))
    assert answers <= 2 * rules.ANSWERS_PER_HOUR
    assert len(alone.post.exchange._lacks._lacks) <= MAX_LACKS


def test_the_same_ask_again_and_again_is_answered_a_few_times():
    alone = Alone()
    hint = alone.published[0].id[:8]
    asked = gossip.pack_ask([Item(Want.BULLETIN, hint), Item(Want.APPROVAL, hint)])
    said = alone.hear_for_an_hour(lambda _: asked)
    assert 1 <= said.get("PAIR", 0) + said.get("BULLETIN", 0) <= ANSWERS_PER_THING


def test_a_forged_copy_of_an_answer_silences_nobody():
    alone = Alone()
    one = alone.published[0]
    hint = one.id[:8]
    pair = air.pack_pair(one, approval(one, one.stamp.seq + 1))
    alone.post.hear(99, gossip.pack_ask([Item(Want.BULLETIN, hint), Item(Want.APPROVAL, hint)]))
    for _ in range(3):
        forged = bytearray(pair)
        forged[-1] ^= 1
        alone.post.exchange.hear(99, bytes(forged), alone.mesh.now)
        alone.post.hear(99, gossip.pack_ask([Item(Want.BULLETIN, hint), Item(Want.APPROVAL, hint)]))
        alone.mesh.run(alone.mesh.now + 200)
    assert alone.mesh.said["BULLETIN"] >= 1


def test_malformed_packets_are_wire_errors():
    post = Mesh(1, 1).posts[0]
    rng = random.Random(1)
    for number in range(2000):
        data = bytes([0x20 | number % 32]) + rng.randbytes(rng.randrange(230))
        try:
            post.exchange.hear(1, data, 0.0)
        except WireError:
            continue


def test_fragments_of_something_else_are_no_document():
    post = Mesh(1, 1).posts[0]
    inner = air.head(Type.FRAGMENT) + bytes(400)
    first, second, _ = split(inner)
    assert post.exchange.hear(1, first.pack(), 0.0) == []
    with pytest.raises(WireError):
        post.exchange.hear(1, second.pack(), 0.0)


def test_what_is_withdrawn_is_handed_out_no_more():
    alone = Alone()
    one = alone.published[0]
    digest = alone.post.exchange.shelf.digest()
    for document in list(alone.post.exchange.shelf):
        if document.id == one.id or getattr(document, "subject", b"") == one.id:
            alone.post.exchange.shelf.drop(document.id)
    alone.post.exchange.passed_over(one)
    assert alone.post.exchange.shelf.digest() != digest
    asked = gossip.pack_ask([Item(Want.BULLETIN, one.id[:8])])
    said = alone.hear_for_an_hour(lambda _: asked)
    assert "BULLETIN" not in said
    assert "ASK" not in said  # it is known and over: nothing that we lack


def test_slow_air_has_longer_delays():
    fast, slow = Pace(), Pace()
    fast.set(packet_airtime_ms(PRESETS["SHORT_TURBO"], 12))
    slow.set(packet_airtime_ms(PRESETS["LONG_FAST"], 12))
    assert fast.spread_s < slow.spread_s < QUIET_S[0] / 10


def test_a_suspension_is_named_by_its_key_and_an_approval_by_its_bulletin():
    assert mesh.suspension(1, "G0", "radio-ani").kind is Kind.SUSPENSION
    one = bulletin()
    assert approval(one).subject == one.id
