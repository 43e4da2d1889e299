"""What KIM says on the channel, and who only pretends to be KIM."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimnode.rules.announcements import announcement, matches, poses_as_kim
from kimnode.wire.airtext import MAX_TEXT_BYTES, Say, parse_command
from kimnode.wire.codes import Form, HoaxType, Mode, TimeTrust, Topic, Verdict
from kimnode.wire.documents import Bulletin, Stamp

STAMP = Stamp(Mode.ATTESTED, 900_000, TimeTrust.SURE, 1, 1, bytes(32), bytes([1]) * 32)
HOAX = Bulletin(
    Form.CHECK, False, Verdict.HOAX, HoaxType.NONE, Topic.DISASTER, 2, 1, 7602062003, 120, 17,
    b"", bytes(16), STAMP, "Bendungan tidak jebol. Sumber: BMKG; lihat langsung",
)  # fmt: skip


def test_the_words_on_the_channel():
    said = "KIM: HOAKS - Bendungan tidak jebol. Sumber: BMKG; lihat langsung (B-17)"
    assert announcement(HOAX) == said
    about = replace(HOAX, about=bytes(16), number=18, text="Tanggalnya salah.")
    corrected = replace(about, form=Form.CORRECTION)
    assert announcement(corrected, 17) == "KIM: KOREKSI B-17: HOAKS - Tanggalnya salah. (B-18)"
    withdrawn = replace(about, form=Form.RETRACTION, verdict=Verdict.NONE)
    assert announcement(withdrawn, 17) == "KIM: DICABUT B-17 - Tanggalnya salah. (B-18)"
    notice = replace(HOAX, form=Form.NOTICE, verdict=Verdict.UNCHECKED, text="Jauhi sungai.")
    assert announcement(notice) == "KIM: BELUM DICEK - Jauhi sungai. (B-17)"
    assert announcement(replace(HOAX, demo=True)).startswith("KIM: DEMO HOAKS - ")


@given(st.text(min_size=1, max_size=600), st.sampled_from(Form), st.sampled_from(Verdict))
def test_it_is_one_packet_poses_as_kim_and_is_no_alarm(text, form, verdict):
    said = announcement(replace(HOAX, form=form, verdict=verdict, text=text), 65535)
    assert len(said.encode(errors="replace")) <= MAX_TEXT_BYTES
    assert poses_as_kim(said)
    assert isinstance(parse_command(said), Say)


@given(st.integers(0, 69), st.characters(codec="utf-8"))
def test_a_changed_sign_is_another_text(place, sign):
    said = announcement(HOAX)
    forged = said[:place] + sign + said[place + 1 :]
    assert matches(forged, HOAX, None) is (forged == said)


def test_where_the_first_bulletin_is_unknown_any_number_of_it_is_taken():
    corrected = replace(HOAX, form=Form.CORRECTION, about=bytes(16), number=18)
    said = announcement(corrected, 17)
    assert matches(said, corrected, 17)
    assert matches(said, corrected, None)
    assert not matches(said, corrected, 16)
    assert not matches(said.replace("BMKG", "RRI"), corrected, None)


@pytest.mark.parametrize(
    "text",
    [
        "KIM: HOAKS - x", "kim: x", "KlM: x", "K1M : x", "кім: x", "K.I.M - x", "KIM\uff1a x",
        "[otomatis] KIM: x",
        "Info KIM: x", "[KIM] x", "KIM HOAKS air naik", "KIM \u2013 x", "\u039a\u0399\u039c: x",
        "\U0001f4e2 KIM: x", "Tim KIM Desa: x", "PENGUMUMAN KIM: x", "Pengumuman resmi KIM - x",
        "TERVERIFIKASI KIM: x", "Pengurus KIM: x",
    ],
)  # fmt: skip
def test_who_poses_as_kim(text):
    assert poses_as_kim(text)


@pytest.mark.parametrize(
    "text",
    [
        "KIM, tolong cek",
        "Kim besok rapat",
        "kimia: ujian",
        "Akim: halo",
        "Ani: kata KIM: x",
        "",
        "🙂",
    ],
)
def test_who_does_not(text):
    assert not poses_as_kim(text)


@given(st.text(max_size=200))
def test_any_text_can_be_looked_at(text):
    poses_as_kim(text)
