"""Ids: they cover what was said and by whom, and still verify when the words are erased."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimnode.errors import WireError
from kimnode.record import Body, Kind, Record, RecordId
from kimnode.wire.records import body_hash, check, heard, link, radio_author, record_id, written

SALT = bytes(range(8))
AUTHOR = "phone:0011223344556677"


def said(**changes: object) -> Record:
    fields: dict[str, object] = {
        "kind": Kind.CHAT,
        "author": AUTHOR,
        "room": "umum",
        "made_at": 1_800_000_000,
        "nonce": b"12345678",
        "body": Body("Ani", "halo"),
        "salt": SALT,
    }
    return written(**(fields | changes))  # type: ignore[arg-type]


def test_a_record_as_it_is_written():
    record = said()
    assert record.id == record_id(record)
    assert len(record.id) == len(record.body_hash) == 32
    assert (record.channel, record.subject, record.salt) == ("", None, SALT)
    check(record)


def test_known_ids_never_change():
    """Computed once: a change here breaks every stored log and every other gateway."""
    assert said().id.hex() == KNOWN_WRITTEN
    assert heard(Kind.CHAT, 0x1000001F, 7, "Desa", "umum", "halo").id.hex() == KNOWN_HEARD


KNOWN_WRITTEN = "04ae9cf2dc0fba0fc1a3138de9b3d1a2b4437133813861e08e7700d6312f0967"
KNOWN_HEARD = "a8ff3faa47015ea9e744522a2b51901242aeee122ee11435fae9f96bda987584"


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": Kind.SOS},
        {"author": "phone:0011223344556678"},
        {"room": "warung"},
        {"made_at": 1_800_000_001},
        {"nonce": b"12345679"},
        {"subject": RecordId(bytes(32))},
        {"salt": bytes(8)},
        {"body": Body("Ani", "halo.")},
        {"body": Body("Budi", "halo")},
        {"body": Body("An", "ihalo")},
    ],
)
def test_the_id_covers_every_field(changes):
    assert said(**changes).id != said().id


def test_an_erased_body_leaves_the_id_valid():
    erased = replace(said(), body=None)
    check(erased)
    assert record_id(erased) == said().id


def test_a_changed_body_is_found():
    with pytest.raises(WireError, match="body is not the one"):
        check(replace(said(), body=Body("Ani", "hola")))


@pytest.mark.parametrize(
    "changes", [{"room": "warung"}, {"kind": Kind.SOS}, {"id": RecordId(bytes(32))}]
)
def test_a_changed_header_is_found(changes):
    with pytest.raises(WireError, match="does not cover"):
        check(replace(said(), **changes))


@pytest.mark.parametrize("size", [0, 7, 9])
def test_a_salt_of_another_size_is_refused(size):
    with pytest.raises(WireError, match=f"salt of {size} bytes, 8 are needed"):
        said(salt=bytes(size))


def test_equal_words_are_not_seen_as_equal_without_their_salt():
    body = Body("Ani", "ya")
    assert body_hash(body, SALT) == body_hash(body, SALT)
    assert body_hash(body, SALT) != body_hash(body, bytes(8))


def test_one_radio_text_is_one_record_at_every_gateway():
    one = heard(Kind.CHAT, 0x1000001F, 0xDEADBEEF, "Desa", "umum", "halo")
    assert one == heard(Kind.CHAT, 0x1000001F, 0xDEADBEEF, "Desa", "umum", "halo")
    check(one)
    assert one.author == radio_author(0x1000001F) == "radio:!1000001f"
    assert one.nonce == bytes.fromhex("deadbeef")
    assert (one.made_at, one.channel, one.body) == (0, "Desa", Body("", "halo"))


@pytest.mark.parametrize(
    "other",
    [
        heard(Kind.CHAT, 0x10000020, 7, "Desa", "umum", "halo"),
        heard(Kind.CHAT, 0x1000001F, 8, "Desa", "umum", "halo"),
        heard(Kind.CHAT, 0x1000001F, 7, "Lain", "umum", "halo"),
        heard(Kind.CHAT, 0x1000001F, 7, "Desa", "darurat", "halo"),
        heard(Kind.CHAT, 0x1000001F, 7, "Desa", "umum", "hola"),
        heard(Kind.SOS, 0x1000001F, 7, "Desa", "umum", "halo"),
        heard(Kind.CHAT, 0x1000001F, 7, "Desa", "umum", "halo", RecordId(bytes(32))),
    ],
)
def test_another_radio_text_is_another_record(other):
    one = heard(Kind.CHAT, 0x1000001F, 7, "Desa", "umum", "halo")
    assert other.id != one.id


def test_the_salt_of_a_heard_text_covers_who_and_which_and_where():
    salts = {
        heard(Kind.CHAT, sender, number, channel, "umum", "halo").salt
        for sender in (1, 2)
        for number in (1, 2)
        for channel in ("a", "b")
    }
    assert len(salts) == 8


def test_the_chain_covers_what_came_before():
    first, second = said().id, said(room="warung").id
    chain = link(link(bytes(32), first), second)
    assert len(chain) == 32
    assert chain != link(link(bytes(32), second), first)
    assert chain != link(bytes(32), second)


@given(st.text(), st.text(), st.integers(0, 2**40), st.binary(max_size=32))
def test_any_words_make_a_record_that_checks(nick, text, made_at, nonce):
    check(said(body=Body(nick, text), made_at=made_at, nonce=nonce))
