"""Chat on the air: what is cut fits, reads back and hurts no character; what is heard parses."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kimnode.errors import Reason, Refused
from kimnode.wire.airtext import (
    MAX_PARTS,
    MAX_TEXT_BYTES,
    HeardText,
    Say,
    Sos,
    SosCancel,
    cancel_packet,
    parse,
    parse_command,
    sos_packet,
    split,
)
from kimnode.wire.graphemes import clusters

FAMILY = "👨\u200d👩\u200d👧\u200d👦"
WORDS = ["banjir", "di", "dusun", "Tua", "é", "kopi☕", FAMILY, "🇮🇩", "a" * 70, "ya\n", "e\u0301"]
villagers = st.lists(st.sampled_from(WORDS), min_size=1, max_size=120).map(" ".join)
nicks = st.from_regex(r"[A-Za-z]([A-Za-z .'_-]{0,18}[A-Za-z])?", fullmatch=True)


def bare(text: str) -> str:
    return "".join(text.split())


def test_a_short_text_is_one_packet():
    assert split("Ani", "  halo semua ") == (b"Ani: halo semua",)


def test_exactly_two_hundred_bytes_are_one_packet_and_one_more_are_two():
    assert split("Ani", "x" * 195) == (b"Ani: " + b"x" * 195,)
    assert split("Ani", "x" * 196) == (
        b"Ani (1/2): " + b"x" * 189,
        b"Ani (2/2): " + b"x" * 7,
    )


def test_parts_are_cut_at_spaces_which_are_dropped():
    text = " ".join(["banjir"] * 40)
    first, second = split("Ani", text)
    assert first == b"Ani (1/2): " + b" ".join([b"banjir"] * 27)
    assert second == b"Ani (2/2): " + b" ".join([b"banjir"] * 13)


def test_a_word_that_just_fits_is_not_moved_to_the_next_part():
    room = 200 - len("Ani (1/2): ")
    text = "x" * (room - 7) + " banjir sudah tiba"
    assert split("Ani", text)[0].endswith(b"x banjir")
    assert split("Ani", "x" + text)[0].endswith(b"x")


def test_a_word_longer_than_a_part_is_cut_where_the_part_ends():
    first, second = split("Ani", "lihat " + "w" * 200)
    assert first == b"Ani (1/2): lihat " + b"w" * 183
    assert second == b"Ani (2/2): " + b"w" * 17


def test_a_word_as_long_as_a_part_is_kept_whole():
    room = 200 - len("Ani (1/2): ")
    assert split("Ani", "lihatlah " + "w" * room) == (
        b"Ani (1/2): lihatlah",
        b"Ani (2/2): " + b"w" * room,
    )


def test_the_word_border_is_the_last_one_before_the_end():
    text = "satu dua " + "t" * 180 + " empat lima"
    assert split("Ani", text)[0] == b"Ani (1/2): satu dua " + b"t" * 180
    text = "satu " + "d" * 170 + " tigatigatigatiga empat"
    assert split("Ani", text)[0] == b"Ani (1/2): satu " + b"d" * 170


@pytest.mark.parametrize("length", [20, 21])
def test_a_word_at_the_cut_is_moved_whole_whatever_follows_it(length):
    first, second = split("Ani", "x" * 180 + " " + "y" * length + " " + "z" * 150)
    assert first == b"Ani (1/2): " + b"x" * 180
    assert second == b"Ani (2/2): " + b"y" * length + b" " + b"z" * 150


def test_many_spaces_at_a_cut_vanish():
    packets = split("Ani", "satu" + " " * 300 + "dua")
    assert packets == (b"Ani (1/2): satu", b"Ani (2/2): dua")


def test_three_hundred_characters_with_emoji_fit():
    text = ("air sungai naik 🌊 " * 20)[:300].strip()
    packets = split("Ani", text)
    assert len(packets) == 2
    assert bare("".join(parse(p.decode()).text for p in packets)) == bare(text)


def test_more_than_three_parts_are_refused_with_the_bytes_over():
    room = 3 * (200 - len("Ani (1/3): "))
    assert len(split("Ani", "x" * room)) == 3
    with pytest.raises(Refused) as refused:
        split("Ani", "x" * (room + 17))
    assert refused.value.reason is Reason.TOO_LONG
    assert refused.value.detail == "17 bytes over 3 x 200 bytes"


def test_bytes_are_counted_not_characters():
    assert len(split("Ani", "é" * 97)) == 1
    assert len(split("Ani", "é" * 98)) == 2


@pytest.mark.parametrize("text", ["", "   ", "\n\n"])
def test_nothing_to_say_is_refused(text):
    with pytest.raises(Refused) as refused:
        split("Ani", text)
    assert refused.value.reason is Reason.EMPTY


def test_a_name_that_leaves_no_room_is_refused():
    with pytest.raises(Refused) as refused:
        split("n" * 195, "halo dunia")
    assert refused.value.detail == "10 bytes over 3 x 200 bytes"


def test_a_cut_never_falls_inside_an_emoji():
    text = FAMILY * 12  # 25 bytes each: seven fit a part
    packets = split("Ani", text)
    assert [parse(p.decode()).text for p in packets] == [FAMILY * 7, FAMILY * 5]


@given(nicks, villagers, st.integers(80, 220), st.integers(1, 4))
def test_what_is_split_fits_and_reads_back(nick, text, max_bytes, max_parts):
    try:
        packets = split(nick, text, max_bytes, max_parts)
    except Refused as refused:
        assume(refused.reason is not Reason.TOO_LONG)
        raise
    heard = [parse(p.decode()) for p in packets]
    assert all(len(p) <= max_bytes for p in packets)
    assert len(packets) <= max(max_parts, 1)
    assert all(h.nick == nick for h in heard)
    assert [(h.part, h.parts) for h in heard] == [
        (i + 1, len(packets)) for i in range(len(packets))
    ]
    assert bare("".join(h.text for h in heard)) == bare(text)
    joined = [c for h in heard for c in clusters(h.text) if not c.isspace()]
    assert joined == [c for c in clusters(text) if not c.isspace()]


@given(nicks, villagers)
def test_words_shorter_than_a_part_are_never_cut(nick, text):
    assume(len(text.encode()) < 450)
    words = text.split()
    parts = [parse(p.decode()).text for p in split(nick, text)]
    assert [w for part in parts for w in part.split()] == words


@given(st.text(max_size=40), st.text(max_size=700))
def test_split_of_anything_gives_packets_or_refuses(nick, text):
    try:
        packets = split(nick, text)
    except Refused:
        return
    assert 1 <= len(packets) <= MAX_PARTS
    assert all(len(p) <= MAX_TEXT_BYTES for p in packets)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ani: halo", HeardText("Ani", "halo")),
        ("Pak Budi: jam 7: kumpul", HeardText("Pak Budi", "jam 7: kumpul")),
        ("Ani (1/3): x", HeardText("Ani", "x", 1, 3)),
        ("Ani (2/2): x", HeardText("Ani", "x", 2, 2)),
        ("Ani: (1/2): x", HeardText("Ani", "(1/2): x")),
        ("A: x", HeardText("A", "x")),
        ("n" * 20 + ": x", HeardText("n" * 20, "x")),
        ("Ani: satu\ndua", HeardText("Ani", "satu\ndua")),
        ("e\u0323" * 20 + ": x", HeardText("e\u0323" * 20, "x")),  # 20 visible, 60 bytes
    ],
)
def test_heads_that_gateways_write(text, expected):
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "halo",
        "Ani:halo",
        "Ani: ",
        ": halo",
        " Ani: halo",
        "Ani : halo",
        "n" * 21 + ": x",
        "\ua98f" * 21 + ": x",
        "e\u0323" * 19 + "e\u0323\u0301: x",
        "Ani (3/2): x",
        "Ani (0/2): x",
        "Ani (1/1): x",
        "Ani (1/10): x",
        "Ani(1/2): x",
        "Ani (x): y",
        "A\nni: halo",
        "A\rni: halo",
        "(1/2): halo",
        "jam 7:30 kumpul",
    ],
)
def test_everything_else_is_just_text(text):
    assert parse(text) == HeardText(None, text, 1, 1)


def test_defaults_of_a_heard_text():
    assert HeardText(None, "x") == HeardText(nick=None, text="x", part=1, parts=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SOS", ""),
        ("sos", ""),
        ("sos!", ""),
        ("SOS.", ""),
        (" SOS ", ""),
        ("*SOS*", ""),
        ("SOS banjir", "banjir"),
        ("SOS: banjir", "banjir"),
        ("SOS - 3 orang", "3 orang"),
        ("SOS\u2014banjir", "banjir"),
        ("!!! sos banjir di dusun tua\ncepat ", "banjir di dusun tua\ncepat"),
        ("S.O.S tolong", "tolong"),
        ("s o s", ""),
        ("S-O-S.", ""),
        ("sos3 orang", "3 orang"),
        ("SOS_banjir", "banjir"),
        ("🆘", ""),
        ("🆘 longsor", "longsor"),
        ("SOS 🔥 rumah", "🔥 rumah"),
        ("SOS🔥", "🔥"),
        ("SOS SOS", "SOS"),
        ("SOS Ani: kaki patah", "Ani: kaki patah"),
        ("SOS batal, jembatan putus", "batal, jembatan putus"),
        ("SOS batalkan evakuasi", "batalkan evakuasi"),
        ("SOS pembatalan", "pembatalan"),
    ],
)
def test_calls_for_help(text, expected):
    assert parse_command(text) == Sos(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BATAL SOS", ""),
        ("batal sos!", ""),
        ("Batalkan SOS.", ""),
        ("dibatalkan: sos", ""),
        ("cancel SOS", ""),
        ("BATAL SOS Ani", "Ani"),
        ("batal sos, salah pencet", "salah pencet"),
        ("SOS BATAL", ""),
        ("sos dibatalkan!", ""),
        ("SOS: batal", ""),
        ("SOS cancel", ""),
        ("(SOS batal)", ""),
    ],
)
def test_withdrawals(text, expected):
    assert parse_command(text) == SosCancel(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "halo",
        "sosial",
        "SOSIS goreng",
        "sosSOS",
        "so sibuk",
        "s.o s",
        "saya bukan SOS",
        "Ani: SOS",
        "pesos",
        "batal",
        "batal sosialisasi",
        "membatalkan SOS",
        "tidak jadi",
        "S\u041eS",  # a Cyrillic O
    ],
)
def test_ordinary_talk(text):
    assert parse_command(text) == Say(text)


def test_an_sos_from_a_phone_is_one_packet():
    assert sos_packet("Ani", " banjir ") == b"SOS Ani: banjir"
    assert parse_command(sos_packet("Ani", "banjir").decode()) == Sos("Ani: banjir")
    assert sos_packet("Ani", "") == b"SOS Ani: "


def test_a_long_sos_loses_its_end_and_says_so():
    fits = "x" * (200 - len("SOS Ani: "))
    assert sos_packet("Ani", fits) == b"SOS Ani: " + fits.encode()
    cut = sos_packet("Ani", fits + "y").decode()
    assert cut == "SOS Ani: " + "x" * 188 + "…"
    assert len(cut.encode()) == 200
    assert sos_packet("Ani", FAMILY * 9).decode() == "SOS Ani: " + FAMILY * 7 + "…"
    assert sos_packet("Ani", "satu dua tiga", max_bytes=17).decode() == "SOS Ani: satu…"
    assert sos_packet("Ani", "satu dua", max_bytes=16).decode() == "SOS Ani: satu…"


def test_an_sos_under_an_endless_name_still_fits_and_says_what_happened():
    packet = sos_packet("A" * 230, "banjir")
    assert len(packet) <= MAX_TEXT_BYTES
    assert packet.endswith(b"A: banjir")


@given(nicks, st.text(max_size=700).filter(lambda t: t == t.encode("utf-8", "ignore").decode()))
def test_an_sos_is_never_refused_and_always_heard_as_one(nick, text):
    packet = sos_packet(nick, text)
    assert len(packet) <= MAX_TEXT_BYTES
    command = parse_command(packet.decode())
    assert isinstance(command, Sos)
    assert command.text.startswith(f"{nick}:")


def test_a_withdrawal_from_a_phone_is_heard_as_one():
    assert cancel_packet("Ani") == b"BATAL SOS Ani"
    assert parse_command(cancel_packet("Ani").decode()) == SosCancel("Ani")
