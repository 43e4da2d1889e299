"""Rumours into claims, on a hundred sentences; and the life of a claim as its table."""

import itertools
import random
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimnode.rules.claims import (
    MAX_VARIANTS,
    MAX_WORDS,
    STEPS,
    ClaimState,
    ClaimStep,
    Known,
    alike,
    match,
    printable,
    step,
    topic_of,
    words_of,
)
from kimnode.wire.codes import Topic
from tests.rules.rumours import TELLINGS, tellings

REPORTS = [(name, text) for name, texts in tellings().items() for text in texts]


def grouped(reports) -> dict[int, list[str]]:
    """Claim -> the names of the rumours in it, as a node does it with one report after another."""
    known: dict[int, list] = {}
    groups = defaultdict(list)
    for name, text in reports:
        words = words_of(text)
        claims = [Known(claim, tuple(variants)) for claim, variants in known.items()]
        claim = match(words, claims)
        if claim is None:
            claim = len(known) + 1
            known[claim] = []
        if len(known[claim]) < MAX_VARIANTS:
            known[claim].append(words)
        groups[claim].append(name)
    return groups


def test_84_reports_of_six_rumours_become_six_claims():
    """As a verifier gets them in an evening: one rumour after the other, all tellings mixed in."""
    six = [(name, text) for name, text in REPORTS if name in TELLINGS]
    assert len(six) == 84
    assert len(REPORTS) == 100
    random.Random(3).shuffle(six)
    assert len(grouped(six)) == 6


@pytest.mark.parametrize("seed", range(12))
def test_in_any_order_no_two_rumours_are_mixed_and_few_are_split(seed):
    reports = list(REPORTS)
    random.Random(seed).shuffle(reports)
    groups = grouped(reports)
    assert [names for names in groups.values() if len(set(names)) > 1] == []
    assert 22 <= len(groups) <= 25  # six rumours and sixteen others


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("gempa 6,5 di majene tadi malam, rumah banyak rusak",
         "BMKG: tinggalkan Mamuju segera, gempa 8,2 disertai tsunami akan datang"),
        ("bansos beras 10 kilo dibagi di kantor desa hari senin",
         "ada link daftar bansos 2,4 juta kemensos katanya terakhir tanggal 20"),
        ("anak hilang di pasar sudah ditemukan polisi", "penculikan anak pakai mobil putih"),
        ("bendungan bilibili aman kata petugas", "bendungan karataun retak dan mau jebol"),
        ("elpiji langka sampai bulan depan", "bensin langka sampai bulan depan"),
        ("harga beras naik karena jalan putus", "harga bensin naik karena jalan putus"),
        ("air sungai naik, warga hilir mengungsi", "bendungan jebol, warga hilir mengungsi"),
        ("vaksin covid bikin mandul", "vaksin campak bikin anak lumpuh"),
    ],
)  # fmt: skip
def test_stories_that_only_share_their_setting_stay_apart(one, other):
    assert match(words_of(one), [Known(1, (words_of(other),))]) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bendungan retak", "Bendungan Karataun retak dan mau jebol malam ini"),
        ("bendunagn karataun jebol", "bendungan karataun jebol"),
        ("VAKSIN CAMPAK LUMPUUUUH!!!", "vaksin campak bikin lumpuh"),
        ("anak2 diculik mobil putih", "penculikan anak oleh mobil putih"),
    ],
)
def test_short_loud_and_misspelt_reports_are_recognised(one, other):
    assert match(words_of(one), [Known(1, (words_of(other),))]) == 1


@given(st.text(max_size=700), st.text(max_size=700))
def test_any_text_can_be_compared(one, other):
    mine, theirs = words_of(one), words_of(other)
    assert len(mine) <= MAX_WORDS
    assert 0 <= alike(mine, theirs) <= 100
    assert words_of(" ".join(mine)) is not None


def test_the_oldest_of_equals_and_nothing_for_no_words():
    words = words_of("bendungan karataun jebol")
    twins = [Known(7, (words,)), Known(3, (words,))]
    assert match(words, twins) == 3
    assert match((), twins) is None
    assert match(words, [Known(1, ((),))]) is None


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("gempa dan tsunami malam ini", Topic.DISASTER),
        ("vaksin bikin lumpuh", Topic.HEALTH),
        ("klik link hadiah undian", Topic.FRAUD),
        ("kades bagi bansos", Topic.GOVERNMENT),
        ("apa kabar", Topic.OTHER),
    ],
)
def test_a_guess_at_the_topic(text, topic):
    assert topic_of(text) is topic


@pytest.mark.parametrize(("state", "happened"), list(itertools.product(ClaimState, ClaimStep)))
def test_every_state_and_every_step(state, happened):
    assert step(state, happened) is STEPS.get((state, happened))


def test_the_table_leads_from_a_report_to_an_end():
    assert set(STEPS.values()) == set(ClaimState)
    for state in set(ClaimState) - {ClaimState.CLOSED}:
        assert step(state, ClaimStep.CLOSE) is ClaimState.CLOSED
    assert not [pair for pair in STEPS if pair[0] is ClaimState.CLOSED]
    assert len(printable().splitlines()) == len(STEPS)
