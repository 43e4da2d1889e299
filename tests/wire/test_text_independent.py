"""A second decoder of compressed texts, written from SPEC.md section 7 alone, without the package.

It decodes only: that a text has one encoding takes an encoder, and has its own tests.
"""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FILE = (ROOT / "kimnode/wire/models/indonesian-0.bin").read_bytes()
VECTORS = json.loads((ROOT / "tests/vectors/text.json").read_text())
TEXTS = [v for v in VECTORS["texts"] if v["hex"][:1] in {"8", "9", "a", "b"}]
S, A, N, C = FILE[8], *(int.from_bytes(FILE[a:b]) for a, b in ((9, 11), (11, 15), (15, 17)))
ALPHABET = FILE[17 : 17 + A].decode()
TREES, BIAS = 17 + A, 17 + A + 256 * S
WEIGHTS = BIAS + 256 * S
CHANCES, SLOTS = WEIGHTS + 32, WEIGHTS + 32 + 2 * C
WORD = {4 + n for n, c in enumerate(ALPHABET) if c in "abcdefghijklmnopqrstuvwxyz0123456789-'"}
KINDS = [(0, 8), (0, 12), (0, 16), (0x1F000, 12), (0x10000, 20)]


def int16(at: int) -> int:
    return int.from_bytes(FILE[at : at + 2], signed=True)


def fold(state: int, value: int) -> int:
    return (state * 0x2F0B4F37 + value + 1) % 2**32


class Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data + bytes(len(data) + 4)
        self.low = (data[0] >> 4) << 28
        self.high = self.low + 2**28 - 1
        self.at = 0
        self.tree = self.word = self.before = self.before2 = self.case = self.case_before = 0
        self.s = [0] * 7

    def bit(self, p: int) -> int:
        width = self.high - self.low
        middle = self.low + (width >> 16) * p + ((width % 2**16) * p >> 16)
        one = int.from_bytes(self.data[self.at : self.at + 4]) <= middle
        self.low, self.high = (self.low, middle) if one else (middle + 1, self.high)
        while self.low >> 24 == self.high >> 24:
            self.low = self.low * 256 % 2**32
            self.high = self.high * 256 % 2**32 + 255
            self.at += 1
        return int(one)

    def number(self, bits: int) -> int:
        return sum(self.bit(32768) << shift for shift in range(bits - 1, -1, -1))

    def symbol(self) -> int:
        contexts, o = [], fold(0, self.s[0])
        for order in range(2, 8):
            o = fold(o, self.s[order - 1])
            contexts.append(fold(o, 1000 + order))
        w = fold(self.word, 1008)
        v = fold(w, self.before)
        contexts += [w, v, fold(v, self.before2), fold(4 * self.case_before + self.case, self.s[0])]
        child = 0
        while child < 128:
            place = 128 * self.tree + child
            total = int16(BIAS + 2 * place)
            for c in contexts:
                x = (c ^ place * 0x9E3779B1 % 2**32) * 0x85EBCA6B
                slot = FILE[SLOTS + (x >> 20) % N]
                if slot % 16 == (x >> 12) % 16:
                    total += int16(WEIGHTS + 2 * (slot >> 4))
            h = (C - 1) // 2
            at = CHANCES + 2 * (h + max(-h, min(h, total)))
            child = FILE[TREES + 2 * place + self.bit(int.from_bytes(FILE[at : at + 2]))]
        return child - 128

    def after(self, symbol: int) -> None:
        self.tree = symbol
        if symbol in (1, 2):
            self.case = symbol
            return
        self.s = [symbol, *self.s[:6]]
        if symbol in WORD:
            self.word = fold(self.word, symbol)
            return
        if self.word:
            self.before2, self.before, self.case_before = self.before, self.word, self.case
        self.word = self.case = 0
        if symbol != 4:
            self.before = fold(self.before, symbol)

    def text(self) -> str:
        found, capital = "", 0
        while symbol := self.symbol():
            self.after(symbol)
            if symbol in (1, 2):
                capital = symbol
                continue
            if symbol == 3:
                base, bits = KINDS[self.number(3)]
                character = chr(base + self.number(bits))
            else:
                character = ALPHABET[symbol - 4]
            if not "a" <= character <= "z":
                capital = 0
            found += character.upper() if capital else character
            capital = capital if capital == 2 else 0
        return found


def test_the_vectors_have_what_is_to_be_decoded():
    assert len(TEXTS) >= 25
    assert len(FILE) == SLOTS + N


@pytest.mark.parametrize("vector", TEXTS, ids=lambda v: v["name"])
def test_agrees(vector):
    assert Reader(bytes.fromhex(vector["hex"])).text() == vector["text"]
