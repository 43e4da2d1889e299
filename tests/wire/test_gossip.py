"""Beacons, vectors and asks: what goes in comes out, all else is a WireError; sizes."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimnode.errors import WireError
from kimnode.wire import gossip
from kimnode.wire.air import MAX_PACKET_BYTES, Type, head
from kimnode.wire.gossip import (
    MAX_ITEMS,
    REACH,
    Beacon,
    Item,
    Origin,
    Vector,
    Want,
    lists_tag,
    pack_ask,
    parse_ask,
    parse_beacon,
    parse_vector,
    vectors,
)
from tests.rules import trust_samples as samples

long = st.integers(0, (1 << 32) - 1)
hint8 = st.binary(min_size=8, max_size=8)
origins = st.binary(min_size=7, max_size=7).map(Origin)
shelves = st.dictionaries(
    origins, st.sets(st.integers(1, 5000), min_size=1, max_size=30), max_size=60
)
beacons = st.builds(
    Beacon, st.binary(min_size=6, max_size=6), long, long, st.binary(min_size=4, max_size=4),
    st.lists(hint8, max_size=3).map(tuple),
)  # fmt: skip


@st.composite
def items(draw) -> Item:
    want = draw(st.sampled_from(Want))
    size = gossip.HINT_BYTES[want]
    hint = draw(st.binary(min_size=size, max_size=size))
    if want in (Want.REVOCATION, Want.ROOT):
        return Item(want, number=draw(long))
    if want is Want.FRAGMENTS:
        missing = draw(st.frozensets(st.integers(0, 20), min_size=1))
        return Item(want, hint, numbers=missing)
    if want is Want.NUMBERS:
        highest = draw(st.integers(17, 1 << 20))
        below = draw(st.frozensets(st.integers(highest - 16, highest - 1)))
        return Item(want, hint, numbers=below | {highest})
    return Item(want, hint)


@given(beacons)
def test_a_beacon(beacon):
    assert parse_beacon(beacon.pack()) == beacon
    assert len(beacon.pack()) == 19 + 8 * len(beacon.news)


@given(st.lists(items(), min_size=1, max_size=MAX_ITEMS).map(tuple))
def test_an_ask(asked):
    assert parse_ask(pack_ask(asked)) == asked
    assert len(pack_ask(asked)) <= MAX_PACKET_BYTES


@settings(deadline=None)
@given(shelves, st.integers(0, 255))
def test_a_vector_says_what_is_on_the_shelf_and_nothing_else(shelf, salt):
    made = vectors(shelf, salt, 100)
    heard = [parse_vector(vector.pack()) for vector in made]
    assert heard == made
    assert all(len(vector.pack()) <= MAX_PACKET_BYTES for vector in made)
    for origin, numbers in shelf.items():
        tag = gossip.tag(salt, origin)
        (about,) = [vector for vector in heard if vector.covers(tag)]
        spoken = {number for number in numbers if number >= max(about.entries[tag]) - REACH}
        assert spoken <= about.entries[tag]
    tags = {gossip.tag(salt, origin) for origin in shelf}
    assert {tag for vector in heard for tag in vector.entries} == tags


def test_an_empty_shelf_is_said_too():
    (vector,) = vectors({}, 9, 3)
    assert vector.covers(b"\0\0")
    assert vector.covers(b"\xff\xff")
    assert parse_vector(vector.pack()).entries == {}


@given(shelves)
def test_equal_shelves_have_equal_digests(shelf):
    pairs = [(origin, number) for origin, numbers in shelf.items() for number in numbers]
    shuffled = random.Random(1).sample(pairs, len(pairs))
    assert gossip.digest(pairs) == gossip.digest(shuffled)
    assert gossip.digest(pairs) != gossip.digest([*pairs, (Origin(b"another"), 1)])


@settings(deadline=None, max_examples=500)
@given(st.sampled_from([Type.BEACON, Type.VECTOR, Type.ASK]), st.binary(max_size=240))
def test_any_bytes_mean_something_or_are_a_wire_error(kind, data):
    packet = head(kind) + data
    try:
        match kind:
            case Type.BEACON:
                assert parse_beacon(packet).pack() == packet
            case Type.VECTOR:
                assert len(parse_vector(packet).entries) <= len(data) // 7
            case _:
                assert pack_ask(parse_ask(packet)) == packet
    except WireError:
        return
    assert len(packet) <= MAX_PACKET_BYTES


BAD = {
    "beacon of another type": (parse_beacon, b"\x2b" + bytes(18)),
    "four news": (parse_beacon, b"\x2a" + bytes(18 + 32)),
    "half a hint": (parse_beacon, b"\x2a" + bytes(18 + 4)),
    "ask for nothing": (parse_ask, b"\x2b"),
    "ask for something unknown": (parse_ask, b"\x2b\x08" + bytes(8)),
    "ask for no fragment": (parse_ask, b"\x2b\x06" + bytes(11)),
    "ask for fragment 21": (parse_ask, b"\x2b\x06" + bytes(10) + b"\x04"),
    "ask for number 0": (parse_ask, b"\x2b\x07" + bytes(9)),
    "thirteen items": (parse_ask, b"\x2b" + 13 * (b"\x04" + bytes(4))),
    "vector out of order": (parse_vector, b"\x2c\0\0\0\xff\xff" + 2 * b"\x01\x01\0\0\0\x01\0"),
    "vector past its end": (parse_vector, b"\x2c\0\0\0\x01\x00" + b"\x01\x01\0\0\0\x01\0"),
    "vector with a zero at the end": (parse_vector, b"\x2c\0\0\0\xff\xff\x01\x01\0\0\0\x09\x01\0"),
    "vector with number 0": (parse_vector, b"\x2c\0\0\0\xff\xff\x01\x01\0\0\0\x01\x01\x80"),
    "vector with 33 bytes": (
        parse_vector,
        b"\x2c\0\0\0\xff\xff\x01\x01\0\0\xff\x09\x21" + b"\1" * 33,
    ),
    "vector too long": (parse_vector, b"\x2c\0\0\0\xff\xff" + bytes(300)),
}


@pytest.mark.parametrize("name", BAD)
def test_this_is_none(name):
    parse, packet = BAD[name]
    with pytest.raises(WireError):
        parse(packet)


@pytest.mark.parametrize("hint", [b"", b"1234567", b"123456789"])
def test_a_hint_of_the_wrong_length_is_not_packed(hint):
    with pytest.raises(WireError):
        pack_ask([Item(Want.BULLETIN, hint)])
    with pytest.raises(WireError):
        pack_ask([Item(Want.NUMBERS, b"123", numbers=frozenset({1 << 33}))])


@pytest.mark.parametrize("missing", [0, 1, 5, 20, 100])
def test_a_thousand_documents_of_ten_origins_are_one_packet(missing):
    """Four bytes in the beacon while two shelves are equal, one vector when they are not."""
    rng = random.Random(5)
    shelf = {Origin(rng.randbytes(7)): set(range(1, 101)) for _ in range(10)}
    documents = [(origin, number) for origin in shelf for number in shelf[origin]]
    for origin, number in rng.sample(documents, missing):
        shelf[origin].discard(number)
    (vector,) = vectors(shelf, 1, 9)
    assert len(vector.pack()) <= MAX_PACKET_BYTES


def test_tags_that_collide_part_with_another_salt():
    rng = random.Random(6)
    by_tag: dict[bytes, Origin] = {}
    while True:
        place = Origin(rng.randbytes(7))
        other = by_tag.setdefault(gossip.tag(0, place), place)
        if other != place:
            break
    assert gossip.tag(1, place) != gossip.tag(1, other)
    (vector,) = vectors({place: {1}, other: {2}}, 0, 9)
    assert vector == Vector(0, b"\0\0", b"\xff\xff", {gossip.tag(0, place): frozenset({1, 2})})


def test_the_lists_tag_names_every_issuer_and_number_in_any_order():
    by_district, by_hub = samples.revocation(number=2), samples.revocation(by=samples.HUB, number=7)
    tag = lists_tag([by_district, by_hub])
    assert tag == lists_tag([by_hub, by_district])
    others = [[], [by_district], [by_hub], [samples.revocation(number=3), by_hub]]
    assert tag not in {lists_tag(one) for one in others}
    assert lists_tag([]) == 0
