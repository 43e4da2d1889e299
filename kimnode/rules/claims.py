"""Rumours into claims: which reports tell the same story, and the life of a claim as one table.

Compared are stems of words, not letters: villagers shorten, misspell and embroider. A wrong split
costs a verifier one more look; a wrong merge hides a rumour, so in doubt it is a claim of its own.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from kimnode.wire.codes import Topic

ROOM = "cek"  # of reports; never shown as talk
MAX_REPORT_CHARS = 600
MAX_WORDS = 40  # of one report that are compared
MAX_VARIANTS = 8  # tellings of one claim that new reports are compared with
MAX_OPEN_CLAIMS = 200  # beyond it the least reported, oldest one is closed
MAX_OPEN_REPORTS = 20  # of one person, about claims that are not closed
LIST_REPORTS = 5  # from so many people
LIST_WITHIN_S = 3600  # within so long: the claim is shown as BELUM DICEK
SAME_PERCENT = 38  # alike enough to be the same story; see tests/rules/test_claims.py
ALIKE_PERCENT = 70  # two words, by their pairs of letters
MIN_FUZZY_CHARS = 4  # shorter words must be the same
MIN_STEM_CHARS = 4
TELLING = 3  # how much more a word says that is no setting
MIN_SHARED = 2  # words that two reports must share


class ClaimState(StrEnum):
    """Where a claim stands."""

    OPEN = "open"
    LISTED = "listed"  # BELUM DICEK on the pages: many ask
    CHECKING = "checking"  # a verifier or a draft is at work
    ANSWERED = "answered"  # a bulletin says what is known
    CLOSED = "closed"


class ClaimStep(StrEnum):
    """What happens to a claim."""

    BURST = "burst"  # LIST_REPORTS people within LIST_WITHIN_S
    TAKE = "take"  # a draft is written, or a verifier takes it
    RELEASE = "release"  # the draft was rejected
    ANSWER = "answer"  # the bulletin is published
    REOPEN = "reopen"  # the bulletin was withdrawn
    CLOSE = "close"  # nothing to check, or long over


_S, _T = ClaimState, ClaimStep
STEPS: dict[tuple[ClaimState, ClaimStep], ClaimState] = {
    (_S.OPEN, _T.BURST): _S.LISTED,
    (_S.OPEN, _T.TAKE): _S.CHECKING,
    (_S.OPEN, _T.ANSWER): _S.ANSWERED,
    (_S.OPEN, _T.CLOSE): _S.CLOSED,
    (_S.LISTED, _T.TAKE): _S.CHECKING,
    (_S.LISTED, _T.ANSWER): _S.ANSWERED,
    (_S.LISTED, _T.CLOSE): _S.CLOSED,
    (_S.CHECKING, _T.TAKE): _S.CHECKING,  # another draft
    (_S.CHECKING, _T.BURST): _S.CHECKING,  # it is listed beside
    (_S.CHECKING, _T.RELEASE): _S.OPEN,
    (_S.CHECKING, _T.ANSWER): _S.ANSWERED,
    (_S.CHECKING, _T.CLOSE): _S.CLOSED,
    (_S.ANSWERED, _T.REOPEN): _S.OPEN,
    (_S.ANSWERED, _T.CLOSE): _S.CLOSED,
}


def step(state: ClaimState, happened: ClaimStep) -> ClaimState | None:
    """The state after it; None when that is not allowed now."""
    return STEPS.get((state, happened))


def printable() -> str:
    """STEPS as a text table for the manual: one line a pair, by state."""
    return "".join(
        f"{state:<8}  {happened:<7} -> {STEPS[state, happened]}\n"
        for state in ClaimState
        for happened in ClaimStep
        if (state, happened) in STEPS
    )


# fmt: off
SHORT = {
    "yg": "yang", "dg": "dengan", "dgn": "dengan", "krn": "karena", "karna": "karena",
    "tdk": "tidak", "tak": "tidak", "gak": "tidak", "ga": "tidak", "gk": "tidak", "nggak": "tidak",
    "ngga": "tidak", "enggak": "tidak", "bpk": "bapak", "pak": "bapak", "jln": "jalan",
    "jl": "jalan", "kec": "kecamatan", "kab": "kabupaten", "ds": "desa", "org": "orang",
    "orng": "orang", "anak2": "anak", "jgn": "jangan", "sdh": "sudah", "udah": "sudah",
    "udh": "sudah", "dah": "sudah", "blm": "belum", "bs": "bisa", "hrs": "harus", "lg": "lagi",
    "sm": "sama", "utk": "untuk", "utuk": "untuk", "dr": "dari", "pd": "pada", "dlm": "dalam",
    "tgl": "tanggal", "rb": "ribu", "jt": "juta", "hp": "ponsel", "telp": "telepon",
    "gempabumi": "gempa", "hoax": "hoaks", "bbm": "bensin", "duit": "uang", "corona": "covid",
    "vaksinasi": "vaksin", "imunisasi": "vaksin", "puskes": "puskesmas", "pkm": "puskesmas",
    "gaes": "", "guys": "",
}
STOP_WORDS = """
    ada adalah agar akan apa apakah atau bagi bahwa banyak baru benar bener betul beberapa begitu
    belum bilang bisa boleh bu buat cek coba dalam dan dapat dari dengan deh di dia dong dulu gimana
    hari harus hati hoaks ibu info informasi ini itu iya jadi jangan jika juga kabar kabarnya kah
    kak kalau kami kan karena kata katanya ke kemarin kepada kini kita kok lagi lah lalu langsung
    lebih lewat maka malam masih mau memang menurut mereka min mohon mungkin nanti nya oleh orang
    pada para pagi penting perlu pernah pesan pun saat saja sama sampai sangat satu saya sebar
    sebarkan sebentar sedang segera sekarang sekitar semua seperti serta setiap siang siap sih soal
    sore sudah supaya tadi tanya tapi telah tentang ternyata terus tetap the tidak toh tolong tuh
    untuk wa warga wah waspada whatsapp ya yah yang bapak grup awas katanye masa
    beredar berita denger dengar dapat kirim teruskan viral share mohon terima kasih assalamualaikum
    selamat admin kim sini situ situlah sana begini demikian sekali banget nih loh lho kok
