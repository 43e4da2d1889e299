"""Texts for the air, compressed: how small beside deflate, how long it takes, how much memory.

Sizes are exact and the same on every machine. Deflate has no dictionary; it is what programs use
when they do nothing special.
"""

import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import Plan, Rounds, Row, tell
from kimnode.wire.text import compress, decompress
from kimnode.wire.text_model import load

TEXTS = Path(__file__).parent.parent / "tests/data/texts"
SHORTER_BY = 15  # a piece may fall short of its length by so many characters
MEMORY_BAR_MB, FILE_BAR_MB = 10.0, 4.0
SHOW_MEMORY = """
from pathlib import Path
from kimnode.wire.text import compress, decompress
def rss_kb():
    lines = Path("/proc/self/status").read_text().split("\\n")
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
before = rss_kb()
for line in Path({path!r}).read_text().split("\\n")[:{lines}]:
    decompress(compress(line))
print(rss_kb() - before)
"""


def messages(name: str) -> list[str]:
    return [line for line in (TEXTS / name).read_text(encoding="utf-8").split("\n") if line]


def bulletins(chars: int, count: int = 500) -> list[str]:
    """Running text in pieces of about so many characters, cut at spaces."""
    pieces, piece = [], ""
    for word in " ".join(messages("berita.txt")).split(" "):
        longer = f"{piece} {word}" if piece else word
        if len(longer) > chars:
            pieces.append(piece)
            longer = word
        piece = longer
    return [p for p in pieces if len(p) >= chars - SHORTER_BY][:count]


def deflate(text: str) -> bytes:
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return squeezer.compress(text.encode()) + squeezer.flush()


def times_smaller(texts: list[str], squeeze: Callable[[str], bytes] = compress) -> float:
    return sum(len(t.encode()) for t in texts) / sum(len(squeeze(t)) for t in texts)


def run(plan: Plan) -> list[Row]:
    load()
    chat = messages("obrolan-desa.txt") + messages("media-sosial.txt")
    count = plan.pick(500, 20)
    sets = [("informal message", chat, 2.1), ("140 characters of news", bulletins(140, count), 2.9),
            ("280 characters of news", bulletins(280, count), 2.9)]  # fmt: skip
    rows = [_size(*entry) for entry in sets]
    rows += [_time(plan, name, texts[: plan.pick(40, 4)]) for name, texts, _ in sets]
    return [*rows, _memory(plan.pick(1700, 20))]


def _size(name: str, texts: list[str], bar: float) -> Row:
    sizes = [len(compress(text)) for text in texts]
    ours, theirs = sum(sizes) / len(texts), sum(len(deflate(t)) for t in texts) / len(texts)
    found = times_smaller(texts)
    tell(f"  {name}: {found:.2f}x smaller than UTF-8, deflate {times_smaller(texts, deflate):.2f}x,"
         f" longest {max(sizes)} B")  # fmt: skip
    told = f">= {bar}x smaller than UTF-8: {found:.2f}x"
    return Row(f"{name}, mean", ours, "B", "raw deflate", theirs, ours / theirs, told, found >= bar)


def _time(plan: Plan, name: str, texts: list[str]) -> Row:
    packed = [(compress(text), deflate(text)) for text in texts]
    found = Rounds()
    for _ in range(plan.rounds):
        start = time.process_time()
        for text, (ours, _) in zip(texts, packed, strict=True):
            assert compress(text) == ours
            assert decompress(ours) == text
        middle = time.process_time()
        for text, (_, theirs) in zip(texts, packed, strict=True):
            assert deflate(text) == theirs
            assert zlib.decompress(theirs, -15).decode() == text
        end = time.process_time()
        found.add("ours", (middle - start) / len(texts) * 1e3)
        found.add("deflate", (end - middle) / len(texts) * 1e3)
    return found.row(
        f"{name}, packed and unpacked", "ms", "ours", "deflate", "zlib (C)",
        "<= 50 ms", lambda row: row.value <= 50,
    )  # fmt: skip


def _memory(lines: int) -> Row:
    """What the first use of the model adds to a process, mapped pages of the file included."""
    script = SHOW_MEMORY.format(path=str(TEXTS / "berita.txt"), lines=lines)
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    grown, size = int(shown.stdout) / 1e3, load().size_bytes / 1e6
    bar = f"<= {MEMORY_BAR_MB:.0f} MB, file <= {FILE_BAR_MB:.0f} MB"
    met = grown <= MEMORY_BAR_MB and size <= FILE_BAR_MB
    return Row("memory of the text model", grown, "MB", "its file", size, grown / size, bar, met)
