"""Numbers and bits in packets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimnode.errors import WireError
from kimnode.wire.codes import Mode, Topic
from kimnode.wire.octets import Bits, Octets, packed, uint


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0)), min_size=1, max_size=8))
def test_bits_come_out_as_they_went_in(fields):
    fields = [(value % (1 << bits), bits) for bits, value in fields]
    total = sum(bits for _, bits in fields)
    size = -(-total // 8)
    number = packed(*fields, (0, 8 * size - total))
    bits = Bits(number, size)
    assert [bits.take(width) for _, width in fields] == [value for value, _ in fields]
    bits.end()


@given(st.integers(0, (1 << 32) - 1))
def test_numbers_come_out_as_they_went_in(value):
    octets = Octets(uint(value, 4) + b"x")
    assert octets.uint(4) == value
    assert octets.rest() == b"x"
    octets.end()


def test_nothing_is_made_up():
    with pytest.raises(WireError):
        Octets(b"ab").take(3)
    with pytest.raises(WireError):
        Octets(b"ab").rest(keep=3)
    with pytest.raises(WireError):
        Octets(b"ab").end()
    with pytest.raises(WireError):
        Bits(1, 1).end()
    with pytest.raises(WireError):
        Bits(0xF0, 1).code(Topic, 4)
    assert Bits(0x80, 1).code(Mode, 1) is Mode.ATTESTED


@pytest.mark.parametrize(("value", "size"), [(-1, 1), (256, 1), (1 << 24, 3)])
def test_what_does_not_fit_is_refused(value, size):
    with pytest.raises(WireError):
        uint(value, size)
    with pytest.raises(WireError):
        packed((value, 8 * size))
