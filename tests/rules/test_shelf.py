"""The shelf and the tables around it: everything bounded, equal contents equal digests."""

import random

import pytest

from kimnode.rules.asking import MAX_LACKS, Lacks, Pace
from kimnode.rules.beacons import (
    MAX_PAIRS,
    MAX_POSTS,
    PAIR_S,
    PAIR_TRIES,
    POST_S,
    Allowance,
    Differences,
)
from kimnode.rules.exchange import Exchange
from kimnode.rules.mending import Mending
from kimnode.rules.shelf import MAX_SHELVED, Shelf, place_of
from kimnode.wire import air, gossip
from kimnode.wire.fragments import repair
from kimnode.wire.gossip import Item, Want
from tests.rules import mesh
from tests.rules.mesh import Archive, approval, bulletin


def exchange(seed: int = 1) -> Exchange:
    return Exchange(b"abcdef", Archive(), random.Random(seed).random, Pace(), 0.0)


def test_a_shelf_has_an_end_and_the_oldest_go():
    shelf = Shelf()
    documents = [bulletin(n + 1, 5) for n in range(MAX_SHELVED + 5)]
    assert all(shelf.put(document) for document in documents)
    assert not shelf.put(documents[-1])
    assert len(list(shelf)) == MAX_SHELVED
    assert documents[0].id not in shelf
    assert documents[-1].id in shelf
    assert shelf.news() == tuple(one.id[:8] for one in documents[-3:])


def test_the_digest_is_that_of_the_contents():
    one, other = Shelf(), Shelf()
    documents = [bulletin(n, 5) for n in (1, 2, 3)]
    for document in documents:
        one.put(document)
    for document in reversed(documents):
        other.put(document)
    assert one.digest() == other.digest() != Shelf().digest()
    other.drop(documents[0].id)
    other.drop(documents[0].id)
    assert one.digest() != other.digest()


def test_what_can_be_lacked_has_an_end():
    lacks = Lacks(random.Random(1).random, Pace())
    for number in range(3 * MAX_LACKS):
        lacks.add(Item(Want.BULLETIN, number.to_bytes(8, "big")), 0.0)
    assert len(lacks._lacks) == MAX_LACKS
    asked = lacks.due(1000.0)
    assert len(gossip.pack_ask(asked)) <= air.MAX_PACKET_BYTES
    now = 1000.0
    for _ in range(600):
        now = max(now, min(lacks.wake_at(), 1e9))
        lacks.due(now)
    assert lacks.wake_at() == float("inf")  # nobody answers: it gives up


def test_an_hours_allowance():
    allowance = Allowance(2)
    for now in (0.0, 1.0):
        assert allowance.left(now)
        allowance.use(now)
    assert not allowance.left(3599.0)
    assert allowance.left(3600.0)


def test_the_same_difference_is_spoken_about_a_few_times():
    differences = Differences()
    tried = [differences.worth_a_vector(b"ours", b"them", float(n)) for n in range(9)]
    assert tried.count(True) == PAIR_TRIES
    assert differences.worth_a_vector(b"ours", b"them", PAIR_S + 9)
    for number in range(3 * MAX_PAIRS):
        differences.worth_a_vector(b"ours", number.to_bytes(4, "big"), 0.0)
    assert len(differences._pairs) == MAX_PAIRS


def test_who_is_around_is_forgotten_and_bounded():
    differences = Differences()
    assert differences.posts(b"one", 0.0) == 1
    assert differences.posts(b"two", 1.0) == 2
    assert differences.posts(b"two", POST_S) == 1
    for number in range(3 * MAX_POSTS):
        differences.posts(number.to_bytes(6, "big"), POST_S)
    assert len(differences._posts) <= MAX_POSTS


def test_numbers_that_a_vector_lists_are_asked_for_but_not_what_is_over():
    ours, over, theirs = bulletin(1), bulletin(2), bulletin(3)
    machine = exchange()
    machine.put(ours, 0.0)
    machine.passed_over(over)
    shelf: dict[gossip.Origin, set[int]] = {}
    for document in (ours, over, theirs):
        origin, number = place_of(document)
        shelf.setdefault(origin, set()).add(number)
    machine.hear(1, gossip.vectors(shelf, 7, 1)[0].pack(), 0.0)
    (lack,) = machine._lacks._lacks.values()
    assert lack.item.numbers == {3}
    machine.found(theirs)
    assert machine._lacks.wake_at() == float("inf")


def test_a_suspension_that_another_shelf_lacks_is_sent():
    machine = exchange()
    vote = mesh.suspension(1, "G0", "radio-ani")
    machine.put(vote, 0.0)
    said: list[bytes] = []
    for number in range(6):
        machine.hear(1, gossip.vectors({}, number, 1)[0].pack(), number * 100.0)
        said += [p for n in range(100) if (p := machine.say(number * 100.0 + n)) is not None]
    assert air.pack(vote) in said


def test_a_publisher_says_late_approvals_alone():
    machine = exchange()
    one = bulletin()
    packets = machine.publish([one, approval(one), approval(one, 3, "G0", direct=True)], 0.0)
    assert [air.type_of(packet).name for packet in packets] == [
        *("BULLETIN", "APPROVAL", "APPROVAL", "REPAIR")
    ]
    assert [air.type_of(p).name for p in machine.publish([approval(one, 4)], 1.0)] == ["APPROVAL"]


def test_a_repair_that_mends_something_else_is_none():
    """Two packets of which one is no document: nothing comes of it."""
    mending = Mending(Lacks(random.Random(1).random, Pace()))
    true, false = air.pack(bulletin(1, 20)), b"\xff no packet at all"
    beacon = gossip.Beacon(b"abcdef", 1, 1, b"abcd").pack()
    assert mending.hear(1, true, 0.0) == [true]
    for other in (false, beacon):
        assert mending.hear(1, repair(true, other), 0.0) == []
    other = air.pack(bulletin(2, 20))
    assert mending.hear(1, repair(other, air.pack(bulletin(3, 20))), 0.0) == []
    assert len(mending.hear(1, other, 0.0)) == 2
    assert mending.hear(1, other, 0.0) == [other]


@pytest.mark.parametrize("seed", range(5))
def test_say_never_returns_the_same_moment_for_ever(seed):
    """Whatever was heard, asking again and again comes to an end: no gateway spins."""
    rng = random.Random(seed)
    machine = exchange(seed)
    for number in range(20):
        machine.put(bulletin(number + 1, 5), 0.0)
    now = 0.0
    for _ in range(2000):
        if rng.random() < 0.3:
            ask = [Item(Want.BULLETIN, rng.randbytes(8)), Item(Want.REVOCATION, number=0)]
            machine.hear(1, gossip.pack_ask(ask), now)
        calls = 0
        while machine.wake_at() <= now:
            machine.say(now)
            calls += 1
            assert calls < 200
        now += rng.choice((0.1, 5.0, 300.0))
