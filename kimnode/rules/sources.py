"""Sources as volunteers name them on a radio: "SUMBER BMKG; lihat langsung".

Which kind a source is, is guessed from its words; the second person reads them and judges.
"""

import re

from kimnode.wire.codes import SourceKind
from kimnode.wire.documents import MAX_SOURCE_CHARS, MAX_SOURCES, Source

# fmt: off
# Looked at in this order: "foto di lokasi oleh BPBD" was seen on site.
KIND_WORDS = (
    (SourceKind.ON_SITE, (
        "lihat langsung", "melihat langsung", "lihat sendiri", "melihat sendiri", "cek langsung",
        "cek lokasi", "cek di tempat", "datang langsung", "ke lokasi", "di lokasi", "di tempat",
        "turun lapangan", "ke lapangan", "di lapangan",
    )),
    (SourceKind.FACT_CHECKER, (
        "turnbackhoax", "turn back hoax", "cekfakta", "cek fakta", "mafindo", "jala hoaks",
    )),
    (SourceKind.AGENCY, (
        "bmkg", "bpbd", "bnpb", "pvmbg", "badan geologi", "basarnas", "sar", "damkar", "pmi",
        "polsek", "polres", "polda", "polri", "polisi", "koramil", "kodim", "babinsa", "tni",
        "bhabinkamtibmas", "puskesmas", "pustu", "posyandu", "dinkes", "rsud", "rumah sakit",
        "bidan", "dokter", "dinas", "diskominfo", "kominfo", "komdigi", "pln", "pdam", "bulog",
        "bpom", "kades", "kepala desa", "sekdes", "sekretaris desa", "kadus", "kepala dusun",
        "kantor desa", "pemdes", "bpd", "lurah", "camat", "kecamatan", "bupati", "pemkab",
        "gubernur", "pemprov", "kementerian", "kua", "sekolah", "kepala sekolah", "pusdalops",
    )),
    (SourceKind.DOCUMENT, (
        "surat", "dokumen", "edaran", "sk", "perdes", "perda", "peraturan", "undang-undang",
        "keputusan", "berita acara", "pengumuman", "rilis", "siaran pers",
    )),
    (SourceKind.MEDIA, (
        "rri", "radio", "tv", "tvri", "antara", "kompas", "tribun", "detik", "koran", "berita",
        "media", "situs", "web", "website", "http", "https", "www", "facebook", "youtube",
        "instagram", "tiktok", "twitter",
    )),
)
# fmt: on

_PATTERNS = tuple(
    (kind, re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b", re.I))
    for kind, words in KIND_WORDS
)
_MARK = re.compile(r"[\s,.;:(-]*\b(?:SUMBER|SBR)\b[\s:=-]*", re.I)
_BETWEEN = re.compile(r"[;,|&+\n]|\s/\s|\bDAN\b", re.I)
_EDGES = " .:;,-()"


def kind_of(name: str) -> SourceKind:
    """What kind of source these words name; PERSON when they name nothing that is known."""
    return next((kind for kind, words in _PATTERNS if words.search(name)), SourceKind.PERSON)


def sources_in(text: str) -> tuple[str, tuple[Source, ...]]:
    """The text before the last word SUMBER, and the sources behind it (each once, bounded)."""
    marks = list(_MARK.finditer(text))
    if not marks:
        return text, ()
    mark = marks[-1]
    named = (part.strip(_EDGES) for part in _BETWEEN.split(text[mark.end() :]))
    titles = dict.fromkeys(part[:MAX_SOURCE_CHARS] for part in named if part)
    sources = [Source(kind_of(title), title, "") for title in titles]
    return text[: mark.start()].strip(), tuple(sources[:MAX_SOURCES])


def with_sources(text: str, sources: tuple[Source, ...]) -> str:
    """The text as radios show it: "... Sumber: BMKG; Polsek". Signed as it stands."""
    names = "; ".join(source.title for source in sources)
    end = "." if text[-1:].isalnum() else ""
    return f"{text}{end} Sumber: {names}" if names else text
