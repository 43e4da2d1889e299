"""Trains the model file of kimnode.wire.text. Not part of a run of the benchmarks.

    python -m venv VENV && VENV/bin/pip install numpy numba wordfreq
    VENV/bin/python -m benchmarks.train_text FOLDER OUTPUT

FOLDER holds the unpacked packages as kimnode/wire/models/SOURCES.md says. Takes about three minutes
and 3 GB; the same packages and versions give the same file. A new file needs a new MODEL_NUMBER,
name and vectors.
"""

import argparse
import heapq
import random
import struct
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks import train_kernels, train_sources
from kimnode.wire import text, text_model

SLOTS = 3_900_000
ALPHABET = 108  # characters beside the four special symbols
ALWAYS = "\n“”‘’–—…•°é🙏👍😂😭😊💪🎉" + "".join(map(chr, range(33, 127)))  # noqa: RUF001
OWN_TIMES = 10  # our own texts are few and closest to what will be written
TECHNICAL_SHARE = 0.5  # manuals are many and farthest from it
WORDS_A_MESSAGE = 12
SEED = 1
ONE = 128  # a weight or sum of 1 in the file
MAX_DEPTH = 30
SHARED_CHARS = 40  # no test text may share so many characters in a row with a training text
TEST_TEXTS = Path(__file__).parent.parent / "tests/data/texts"


@dataclass(frozen=True, slots=True)
class Decisions:
    """A text as the coder sees it: symbol by symbol, with the tree and contexts of each."""

    symbols: np.ndarray
    trees: np.ndarray
    contexts: np.ndarray


class Spelling:
    """Stands in for a Model where only its alphabet is needed."""

    def __init__(self, texts: Iterable[str]) -> None:
        seen: Counter[str] = Counter()
        for message in texts:
            seen.update(message)
        rank = {c: (c != " ", c not in ALWAYS, -n, c) for c, n in seen.items()}
        rank.update({c: (True, False, 0, c) for c in ALWAYS if c not in rank})
        ranked = sorted((c for c in rank if not "A" <= c <= "Z"), key=rank.__getitem__)
        self.alphabet = "".join(ranked[:ALPHABET])
        self.symbols = {c: n for n, c in enumerate(self.alphabet, text_model.SPACE)}
        self.words = frozenset(self.symbols[c] for c in text_model.WORD_CHARACTERS)

    def decisions(self, texts: list[str]) -> Decisions:
        symbols, trees, contexts = bytearray(), bytearray(), []
        for message in texts:
            past = text_model.Past(self.words)
            for symbol, _ in text.spell(message, self.symbols):
                symbols.append(symbol)
                trees.append(past.tree)
                contexts.append(np.array(past.contexts(), np.uint32))
                past.push(symbol)
        found = np.stack(contexts).astype(np.uint64)
        return Decisions(*(np.frombuffer(b, np.uint8).astype(np.int64) for b in (symbols, trees)),
                         found)  # fmt: skip


def huffman(weights: list[float]) -> tuple[list[list[int]], list[list[tuple[int, int]]]]:
    """-> ([children of each node], [path of each symbol]); node 0 is the root."""
    count = len(weights)
    heap = [(weight, symbol, symbol) for symbol, weight in enumerate(weights)]
    heapq.heapify(heap)
    below: dict[int, tuple[int, int]] = {}
    for made in range(count, 2 * count - 1):
        least, next_least = heapq.heappop(heap), heapq.heappop(heap)
        below[made] = (next_least[2], least[2])
        heapq.heappush(heap, (least[0] + next_least[0], made, made))
    paths: list[list[tuple[int, int]]] = [[] for _ in weights]
    waiting: list[tuple[int, list[tuple[int, int]]]] = [(heap[0][2], [])]
    children: list[list[int]] = []
    for item, path in waiting:  # grows while it is read: breadth first
        if item < count:
            paths[item] = path
            continue
        node = len(children)
        children.append([0, 0])
        if path:
            children[path[-1][0]][path[-1][1]] = node
        waiting += [(below[item][bit], [*path, (node, bit)]) for bit in (0, 1)]
    for symbol, path in enumerate(paths):
        children[path[-1][0]][path[-1][1]] = text_model.LEAF + symbol
    return children, paths


@dataclass(frozen=True, slots=True)
class Trees:
    children: np.ndarray
    paths: np.ndarray
    depths: np.ndarray


def plant(parts: list[tuple[Decisions, float]], symbols: int) -> Trees:
    """One Huffman tree for what follows each symbol."""
    follows = np.full((symbols, symbols), 0.5)
    for part, weight in parts:
        np.add.at(follows, (part.trees, part.symbols), weight)
    follows += 3 * follows.sum(axis=0) / follows.sum()
    trees = Trees(
        np.zeros((symbols, text_model.NODES, 2), np.uint8),
        np.zeros((symbols, symbols, MAX_DEPTH), np.int64),
        np.zeros((symbols, symbols), np.int64),
    )
    for tree in range(symbols):
        children, paths = huffman(follows[tree].tolist())
        trees.children[tree, : len(children)] = children
        for symbol, path in enumerate(paths):
            trees.depths[tree, symbol] = len(path)
            trees.paths[tree, symbol, : len(path)] = [node * 2 + bit for node, bit in path]
    return trees


