"""Nicknames: what looks like an office is refused however it is written, real names are not."""
# ruff: noqa: RUF001 (look-alikes are the subject)

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimnode.errors import Reason, Refused
from kimnode.rules.names import (
    MAX_RADIO_NAME_BYTES,
    RESERVED,
    clean_name,
    is_reserved,
    radio_name,
    skeleton,
    tag,
)

SPOOFS = (
    """
KIM|kim|Kim|K I M|k.i.m|K-I-M|K_I_M|K'I'M|KlM|K1M|Kım|KiM.|KÌM|k.1.m|K Im|kim2|2 KIM|KIM desa
KIM Sukamaju|adminKIM|KIMofficial|tim kim|кім|ΚΙΜ|Ꮶ Ꭵ Ꮇ|ꓗꓲꓟ|ᴋɪᴍ|ＫＩＭ|Ⓚⓘⓜ|𝐊𝐈𝐌|𝓴𝓲𝓶|кıм
ĸim|ĸIM desa|Pengurus|TERVERIFIKASI|Terverif1kasi|Buletin|Buletin Desa|Cek Info
K\u0131M|kım desa|КІМ|Kim\u0301|ᵏⁱᵐ|₁kim
admin|Admin|ADMIN|аdmin|АdmіN|ADM1N|4dmin|adm!n|Adrnin|A D M I N|a.d.m.i.n|admin1|admin 7
Admin Desa|admın|ądmin|ɑdmin|Ad min|administrator|pusat admin|Αdmin
Kades|KADÉS|Ka Des|k4des|Pak Kades|Bapak Kades|Kepala Desa|kepala desa Suka|KepaIa Desa|Kepala.Desa
BPBD|8P8D|B.P.B.D|bpbd 1|BMKG|bmk9|ΒΡΒD|babinsa|bab1nsa|Babin Sa|Polisi|P0LISI|po1isi|polísi
Pak Polisi|Polri|po1r1|Puskesmas|pu5kesmas|Camat|Bu Camat|c4mat|саmat|Bupati|8upati|Bu Pati
petugas|Petugas Pos|relawan|Rela wan|re1awan|pos|P0S|Pos 3|posko|gateway|GATEVVAY|SOS|S0S|5O5|S.O.S
sistem|s1stem|5istem|Meshtastic|MeshtastiC|kimnode|tni|TNl|sar|SAR Desa|Diskominfo|radio|server
""".strip()
    .replace("\n", "|")
    .split("|")
)

BADGES = (
    """
✔ Ani|Ani✔|✅Ani|☑Ani|🛡Ani|Ani ⭐|★Ani|Ani ☆|Ani🏅|Ani👮|🅺🅸🅼|🇰🇮🇲|Ani®|Ani✓|®|Ani♛
Ani: halo|Ani (1/3)|Ani [KIM]|@ani|#ani|Ani·K7Q|<b>Ani</b>|Ani/Budi|Ani&Budi|Ani=|Ani+|Ani%
""".strip()
    .replace("\n", "|")
    .split("|")
)

INVISIBLE = [
    "\u200bAni",
    "A\u200dni",
    "A\u202eni",
    "A\u2066ni",
    "A\u00adni",
    "A\u034fni",
    "A\ufe0fni",
    "A\U000e0100ni",
    "A\u0000ni",
    "\u3164",
    "\u115f\u1160",
    "A\u3164ni",
    "\U000e0041ni",
    "A\u2028ni\x07",
    "A" + "\u0323" * 6,
    "\u0301Ani",
]

PEOPLE = (
    """
Ani|Budi|Siti Aminah|Pak Budi|Bu Tini|Akim|Hakim|Abdul Hakim|Nur-Hakim|Kimi|Kimin|Jokim|Rakimin
Mukim|Adminah|Aminah|Admaja|Desak Made|I Made|Ni Luh|Ma'ruf|Ma’ruf|Saʼdiah|Sar'i|Jum'at
Sarah|Sari|Sarwo|Posman|Poso|Sosro|Sosiawan|Kosim|Salim|Karim|Rahim|Muslim|Lurahman|Camatini|Petrus|Polii|Apolinar
Yos|Andi.Baso|La_Ode|Daeng 3|Siti 2|Radiono|Servina|Kadek|Kade|Bima|Bumi|Timo|Dandi|José|Zoë|Øystein
ᨕᨊᨗ|محمد|小明|ꦱꦶꦠꦶ|Ольга|Γιώργος|தமிழ்|X|Mas Bro|Si Kembar|Dek Tini|n
""".strip()
    .replace("\n", "|")
    .split("|")
)


def refusal(raw: str) -> str | None:
    """Why the name is refused; None if it is not."""
    try:
        clean_name(raw)
    except Refused as refused:
        return refused.detail if refused.reason is Reason.BAD_NAME else refused.reason
    return None


def test_there_are_enough_spoofs():
    assert len(set(SPOOFS)) >= 120


@pytest.mark.parametrize("name", SPOOFS)
def test_what_looks_like_an_office_is_refused(name):
    assert refusal(name) in {"reserved", "letters of two scripts", LETTERS}


