"""Framing: every cutting gives the same frames, noise loses none of them, memory is bounded."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimnode.errors import WireError
from kimnode.wire import stream
from kimnode.wire.stream import HEADER_BYTES, MAX_FRAME_BYTES, MAX_LOG_BYTES, Deframer, frame

payloads = st.binary(max_size=MAX_FRAME_BYTES)
quiet = st.binary(max_size=60).map(lambda b: b.replace(b"\x94", b"."))  # text that opens no frame


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(p % (len(data) + 1) for p in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def test_frame_layout_is_the_one_of_the_spec():
    assert frame(b"abc") == bytes.fromhex("94c30003") + b"abc"
    assert frame(b"") == bytes.fromhex("94c30000")
    assert frame(b"x" * 512)[:4] == bytes.fromhex("94c30200")


def test_a_frame_that_is_too_long_is_refused():
    with pytest.raises(WireError, match="513 bytes, 512 are allowed"):
        frame(bytes(MAX_FRAME_BYTES + 1))


def test_wake_is_thirty_two_c3_and_no_frame():
    assert bytes(32).replace(b"\0", b"\xc3") == stream.WAKE
    assert list(Deframer().feed(stream.WAKE)) == []


@given(st.lists(st.tuples(quiet, payloads), max_size=6), st.lists(st.integers(0), max_size=8))
def test_any_cutting_gives_the_same_frames_and_the_text_between(parts, places):
    data = b"".join(text + frame(payload) for text, payload in parts)
    deframer = Deframer()
    frames = [f for chunk in cut(data, places) for f in deframer.feed(chunk)]
    assert frames == [payload for _, payload in parts]
    text = b"".join(text for text, _ in parts)
    assert deframer.noise_bytes == len(text)
    assert deframer.take_log() == text
    assert deframer.take_log() == b""


@given(st.binary(max_size=2000), st.lists(st.integers(0), max_size=8))
def test_garbage_is_accounted_for_byte_by_byte(garbage, places):
    deframer = Deframer()
    frames = [f for chunk in cut(garbage, places) for f in deframer.feed(chunk)]
    framed = sum(HEADER_BYTES + len(f) for f in frames)
    held = len(garbage) - framed - deframer.noise_bytes
    assert 0 <= held < HEADER_BYTES + MAX_FRAME_BYTES


@pytest.mark.parametrize(
    "before",
    [
        "94",
        "9494",
        "94c3",
        "94c3ff",
        "94c39494",
        "94c30201",
        "94c3ffff",
        "c3",
        "94009400",
        "94c394c3",
    ],
)
def test_a_stray_header_directly_before_a_frame_does_not_lose_it(before):
    deframer = Deframer()
    data = bytes.fromhex(before) + frame(b"hello")
    assert list(deframer.feed(data)) == [b"hello"]
    assert [f for byte in data for f in deframer.feed(bytes([byte]))] == [b"hello"]
    assert deframer.noise_bytes == 2 * len(bytes.fromhex(before))


def test_the_longest_header_that_is_allowed_waits_for_its_payload():
    deframer = Deframer()
    assert list(deframer.feed(bytes.fromhex("94c30200"))) == []
    assert list(deframer.feed(bytes(511))) == []
    assert list(deframer.feed(b"\1")) == [bytes(511) + b"\1"]


def test_a_byte_that_cannot_open_a_frame_is_let_go_at_once():
    deframer = Deframer()
    assert list(deframer.feed(b"\x94x")) == []
    assert deframer.noise_bytes == 2
    assert list(deframer.feed(b"\x94")) == []
    assert deframer.noise_bytes == 2  # this one may still be a header


def test_log_text_is_kept_up_to_its_bound_and_counted_beyond():
    deframer = Deframer()
    assert list(deframer.feed(b"a" * MAX_LOG_BYTES + b"b" * 10)) == []
    assert list(deframer.feed(b"c" * 10)) == []
    assert deframer.noise_bytes == MAX_LOG_BYTES + 20
    assert deframer.take_log() == b"a" * MAX_LOG_BYTES
    assert list(deframer.feed(b"d")) == []
    assert deframer.take_log() == b"d"


def test_data_is_kept_when_the_iterator_is_not_consumed():
    deframer = Deframer()
    deframer.feed(frame(b"one"))
    assert list(deframer.feed(frame(b"two"))) == [b"one", b"two"]


def test_a_frame_that_lost_a_byte_costs_only_itself():
    damaged = frame(b"damaged-payload")[:-1]
    deframer = Deframer()
    good = []
    for payload in deframer.feed(damaged + frame(b"first") + frame(b"second")):
        if payload.startswith(b"damaged"):
            deframer.reject(payload)
        else:
            good.append(payload)
    assert good == [b"first", b"second"]
    assert deframer.noise_bytes == len(damaged)


@given(st.lists(payloads, max_size=4), st.integers(1, 400))
def test_rejecting_everything_ends_and_counts_everything(contents, lost):
    data = b"".join(frame(p) for p in contents)[: -lost or None]
    deframer = Deframer()
    for payload in deframer.feed(data):
        deframer.reject(payload)
    assert len(data) - deframer.noise_bytes < HEADER_BYTES + MAX_FRAME_BYTES


def test_ten_thousand_partial_frames_hold_no_more_than_one():
    deframer = Deframer()
    partial = frame(bytes(MAX_FRAME_BYTES))[:-1]
    most = 0
    for _ in range(10_000):
        list(deframer.feed(partial))
        most = max(most, len(deframer._buffer))
    assert most < HEADER_BYTES + MAX_FRAME_BYTES
    assert len(deframer.take_log()) <= MAX_LOG_BYTES