"""
# Where, when and how much: many stories share them, so they say little about which one it is.
SETTING = """
    air anak antre atas bawah bayar bikin bulan cepat daftar datang depan desa dusun habis harga
    hitam hilir hulu isi jalan jam jatuh juta kampung kantor kasih kata kecamatan keluarga kena
    keluar kebun kilo kilometer klik kosong kota langka lari libur lihat liter malam masuk merah
    minggu minta mobil motor naik pasar pindah ponsel putih putus ribu rumah rusak sebelah semalam
    sungai susul takut tanggal tahun tetangga tinggal tinggalkan tutup turun warna peringatan
    mengungsi petugas satu dua tiga empat lima
"""
# fmt: on
STOP = frozenset(STOP_WORDS.split())
_WORD = re.compile(r"[a-z]+\d?|\d+(?:[.,]\d+)*")
_TWICE = re.compile(r"([a-z])\1{2,}")
_PREFIXES = ("meng", "meny", "men", "mem", "peng", "peny", "pem", "pen", "ber", "ter", "per")
_SHORT_PREFIXES = ("me", "di", "ke", "se", "pe")
_SUFFIXES = ("nya", "lah", "kah", "kan", "ku", "mu", "an", "i")


def words_of(text: str) -> tuple[str, ...]:
    """The stems that a report is compared by: each once, in order, at most MAX_WORDS."""
    plain = unicodedata.normalize("NFKD", text.lower())
    found: dict[str, None] = {}
    for raw in _WORD.findall(_TWICE.sub(r"\1", plain.replace("-", " "))):
        word = SHORT.get(raw, raw.rstrip("2") if raw[0].isalpha() else raw.replace(",", "."))
        if word and word not in STOP and (len(word) > 1 or word.isdigit()):
            stem = _stem(word)
            if stem not in STOP:
                found[stem] = None
    return tuple(found)[:MAX_WORDS]


def _stem(word: str) -> str:
    """Without the commonest endings and beginnings. Rough: both sides are treated the same."""
    if word[0].isdigit():
        return word
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= MIN_STEM_CHARS:
            word = word.removesuffix(suffix)
            break
    for prefix in (*_PREFIXES, *_SHORT_PREFIXES):
        if word.startswith(prefix) and len(word) - len(prefix) >= MIN_STEM_CHARS:
            return word.removeprefix(prefix)
    return word


SETTING_STEMS = frozenset(_stem(word) for word in SETTING.split())


@dataclass(frozen=True, slots=True)
class Known:
    """A claim that a report may belong to: the stems of some of its tellings."""

    id: int
    variants: tuple[tuple[str, ...], ...]


def match(words: Sequence[str], claims: Collection[Known]) -> int | None:
    """The claim that these words tell again, None when it is a new one; the oldest of equals."""
    best, best_percent = None, SAME_PERCENT - 1
    for claim in sorted(claims, key=lambda known: known.id):
        percent = max((alike(words, one) for one in claim.variants), default=0)
        if percent > best_percent:
            best, best_percent = claim.id, percent
    return best


def alike(one: Sequence[str], other: Sequence[str]) -> int:
    """0..100: two thirds how much of the shorter one the other has, one third how much of both is
    shared. A short report is a part of a long one; two long ones must share more than that."""
    shared = [word for word, _ in _paired(one, other)]
    if len(shared) < min(MIN_SHARED, len(one), len(other)) or SETTING_STEMS.issuperset(shared):
        return 0
    both, mine, theirs = _weight(shared), _weight(one), _weight(other)
    contained = 100 * min(both, mine, theirs) // min(mine, theirs)
    common = 100 * both // (mine + theirs - both)
    return min((2 * contained + common) // 3, 100)


def _weight(words: Sequence[str]) -> int:
    return sum(1 if word in SETTING_STEMS or word.isdigit() else TELLING for word in words)


def _paired(one: Sequence[str], other: Sequence[str]) -> list[tuple[str, str]]:
    """Words of one with those of the other that are the same or nearly so, each used once."""
    left = dict.fromkeys(other)
    pairs: list[tuple[str, str]] = []
    if left.keys().isdisjoint(one):  # most claims by far: not worth looking at letters
        return pairs
    for word in one:
        twin = word if word in left else next((w for w in left if _nearly(word, w)), None)
        if twin is not None:
            pairs.append((word, twin))
            del left[twin]
    return pairs


def _nearly(one: str, other: str) -> bool:
    if min(len(one), len(other)) < MIN_FUZZY_CHARS or one[0].isdigit() or other[0].isdigit():
        return False
    mine, theirs = _bigrams(one), _bigrams(other)
    return 200 * len(mine & theirs) >= ALIKE_PERCENT * (len(mine) + len(theirs))


@lru_cache(maxsize=4096)
def _bigrams(word: str) -> frozenset[str]:
    return frozenset(word[i : i + 2] for i in range(len(word) - 1))


# fmt: off
TOPIC_WORDS: dict[Topic, str] = {
    Topic.DISASTER: "gempa tsunami banjir longsor gunung erupsi bmkg bendungan air laut badai",
    Topic.HEALTH: "vaksin obat penyakit virus puskesmas covid demam racun sakit dokter rabies",
    Topic.FRAUD: "hadiah undian pulsa tautan link transfer rekening pinjaman kuota penipuan",
    Topic.GOVERNMENT: "bansos bantuan blt desa kades bupati dana ktp pajak pemerintah",
    Topic.CRIME: "culik begal maling pencuri rampok polisi pembunuhan",
    Topic.TRADE: "beras minyak bensin harga pupuk gula pasar",
    Topic.POLITICS: "pemilu pilkada partai presiden calon suara",
    Topic.RELIGION_EDUCATION: "sekolah libur guru masjid haji ujian murid",
}
# fmt: on


def topic_of(text: str) -> Topic:
    """What it seems to be about: a guess for the draft, the author decides."""
    words = set(words_of(text))
    scores = {topic: len(words & set(words_of(known))) for topic, known in TOPIC_WORDS.items()}
    best = max(scores, key=lambda topic: (scores[topic], -int(topic)))
    return best if scores[best] else Topic.OTHER
