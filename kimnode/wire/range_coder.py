"""Binary range coder, 32 bit, integers only (SPEC.md section 7.5).

The coder starts inside the interval of its first four bits instead of the whole one: that puts the
mark of a compressed text in front without a byte of its own.
"""

from kimnode.errors import WireError

CHANCE_BITS = 16  # a chance is out of 1 << 16; 0 and 1 << 16 may not occur
HALF = 1 << CHANCE_BITS - 1
_TOP = 0xFF000000
_ALL = 0xFFFFFFFF
_LOW_CHANCE = (1 << CHANCE_BITS) - 1


def _start(mark: int) -> tuple[int, int]:
    return mark << 28, mark << 28 | 0x0FFFFFFF


def _middle(low: int, high: int, chance: int) -> int:
    """Last value of the part that stands for a one."""
    width = high - low
    return low + (width >> CHANCE_BITS) * chance + ((width & _LOW_CHANCE) * chance >> CHANCE_BITS)


class Encoder:
    """Bits and their chances -> bytes that begin with the four bits of `mark`."""

    def __init__(self, mark: int) -> None:
        self._low, self._high = _start(mark)
        self._out = bytearray()

    def write(self, bit: int, chance: int) -> None:
        """`chance` is that of a one."""
        middle = _middle(self._low, self._high, chance)
        if bit:
            self._high = middle
        else:
            self._low = middle + 1
        while not (self._low ^ self._high) & _TOP:
            self._out.append(self._low >> 24)
            self._low = self._low << 8 & _ALL
            self._high = self._high << 8 & _ALL | 0xFF

    def finish(self) -> bytes:
        """As few bytes more as name a value in the interval; the decoder sees zeros after them."""
        for size in range(5):
            unit = 1 << 32 - 8 * size
            value = -(-self._low // unit) * unit
            if value <= self._high:
                return bytes(self._out) + value.to_bytes(5)[1 : 1 + size]
        raise AssertionError("four bytes name every value")


class Decoder:
    """The bits again, given the same chances; WireError when the bytes are used up."""

    def __init__(self, data: bytes) -> None:
        self._low, self._high = _start(data[0] >> 4)
        self._value = int.from_bytes(data[:4].ljust(4, b"\0"))
        self._rest = iter(data[4:])
        self._left = len(data)

    def read(self, chance: int) -> int:
        middle = _middle(self._low, self._high, chance)
        bit = int(self._value <= middle)
        if bit:
            self._high = middle
        else:
            self._low = middle + 1
        while not (self._low ^ self._high) & _TOP:
            if not self._left:
                raise WireError("compressed text without an end")
            self._left -= 1
            self._low = self._low << 8 & _ALL
            self._high = self._high << 8 & _ALL | 0xFF
            self._value = self._value << 8 & _ALL | next(self._rest, 0)
        return bit
