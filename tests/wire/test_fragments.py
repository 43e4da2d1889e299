"""Pieces in any order, lost, twice, forged: the whole packet once, or nothing; always bounded."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimnode.errors import WireError
from kimnode.wire import fragments
from kimnode.wire.air import MAX_PACKET_BYTES
from kimnode.wire.fragments import (
    MAX_MENDED_BYTES,
    MAX_PARTIALS,
    MAX_PARTIALS_PER_SENDER,
    MAX_PIECE_BYTES,
    MAX_PIECES,
    MAX_WHOLE_BYTES,
    PARTIAL_TTL_S,
    Reassembler,
    parse_fragment,
    parse_repair,
    repair,
    split,
    tag_of,
)

longs = st.integers(MAX_PACKET_BYTES + 1, MAX_WHOLE_BYTES).map(
    lambda n: random.Random(n).randbytes(n)
)


def fed(pieces, reassembler=None, now=0.0, sender=1):
    reassembler = reassembler or Reassembler()
    found = [reassembler.feed(sender, piece, now) for piece in pieces]
    return [whole for whole in found if whole is not None]


@settings(deadline=None, max_examples=60)
@given(longs, st.randoms(use_true_random=False))
def test_any_one_piece_may_be_missing_and_the_others_in_any_order_and_twice(whole, rng):
    pieces = split(whole)
    assert all(len(piece.pack()) <= MAX_PACKET_BYTES for piece in pieces)
    assert len(pieces) == pieces[0].count + 1 <= MAX_PIECES + 1
    heard = [parse_fragment(piece.pack()) for piece in pieces]
    assert heard == pieces
    del heard[rng.randrange(len(heard))]
    heard += rng.choices(heard, k=3)
    rng.shuffle(heard)
    assert fed(heard) == [whole]


@settings(deadline=None, max_examples=40)
@given(longs, st.integers(0, 20), st.randoms(use_true_random=False))
def test_a_forged_piece_does_not_keep_the_true_one_out(whole, place, rng):
    pieces = split(whole)
    true = pieces[place % len(pieces)]
    forged = replace(true, piece=rng.randbytes(len(true.piece)))
    assert fed([forged, *pieces]) == [whole]
    assert fed([*pieces[:-1], forged]) == [whole]


def test_a_message_full_of_forged_pieces_can_still_be_completed():
    whole = random.Random(1).randbytes(500)
    reassembler = Reassembler()
    forged = [replace(piece, piece=bytes(len(piece.piece))) for piece in split(whole)]
    assert fed(forged, reassembler) == []
    assert reassembler.needed(fragments.message_id(whole))  # so it is asked for again
    assert fed(split(whole), reassembler) == [whole]


def test_what_is_needed():
    whole = random.Random(2).randbytes(900)
    pieces = split(whole)
    reassembler = Reassembler()
    name = fragments.message_id(whole)
    assert reassembler.needed(name) == frozenset()
    fed(pieces[:1], reassembler)
    assert reassembler.needed(name) == frozenset(range(1, pieces[0].count))
    fed(pieces[-1:], reassembler)
    assert len(reassembler.needed(name)) == pieces[0].count - 2
    fed(pieces, reassembler)
    assert reassembler.needed(name) == frozenset()


def test_pieces_of_several_senders_fit_together_and_of_two_messages_do_not():
    whole, other = (random.Random(n).randbytes(400) for n in (3, 4))
    reassembler = Reassembler()
    assert reassembler.feed(1, split(whole)[0], 0.0) is None
    assert reassembler.feed(1, split(other)[1], 0.0) is None
    assert reassembler.feed(2, split(whole)[1], 0.0) == whole
    with pytest.raises(WireError):
        reassembler.feed(2, replace(split(other)[0], count=3), 0.0)


def test_unfinished_messages_are_few_and_do_not_live_long():
    reassembler = Reassembler()
    for sender in range(200):
        for number in range(20):
            whole = random.Random(sender * 100 + number).randbytes(4000)
            reassembler.feed(sender, split(whole)[0], float(sender))
            kept = list(reassembler._partials.values())
            assert len(kept) <= MAX_PARTIALS
            assert sum(one.sender == sender for one in kept) <= MAX_PARTIALS_PER_SENDER
    whole = random.Random(9).randbytes(300)
    pieces = split(whole)
    assert fed(pieces[:1], reassembler, 1000.0) == []
    assert fed(pieces[1:2], reassembler, 1000.0 + PARTIAL_TTL_S) == []
    assert fed(pieces[:1], reassembler, 1000.0 + PARTIAL_TTL_S) == [whole]


@settings(deadline=None, max_examples=500)
@given(st.binary(max_size=240))
def test_any_bytes_are_a_piece_or_a_wire_error(data):
    for parse in (parse_fragment, parse_repair):
        for first in (b"\x2d", b"\x2f", b""):
            try:
                found = parse(first + data)
            except WireError:
                continue
            assert found.pack() == first + data


@pytest.mark.parametrize("size", [0, 1, MAX_PACKET_BYTES, MAX_WHOLE_BYTES + 1])
def test_only_long_packets_are_cut(size):
    with pytest.raises(WireError):
        split(bytes(size))


@given(
    st.binary(min_size=1, max_size=MAX_MENDED_BYTES),
    st.binary(min_size=1, max_size=MAX_MENDED_BYTES),
)
def test_a_repair_gives_each_packet_to_who_has_the_other(first, second):
    packet = repair(first, second)
    assert len(packet) <= MAX_PACKET_BYTES
    mend = parse_repair(packet)
    assert mend.mend(first) == second
    assert mend.mend(second) == first
    assert mend.mend(b"something else") is None


def test_a_repair_with_a_wrong_bit_mends_nothing():
    first, second = b"a" * 50, b"b" * 80
    packet = bytearray(repair(first, second))
    packet[20] ^= 1
    assert parse_repair(bytes(packet)).mend(first) is None
    assert tag_of(first) != tag_of(second)
    for sizes in ((0, 5), (MAX_MENDED_BYTES + 1, 5)):
        with pytest.raises(WireError):
            repair(bytes(sizes[0]), bytes(sizes[1]))


def test_a_piece_is_never_longer_than_a_packet_carries():
    assert MAX_PIECE_BYTES + fragments.HEADER_BYTES == MAX_PACKET_BYTES
