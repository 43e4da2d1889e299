"""The grammar of the radio commands: forgiving of how people type, deaf to everything else."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimnode.rules.commands import (
    WORDS,
    Approve,
    CheckBulletin,
    Draft,
    Incomplete,
    Plain,
    Reject,
    Rumour,
    Show,
    Suspend,
    Verb,
    draft_code,
    help_words,
    is_open,
    parse,
)
from kimnode.rules.names import CROCKFORD
from kimnode.rules.sources import kind_of, sources_in, with_sources
from kimnode.wire.codes import Form, SourceKind, Verdict
from kimnode.wire.documents import Source

BMKG = Source(SourceKind.AGENCY, "BMKG", "")
SEEN = Source(SourceKind.ON_SITE, "lihat langsung", "")


@pytest.mark.parametrize(
    "text",
    ["CEK B-17", "cek b17", "Cek  B 17 ?", "CEK: buletin no 17", "cekB17", "CEK B-17 benar pak?"],
)
def test_a_bulletin_is_asked_for_in_many_ways(text):
    assert parse(text) == CheckBulletin(17)


@pytest.mark.parametrize(
    "text",
    [
        "CEK bendungan jebol",
        "cek: bendungan jebol",
        "Chek bendungan  jebol",
        "periksa bendungan jebol",
    ],
)
def test_a_rumour_is_passed_on(text):
    assert parse(text) == Rumour("bendungan jebol")


def test_a_rumour_that_begins_with_a_block_of_houses_is_a_rumour():
    assert parse("CEK B 17 rumah hanyut") == Rumour("B 17 rumah hanyut")


@pytest.mark.parametrize(
    "text",
    [
        "HOAKS K-3 Air tidak naik SUMBER BMKG; lihat langsung",
        "hoax k3: Air tidak naik. sumber: BMKG, lihat langsung",
        "Hoask k 3 - Air tidak naik (Sumber BMKG dan lihat langsung)",
        "#HOAK K-3\nAir tidak naik\nSUMBER BMKG;\nlihat langsung",
    ],
)
def test_a_draft_with_claim_and_sources(text):
    drafted = Draft(Form.CHECK, Verdict.HOAX, "Air tidak naik", (BMKG, SEEN), 3)
    assert parse(text) == drafted


@pytest.mark.parametrize(
    ("text", "form", "verdict"),
    [
        ("FAKTA x", Form.CHECK, Verdict.FACT),
        ("fakta x", Form.CHECK, Verdict.FACT),
        ("Disinformasi x", Form.CHECK, Verdict.DISINFORMATION),
        ("SEBAGIAN x", Form.CHECK, Verdict.PARTLY_TRUE),
        ("sebagian benar x", Form.CHECK, Verdict.PARTLY_TRUE),
        ("tidak terbukti x", Form.CHECK, Verdict.UNPROVEN),
        ("TIDAK-TERBUKTI x", Form.CHECK, Verdict.UNPROVEN),
        ("belum dicek x", Form.NOTICE, Verdict.UNCHECKED),
        ("INFO x", Form.INFO, Verdict.NONE),
    ],
)
def test_every_kind_of_draft(text, form, verdict):
    assert parse(text) == Draft(form, verdict, "x")


def test_corrections_and_withdrawals_name_their_bulletin():
    assert parse("KOREKSI B-17 fakta air surut SUMBER BMKG") == Draft(
        Form.CORRECTION, Verdict.FACT, "air surut", (BMKG,), about=17
    )
    assert parse("ralat 17 tanggalnya salah") == Draft(
        Form.CORRECTION, Verdict.NONE, "tanggalnya salah", about=17
    )
    assert parse("TARIK b 17: keliru") == Draft(Form.RETRACTION, Verdict.NONE, "keliru", about=17)


@pytest.mark.parametrize(
    "text",
    [
        "OK D-4KX2",
        "ok d4kx2",
        "Oke 4kx2",
        "OK D - 4KX2!",
        "setuju d-4kx2 bagus",
        "ok  D_4KX2",
    ],
)
def test_approval(text):
    assert parse(text) == Approve("4KX2")


def test_a_code_is_read_as_people_see_it():
    assert parse("OK D-OIL5") == Approve("0115")


def test_rejection_needs_a_reason_and_says_how():
    assert parse("TOLAK D-4KX2 sumbernya lama") == Reject("4KX2", "sumbernya lama")
    found = parse("tolak D-4KX2")
    assert isinstance(found, Incomplete)
    assert found.word.verb is Verb.REJECT


def test_the_other_words():
    assert parse("bantuan!") == Plain(Verb.HELP)
    assert parse("Daftar dong") == Plain(Verb.LIST)
    assert parse("STATSU") == Plain(Verb.STATUS)
    assert parse("lihat d-4kx2") == Show("4KX2")
    assert parse("bekukan  Pak Budi") == Suspend("Pak Budi")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "halo",
        "B-17",
        "ok",
        "okelah kalau begitu",
        "17",
        "🙂",
        "SOS banjir",
        "kemarin hoaks itu",
    ],
)
def test_what_is_no_command(text):
    assert parse(text) is None or isinstance(parse(text), Incomplete)


def test_numbers_that_no_bulletin_has_are_words():
    assert parse("CEK B-0") == Rumour("B-0")
    assert parse("CEK B-99999") == Rumour("B-99999")
    assert isinstance(parse("TARIK B-70000 x"), Incomplete)


def test_only_rumours_questions_and_help_are_open_to_anybody():
    usages = {word.verb for word in WORDS if word.open}
    assert usages == {Verb.HELP, Verb.CHECK}
    for command in (Rumour("x"), CheckBulletin(1), Plain(Verb.HELP), parse("CEK")):
        assert command is not None
        assert is_open(command)
    for command in (Approve("4KX2"), Suspend("x"), Plain(Verb.LIST), parse("HOAKS x")):
        assert command is not None
        assert not is_open(command)


def test_every_spelling_in_the_table_is_understood():
    for word in WORDS:
        for name in (word.verb.value, *word.also):
            for typed in (name, name.lower(), f"  {name.title()} "):
                found = parse(f"{typed} B-17 D-4KX2 kata")
                assert found is not None, typed


def test_one_slip_of_the_finger_still_finds_the_command():
    chance = random.Random(3)
    for verb in Verb:
        for _ in range(30):
            place = chance.randrange(1, len(verb) - 1) if len(verb) > 4 else 0
            if not place:
                continue
            slipped = verb[:place] + chance.choice("QXZ") + verb[place + 1 :]
            found = parse(f"{slipped} B-17 D-4KX2 kata")
            assert found is not None or " " in verb, slipped


@given(st.text(max_size=200) | st.sampled_from([w.verb.value for w in WORDS]).flatmap(
    lambda verb: st.text(max_size=100).map(lambda rest: f"{verb} {rest}")))  # fmt: skip
def test_any_text_is_a_command_or_nothing(text):
    found = parse(text)
    if isinstance(found, Draft):
        assert found.text
        assert all(source.title for source in found.sources)
    if isinstance(found, Approve | Reject | Show):
        assert len(found.code) == 4
        assert set(found.code) <= set(CROCKFORD)


@given(st.binary(min_size=32, max_size=32))
def test_a_code_survives_being_typed(whole_id):
    code = draft_code(whole_id)
    assert parse(f"ok d-{code.lower()}") == Approve(code)


def test_help_words_fit_one_packet_each():
    assert "CEK" in help_words(volunteer=False)
    assert "BEKUKAN" in help_words(volunteer=True)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("BMKG", SourceKind.AGENCY),
        ("pak kades", SourceKind.AGENCY),
        ("Polsek Kalumpang", SourceKind.AGENCY),
        ("saya lihat langsung", SourceKind.ON_SITE),
        ("surat edaran", SourceKind.DOCUMENT),
        ("TurnBackHoax", SourceKind.FACT_CHECKER),
        ("https://detik.com/x", SourceKind.MEDIA),
        ("Ibu Ani", SourceKind.PERSON),
        ("Sariah", SourceKind.PERSON),
    ],
)
def test_kinds_of_sources(name, kind):
    assert kind_of(name) is kind


def test_sources_are_taken_from_the_end_and_each_once():
    text, sources = sources_in("sumber air aman. SUMBER BMKG; BMKG; lihat langsung")
    assert (text, sources) == ("sumber air aman", (BMKG, SEEN))
    assert with_sources(text, sources) == "sumber air aman. Sumber: BMKG; lihat langsung"
    assert with_sources("Aman!", sources) == "Aman! Sumber: BMKG; lihat langsung"
    assert with_sources(text, ()) == text


@given(st.text(max_size=300))
def test_sources_of_any_text(text):
    rest, sources = sources_in(text)
    assert len(sources) <= 15
    assert len(rest) <= len(text)
