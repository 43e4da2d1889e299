"""Reads packets front to back. Whatever is missing or left over is a WireError."""

from enum import IntEnum
from typing import TypeVar

from kimnode.errors import WireError

C = TypeVar("C", bound=IntEnum)


class Octets:
    """Big-endian numbers and byte strings, taken in order; `end()` wants nothing left."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def left(self) -> int:
        """Bytes not yet taken."""
        return len(self._data) - self._place

    def take(self, size: int) -> bytes:
        if not 0 <= size <= self.left():
            raise WireError(f"{size} bytes expected, {self.left()} left")
        self._place += size
        return self._data[self._place - size : self._place]

    def uint(self, size: int) -> int:
        """Unsigned, of `size` bytes."""
        return int.from_bytes(self.take(size), "big")

    def rest(self, keep: int = 0) -> bytes:
        """All but the last `keep` bytes."""
        return self.take(self.left() - keep)

    def end(self) -> None:
        if self.left():
            raise WireError(f"{self.left()} bytes too many")


class Bits:
    """Fields of one number, from its highest bit down; `end()` wants the unused ones zero."""

    def __init__(self, value: int, size_bytes: int) -> None:
        self._value = value
        self._left = 8 * size_bytes

    def take(self, bits: int) -> int:
        self._left -= bits
        return (self._value >> self._left) & ((1 << bits) - 1)

    def code(self, codes: type[C], bits: int) -> C:
        value = self.take(bits)
        try:
            return codes(value)
        except ValueError:
            raise WireError(f"unknown {codes.__name__} {value}") from None

    def end(self) -> None:
        if self.take(self._left):
            raise WireError("unused bits are not zero")


def packed(*fields: tuple[int, int]) -> int:
    """The number whose bits are these (value, bits), highest first."""
    number = 0
    for value, bits in fields:
        if not 0 <= value < 1 << bits:
            raise WireError(f"{value} does not fit {bits} bits")
        number = number << bits | value
    return number


def uint(value: int, size: int) -> bytes:
    """Big-endian, of `size` bytes; WireError when it does not fit."""
    if not 0 <= value < 1 << 8 * size:
        raise WireError(f"{value} does not fit {size} bytes")
    return value.to_bytes(size, "big")
