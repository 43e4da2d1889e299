"""Unpacked packages -> training texts for the compression model; kimnode/wire/models/SOURCES.md
says which packages and how they were fetched. The texts themselves are never committed.

Each source yields messages (str). A sentence collection yields runs of one to three sentences, so
that the model learns where messages end.
"""

import gettext
import gzip
import html
import json
import random
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from wordfreq import available_languages, get_frequency_dict  # the training venv has it

SEED = 20261122
TAG = re.compile(r"<[^>]*>")
SPACES = re.compile(r"\s+")
MIN_CHARS = 12
OWN = Path(__file__).parent / "texts_own"

CLOSE = set(".,;:!?)]}%”’…")  # noqa: RUF001
OPEN = set("([{“‘")  # noqa: RUF001
DASHES = ("-", "/", "–")  # noqa: RUF001
JOINED = {"nya", "lah", "kah", "ku", "mu"}


def detokenize(words: Iterable[str]) -> str:
    """Tokens of a treebank -> the sentence as people write it."""
    out = ""
    quoted = False
    glue = True
    for word in words:
        if word == '"':
            glue = glue or quoted
            out += word if glue else " " + word
            quoted = not quoted
            glue = quoted
            continue
        joined = word[0] in CLOSE or word in DASHES or word in JOINED
        out += word if glue or joined else " " + word
        glue = word[0] in OPEN or word in ("-", "/", "Rp")
    return out.replace("Rp ", "Rp ").strip()


def runs(sentences: Iterable[str], rng: random.Random) -> Iterator[str]:
    """Sentences -> messages of one to three of them."""
    held: list[str] = []
    want = rng.choice((1, 1, 2, 3))
    for sentence in sentences:
        held.append(sentence)
        if len(held) >= want:
            yield " ".join(held)
            held, want = [], rng.choice((1, 1, 2, 3))


def nlp_id_sentences(root: Path) -> list[str]:
    """The package holds most sentences several times, each copy with one verb damaged
    ("mengatakan" -> "katai"): of each word the form that people use most is kept.
    """
    path = root / "pip/x/nlp_id/nlp_id/data/dataset_postag.txt"
    known = get_frequency_dict("id", "best")
    copies: dict[tuple[str, ...], list[list[str]]] = {}
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        rows = [line.split("\t") for line in block.split("\n") if line.strip()]
        if len(rows) > 2:
            frame = tuple("" if row[1:] == ["VB"] else row[0] for row in rows)
            copies.setdefault(frame, []).append([row[0] for row in rows])
    return [
        detokenize(
            max(forms, key=lambda word: known.get(word.lower(), 0.0))
            for forms in zip(*same, strict=False)
        )
        for same in copies.values()
    ]


def nlp_id(root: Path) -> Iterator[str]:
    return runs(dict.fromkeys(nlp_id_sentences(root)), random.Random(SEED))


def plain(markup: str) -> str:
    return SPACES.sub(" ", html.unescape(TAG.sub("", markup))).strip()


def help_pages(folder: Path, suffix: str) -> Iterator[str]:
    """Paragraphs of HTML pages."""
    for path in sorted(folder.rglob(suffix)):
        page = path.read_text(encoding="utf-8", errors="ignore")
        page = re.sub(r"(?s)<(script|style|pre|head)\b.*?</\1>", "", page)
        for piece in re.split(r"(?i)</?(?:p|h\d|li|td|dt|dd|div|title)\b[^>]*>", page):
            yield plain(piece)


def catalogues(folder: Path) -> Iterator[str]:
    """Translated strings of gettext files."""
    for path in sorted(folder.rglob("id/**/*.mo")):
        with path.open("rb") as file:
            entries = gettext.GNUTranslations(file)._catalog  # noqa: SLF001
        for text in entries.values():
            yield plain(str(text).replace("_", "").replace("~", ""))


def mozilla(folder: Path) -> Iterator[str]:
    for pack in sorted(folder.rglob("*.xpi")):
        with zipfile.ZipFile(pack) as archive:
            for name in sorted(archive.namelist()):
                if name.endswith((".ftl", ".properties")):
                    for line in archive.read(name).decode("utf-8", "ignore").split("\n"):
                        if not line.startswith("#"):
                            yield plain(line.split("=", 1)[-1])


def manpages(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("man*/*.gz")):
        page = gzip.decompress(path.read_bytes()).decode("utf-8", "ignore")
        for piece in re.split(r"\n(?=\.)", page):
            if not piece.startswith('.\\"'):
                yield plain(re.sub(r"\\f.|\\-|\\&|^\.[A-Z]+ ?", "", piece))


def chatterbot(root: Path) -> Iterator[str]:
    for path in sorted((root / "pip/x/chatterbot_corpus").rglob("data/indonesia*/*.yml")):
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line.lstrip().startswith("- "):
                yield line.strip(" -").strip("'\"")


def slang(root: Path) -> Iterator[str]:
    """Informal spellings as single words."""
    rows = (root / "pip/x/nahiarhdnlp/nahiarhdNLP/datasets/slang.csv").read_text("utf-8")
    words = [row.split(",")[0] for row in rows.split("\n")[1:]]
    data = json.loads((root / "pip/x/saka_nlp/saka/dict/slang.json").read_text("utf-8"))
    yield from (w for w in dict.fromkeys([*words, *map(str, data)]) if 1 < len(w) < 15)


def words(_root: Path) -> list[tuple[str, int]]:
    """Word -> how often it is to be seen; damped, so that rare words are met at all."""
    if "id" not in available_languages("best"):
        raise SystemExit("wordfreq has no Indonesian list")
    table = get_frequency_dict("id", "best")
    return [(w, max(1, round((f * 2e8) ** 0.5 / 4))) for w, f in sorted(table.items())]


def own(name: str) -> list[str]:
    """Texts written for this project, a message a line."""
    lines = (OWN / name).read_text(encoding="utf-8").split("\n")
    return [line for line in lines if line and not line.startswith("# ")]


def technical(root: Path) -> Iterator[str]:
    deb = root / "deb/x"
    yield from help_pages(deb / "libreoffice-help-id", "id/text/**/*.html")
    yield from help_pages(deb / "debian-reference-id", "*.id.html")
    yield from help_pages(
        deb / "debian-handbook/usr/share/doc/debian-handbook/html/id-ID", "*.html"
    )
    yield from mozilla(deb)
    yield from manpages(deb / "manpages-id/usr/share/man/id")
    for name in ("libreoffice-l10n-id", "minetest-data", "wesnoth-1.16-data"):
        yield from catalogues(deb / name)


def looks_indonesian(text: str) -> bool:
    found = len(re.findall(r"\b(yang|dan|di|ke|ini|untuk|tidak|dengan|dari|anda|atau|akan)\b",
                           text.lower()))  # fmt: skip
    return found >= 1 and found * 14 >= len(text.split())


def clean(texts: Iterable[str]) -> list[str]:
    kept = (t for t in texts if MIN_CHARS <= len(t) <= 1500)
    return [t for t in dict.fromkeys(kept) if looks_indonesian(t) or len(t) < 60]


SOURCES: dict[str, Callable[[Path], list[str]]] = {
    "technical": lambda root: [t for t in clean(technical(root)) if looks_indonesian(t)],
    "news": lambda root: list(nlp_id(root)),
    "chatterbot": lambda root: clean(chatterbot(root)),
    "own": lambda _root: [*own("obrolan.txt"), *own("buletin.txt")],
}