def levels(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The sixteen values that stand for all of them with the least weighted error (Lloyd)."""
    found = np.quantile(values, (np.arange(16) + 0.5) / 16)
    for _ in range(30):
        nearest = np.searchsorted((found[1:] + found[:-1]) / 2, values)
        total = np.maximum(np.bincount(nearest, weights, 16), 1e-9)
        found = np.sort(np.bincount(nearest, weights * values, 16) / total)
    return found


def train(parts: list[Decisions], trees: Trees) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """-> (bias, levels, slots), the first two in units of ONE."""
    shape = (trees.paths, trees.depths)
    seen = np.zeros(1 << 27, np.uint8)
    weights, pace, worth = (np.zeros(1 << 25, np.float32) for _ in range(3))
    bias, bias_pace = (np.zeros(len(trees.children) * text_model.NODES) for _ in range(2))
    each = [(part.symbols, part.trees, part.contexts, *shape) for part in parts]
    for part in each:
        train_kernels.count(part, seen)
    for part in each:
        cost = train_kernels.learn(part, seen, weights, pace, worth, bias, bias_pace, 0.25)
        print(f"learned: {cost:.3f} bits a symbol", flush=True)
    checks = np.full(SLOTS, -1, np.int16)
    values, best, pace = (np.zeros(SLOTS, np.float32) for _ in range(3))
    for part in each:
        train_kernels.choose(part, seen, weights, worth, checks, values, best)
    for part in each:
        cost = train_kernels.tune(part, checks, values, pace, bias, bias_pace, 0.1)
        print(f"tuned: {cost:.3f} bits a symbol", flush=True)
    taken = checks >= 0
    found = levels(values[taken], pace[taken] + 0.05)
    nearest = np.searchsorted((found[1:] + found[:-1]) / 2, values)
    empty = int(np.argmin(np.abs(found)))
    slots = np.where(taken, nearest << 4 | checks & 15, empty << 4).astype(np.uint8)
    return np.rint(bias * ONE), np.rint(found * ONE), slots


def write(path: Path, alphabet: str, trees: Trees, found: tuple[np.ndarray, ...]) -> None:
    bias, weights, slots = found
    most = int(np.log(1 / train_kernels.LEAST - 1) * ONE)
    steps = np.arange(-most, most + 1) / ONE
    chances = np.rint(65536 / (1 + np.exp(-steps))).astype(int)
    spelled = alphabet.encode()
    header = text_model.HEADER.pack(
        text_model.MAGIC, len(trees.children), len(spelled), len(slots), len(chances)
    )
    numbers = struct.pack(f">{len(bias)}h", *np.clip(bias, -32767, 32767).astype(int).tolist())
    numbers += struct.pack(">16h", *weights.astype(int).tolist())
    numbers += struct.pack(f">{len(chances)}H", *chances.tolist())
    path.write_bytes(header + spelled + trees.children.tobytes() + numbers + slots.tobytes())


def pieces(message: str) -> set[str]:
    flat = " ".join(message.lower().split())
    return {flat[n : n + SHARED_CHARS] for n in range(len(flat) - SHARED_CHARS + 1)}


def apart(texts: list[str], tested: set[str]) -> list[str]:
    return [message for message in texts if not pieces(message) & tested]


def corpus(folder: Path) -> tuple[list[str], list[str]]:
    """-> what is far from village texts, what is near; never a piece of a test text."""
    rng = random.Random(SEED)
    tested = {p for path in TEST_TEXTS.glob("*.txt") for p in pieces_of_file(path)}
    sources = {name: source(folder) for name, source in train_sources.SOURCES.items()}
    kept = {name: apart(texts, tested) for name, texts in sources.items()}
    for name, texts in sources.items():
        size = sum(len(t.encode()) for t in kept[name])
        print(f"{name}: {size:,} bytes; {len(texts) - len(kept[name])} left out as near a test")
    bag = [word for word, times in train_sources.words(folder) for _ in range(times)]
    bag += train_sources.slang(folder)
    rng.shuffle(bag)
    print(f"words: {sum(len(w.encode()) + 1 for w in bag):,} bytes")
    far = [t for t in kept.pop("technical") if rng.random() < TECHNICAL_SHARE]
    far += [" ".join(bag[n : n + WORDS_A_MESSAGE]) for n in range(0, len(bag), WORDS_A_MESSAGE)]
    near = [
        t for texts in (kept["news"], kept["chatterbot"], kept["own"] * OWN_TIMES) for t in texts
    ]
    rng.shuffle(far)
    rng.shuffle(near)
    return far, near


def pieces_of_file(path: Path) -> set[str]:
    """Of neighbouring lines together as well, since test texts are cut across them."""
    lines = path.read_text(encoding="utf-8").split("\n")
    return {p for pair in pairwise([*lines, ""]) for p in pieces(" ".join(pair))}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_text")
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    far, near = corpus(options.folder)
    spelling = Spelling([*far, *near])
    parts = [spelling.decisions(far), spelling.decisions(near)]
    print(f"{sum(part.symbols.size for part in parts):,} symbols", flush=True)
    trees = plant([(parts[0], 0.3), (parts[1], 1.0)], len(spelling.alphabet) + text_model.SPACE)
    write(options.output, spelling.alphabet, trees, train(parts, trees))
    data = options.output.read_bytes()
    print(f"{options.output}: {len(data):,} bytes, sha256 {sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
