"""The fuzz targets with Hypothesis: no coverage guidance, but in every test run."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimnode.errors import Reason, Refused, WireError
from kimnode.wire.stream import MAX_FRAME_BYTES, Deframer, frame
from tests.fuzz.run import SEEDS
from tests.fuzz.targets import ALLOWED, TARGETS, Broken, expect

PIECES = [
    b"\x94", b"\xc3", b"\x94\xc3", b"\x00", b"\x02", b"\xff", b"Ani", b": ", b" (1/3): ", b"SOS",
    b"batal ", b"kim", b" ", b"\n", b"\r\n", b"\t", b"x" * 60, "é".encode(), "👩".encode(),
    "\u200d".encode(), "\u200b".encode(), "\u202e".encode(), "\u0301".encode(), "\ufe0f".encode(),
    "🇮".encode(), "🏴".encode(), "\U000e0067".encode(), b"\xed\xa0\x80", b"\xf0\x9f", b"\xe2\x80",
    "س".encode(), "\u0651".encode(), "ﷺ".encode(), "\U0001d40a\U0001d408".encode(),
    "\u1112\u1161".encode(),
]  # fmt: skip
nearly_right = st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join)
inputs = st.one_of(nearly_right, st.binary(max_size=3000), st.text(max_size=500).map(str.encode))


def run(name: str, data: bytes) -> None:
    try:
        TARGETS[name](data)
    except ALLOWED:
        return


@pytest.mark.parametrize("name", TARGETS)
@settings(deadline=None, max_examples=300)
@given(inputs)
def test_any_bytes_are_decoded_or_refused(name, data):
    run(name, data)


@pytest.mark.parametrize("name", TARGETS)
def test_the_seeds_of_the_long_run(name):
    assert SEEDS.keys() == TARGETS.keys()
    for data in SEEDS[name]:
        run(name, data)


def test_a_target_can_fail():
    with pytest.raises(Broken):
        expect(False, "as it should")
    assert not issubclass(Broken, (WireError, Refused))
    assert Refused(Reason.EMPTY).reason is Reason.EMPTY


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, MAX_FRAME_BYTES), min_size=1, max_size=50))
def test_ten_thousand_partial_frames_of_any_length_stay_bounded(lengths):
    deframer = Deframer()
    most = 0
    for number in range(10_000):
        partial = frame(bytes(lengths[number % len(lengths)]))[:-1]
        for payload in deframer.feed(partial):
            assert len(payload) <= MAX_FRAME_BYTES
        most = max(most, len(deframer._buffer))
    assert most < 4 + MAX_FRAME_BYTES