LETTERS = "only letters, digits, space and . ' - _"


@pytest.mark.parametrize("name", BADGES)
def test_badges_and_brackets_are_refused(name):
    assert refusal(name) == LETTERS


@pytest.mark.parametrize("name", INVISIBLE, ids=ascii)
def test_what_cannot_be_seen_is_refused(name):
    assert refusal(name) in {LETTERS, "needs a letter"}


@pytest.mark.parametrize("name", PEOPLE)
def test_what_people_are_called_is_accepted(name):
    assert refusal(name) is None


@pytest.mark.parametrize("word", RESERVED)
def test_every_reserved_word_is_refused_in_capitals_and_with_spaces(word):
    assert refusal(word.upper()[:20]) == "reserved"
    if len(word) <= 10:
        assert refusal(" ".join(word)) == "reserved"


@pytest.mark.parametrize("name", ["", " ", "\t\n", "123", "...", "-'-", "7."])
def test_a_name_needs_a_letter(name):
    assert refusal(name) == "needs a letter"


def test_twenty_characters_and_no_more():
    assert clean_name("n" * 20) == "n" * 20
    assert refusal("n" * 21) == "at most 20 characters"
    assert refusal("n" * 10_000) == "too long"
    assert refusal(" " * 199 + "n") is None
    assert refusal(" " * 200 + "n") == "too long"


def test_sixty_bytes_and_no_more():
    assert clean_name("ꦱ" * 20) == "ꦱ" * 20
    assert refusal("ꦱ" * 19 + "ꦱꦶ") == "at most 20 characters"


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("  Ani   Budi ", "Ani Budi"),
        ("Ani\tBudi", "Ani Budi"),
        ("Ａｎｉ", "Ani"),
        ("e\u0301", "é"),
        ("Ma’ruf", "Ma'ruf"),
        ("Ma`ruf", "Ma'ruf"),
        ("Ma´ruf", "Ma'ruf"),
    ],
)
def test_names_are_stored_in_one_form(raw, stored):
    assert clean_name(raw) == stored


def test_two_scripts_in_one_name_are_refused():
    assert refusal("Aniж") == "letters of two scripts"
    assert refusal("小明 Ani") == "letters of two scripts"


@pytest.mark.parametrize(
    ("one", "other"),
    [("KIM", "k1m"), ("adrnin", "ADMlN"), ("ΗΝΥΖ", "hnyz"), ("É", "e"), ("VV", "w")],
)
def test_look_alikes_have_one_skeleton(one, other):
    assert skeleton(one) == skeleton(other)


def test_different_names_have_different_skeletons():
    assert len({skeleton(n) for n in ("Ani", "Budi", "Siti", "Tini", "Dewi")}) == 5


def test_fillers_alone_are_no_office():
    assert not is_reserved("Pak Desa")
    assert not is_reserved("bu tim")
    assert not is_reserved("")


def test_a_word_that_only_contains_an_office_is_none():
    assert not is_reserved("kimono")
    assert not is_reserved("xkim")
    assert is_reserved("desakim")
    assert is_reserved("kimpos")


def test_the_tag_is_fifteen_bits_in_crockford_base32():
    assert tag(bytes([0x00, 0x00])) == "000"
    assert tag(bytes([0xFF, 0xFF])) == "ZZZ"
    assert tag(bytes([0x98, 0xEE])) == "K3Q"
    assert tag(bytes([0x98, 0xEF, 0x12])) == "K3Q"
    assert tag(bytes([0x08, 0x42])) == "111"


@given(st.binary(min_size=2, max_size=32))
def test_a_tag_has_three_signs_that_cannot_be_misread(digest):
    assert len(tag(digest)) == 3
    assert not set(tag(digest)) & set("ILOU")


@given(st.text(max_size=40))
def test_an_accepted_name_is_stable_and_safe(raw):
    try:
        name = clean_name(raw)
    except Refused:
        return
    assert clean_name(name) == name
    assert 1 <= len(name.encode()) <= 60
    assert not set(name) & set(":()[]<>\n@")
    assert name == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("🌴 Pos Ronda 2", "🌴 Pos Ronda 2"),
        ("👨\u200d👩\u200d👧 rumah", "👨\u200d👩\u200d👧 rumah"),
        ("Ani·K7Q", "Ani K7Q"),  # would read as a phone with its tag
        ("Ani⋅K7Q", "Ani K7Q"),
        ("Ani (1/3): halo", "Ani 1 3 halo"),
        ("Pos\nKIM\u202e", "Pos KIM"),
        ("", ""),
    ],
)
def test_a_radios_name_is_made_harmless(raw, shown):
    assert radio_name(raw) == shown


@given(st.text(max_size=300))
def test_a_radios_name_is_one_short_line(raw):
    name = radio_name(raw)
    assert len(name.encode()) <= MAX_RADIO_NAME_BYTES
    assert not set(name) & set("\n:()·")
    assert radio_name(name) == name
