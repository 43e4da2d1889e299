"""What Indonesian text looks like: the chance of each next bit, from a static model file.

SPEC.md section 7 is the law. A chance is a sum of weights that were learned together, one per
context that the file knows; nothing is counted here. Integers only: every processor and every
version of Python must find the same chances, or the two ends of a radio link disagree.
"""

import mmap
import struct
from functools import cache
from importlib.resources import as_file, files

MODEL_FILE = "indonesian-0.bin"
MODEL_NUMBER = 0  # two bits on the air; another file needs another number
MODEL_SHA256 = "275d199a14a2c1fa085e43695417a2f022a2d04438c82b55327a0f33ba10390c"

END, CAPITAL, CAPITALS, ESCAPE, SPACE = range(5)  # the space is first in the alphabet
WORD_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-'")
MAX_ORDER = 7
NODES = 128  # numbers set aside for the tree after each symbol
LEAF = 128  # children from here on are symbols

MAGIC = b"kimtext1"
HEADER = struct.Struct(">8sBHIH")  # magic, symbols, bytes of alphabet, slots, steps of a chance
_MASK = 0xFFFFFFFF
_FOLD = 0x2F0B4F37
_NODE = 0x9E3779B1
_SCATTER = 0x85EBCA6B


def fold(state: int, value: int) -> int:
    """One step of the hash that contexts are known by."""
    return state * _FOLD + value + 1 & _MASK


class Past:
    """What was said so far in one text, as the contexts see it (SPEC.md section 7.3)."""

    def __init__(self, word_symbols: frozenset[int]) -> None:
        self._word_symbols = word_symbols
        self._last = [END] * MAX_ORDER  # newest first, case marks left out
        self._word = self._before = self._before_that = 0
        self._case = self._case_before = 0
        self.tree = END  # the symbol just seen, case marks included

    def contexts(self) -> list[int]:
        """Ten hashes: the last 2 to 7 symbols, the word with 0 to 2 before it, the case."""
        found = []
        state = 0
        for order, symbol in enumerate(self._last, 1):
            state = fold(state, symbol)
            if order > 1:
                found.append(fold(state, 1000 + order))
        word = fold(self._word, 1008)
        pair = fold(word, self._before)
        cases = self._case_before * 4 + self._case
        return [*found, word, pair, fold(pair, self._before_that), fold(cases, self._last[0])]

    def push(self, symbol: int) -> None:
        self.tree = symbol
        if symbol in (CAPITAL, CAPITALS):
            self._case = symbol
            return
        self._last = [symbol, *self._last[:-1]]
        if symbol in self._word_symbols:
            self._word = fold(self._word, symbol)
            return
        if self._word:
            self._before_that, self._before = self._before, self._word
            self._case_before = self._case
        self._word = self._case = 0
        if symbol != SPACE:
            self._before = fold(self._before, symbol)


class Model:
    """One model file, read where it lies: pages come in as texts touch them."""

    def __init__(self, data: bytes | mmap.mmap) -> None:
        magic, symbols, alphabet_bytes, slots, steps = HEADER.unpack_from(data)
        if magic != MAGIC:
            raise ValueError("not a text model; install kimnode again")
        at = HEADER.size
        self.alphabet = data[at : at + alphabet_bytes].decode()
        at += alphabet_bytes
        self._trees = data[at : at + symbols * NODES * 2]
        at += len(self._trees)
        self._bias: tuple[int, ...] = struct.unpack_from(f">{symbols * NODES}h", data, at)
        at += 2 * len(self._bias)
        self._weights: tuple[int, ...] = struct.unpack_from(">16h", data, at)
        at += 32
        self._chances: tuple[int, ...] = struct.unpack_from(f">{steps}H", data, at)
        at += 2 * steps
        if len(data) != at + slots:
            raise ValueError("the text model is damaged; install kimnode again")
        self._data, self._first, self._slots = data, at, slots
        self._middle = steps // 2
        self._upwards: dict[int, bytes] = {}
        self.symbols = {c: n for n, c in enumerate(self.alphabet, SPACE)}
        self._word_symbols = frozenset(self.symbols[c] for c in WORD_CHARACTERS)

    @property
    def size_bytes(self) -> int:
        return len(self._data)

    def past(self) -> Past:
        return Past(self._word_symbols)

    def child(self, tree: int, node: int, bit: int) -> int:
        """A node further down, or LEAF + symbol."""
        return self._trees[(tree * NODES + node) * 2 + bit]

    def path(self, tree: int, symbol: int) -> list[tuple[int, int]]:
        """(node, bit) from the root of the tree to the symbol."""
        ups = self._ups(tree)
        found = []
        place = LEAF + symbol
        while place:
            node, bit = divmod(ups[place], 2)
            found.append((node, bit))
            place = node
        return found[::-1]

    def _ups(self, tree: int) -> bytes:
        """By node or leaf: twice the node above it, plus the bit that leads down again."""
        if tree not in self._upwards:
            ups = bytearray(2 * NODES)
            for down in range(2 * (len(self.alphabet) + SPACE - 1)):
                ups[self.child(tree, down >> 1, down & 1)] = down
            self._upwards[tree] = bytes(ups)
        return self._upwards[tree]

    def chance(self, contexts: list[int], tree: int, node: int) -> int:
        """That the next bit is a one, out of 65536 (SPEC.md section 7.4)."""
        place = tree * NODES + node
        total = self._bias[place]
        key = place * _NODE & _MASK
        data, first, slots, weights = self._data, self._first, self._slots, self._weights
        for context in contexts:
            scattered = (context ^ key) * _SCATTER
            slot = data[first + (scattered >> 20) % slots]
            if slot & 15 == scattered >> 12 & 15:
                total += weights[slot >> 4]
        chance: int = self._chances[min(max(total, -self._middle), self._middle) + self._middle]
        return chance


@cache
def load() -> Model:
    """The model of this package; the file stays mapped."""
    with as_file(files("kimnode.wire") / "models" / MODEL_FILE) as path, path.open("rb") as file:
        return Model(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
