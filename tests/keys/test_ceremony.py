"""What a ceremony refuses, so that nobody carries a useless document up a mountain. Pure."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimnode.errors import ConfigError
from kimnode.keys import ceremony, keyfile
from kimnode.keys.cards import Purpose
from kimnode.keys.ceremony import Subject, Term
from kimnode.rules.chain import Heard, build, check_trust_document
from kimnode.rules.clock import Estimate
from kimnode.rules.trust import holder
from kimnode.wire import air
from kimnode.wire.codes import KeyType, Role, TimeTrust
from kimnode.wire.documents import is_signed_by
from kimnode.wire.times import minutes_of, unix_of_day

TODAY = 690
NOW = Estimate(unix_of_day(TODAY), TimeTrust.SURE, unix_of_day(TODAY), 0)
NOW_MIN = minutes_of(NOW.unix_s)
OFFICES = [keyfile.generate(Purpose.ROOT, f"office{n}") for n in range(1, 6)]
CARDS = [office.card for office in OFFICES]
STRANGER = keyfile.generate(Purpose.ROOT, "stranger")
DISTRICT = keyfile.generate(Purpose.DISTRICT, "Kab. Mamuju")
POST = keyfile.generate(Purpose.GATEWAY, "Pos")
PERSON = keyfile.generate(Purpose.VOLUNTEER, "Budi")
RADIO = bytes(range(32))


def term(days: int = 400, serial: int = 7, from_day: int = TODAY) -> Term:
    return Term(from_day, days, serial)


def signed(root, *offices, old=None):
    for office in offices:
        root = ceremony.sign_root(root, old, office)
    return root


UNSIGNED = ceremony.new_root("Sulawesi Barat", 7600000000, CARDS, term(3652))
ROOT = signed(UNSIGNED, *OFFICES[:2])
UNSIGNED_DISTRICT = ceremony.district(ROOT, DISTRICT.card, 7602000000, "Kab. Mamuju", term(1095))
ISSUER = ceremony.sign_district(
    ceremony.sign_district(UNSIGNED_DISTRICT, ROOT, OFFICES[4]), ROOT, OFFICES[0]
)
SUBJECT = Subject(Role.VERIFIER, KeyType.RADIO, RADIO, 7602062003, 12, "Budi")


def test_what_the_ceremonies_make_is_believed():
    made = [
        ROOT,
        ISSUER,
        ceremony.certify(DISTRICT, ISSUER, SUBJECT, term()),
        ceremony.certify(
            DISTRICT,
            ISSUER,
            Subject(Role.GATEWAY, KeyType.ED25519, POST.public, 7602062003, 0, "Pos"),
            term(),
        ),
        ceremony.revoke(DISTRICT, None, [(bytes(6), TODAY)], NOW_MIN),
    ]
    believed = []
    for one in made:
        trust = build(believed, ROOT.id).trust
        check_trust_document(one, trust, NOW, ROOT.id)
        believed.append(Heard(one, NOW.unix_s))
    assert holder(RADIO, build(believed, ROOT.id).trust, NOW).person == 12


def test_signatures_may_come_in_any_order():
    assert signed(UNSIGNED, *OFFICES[:2]) == signed(UNSIGNED, *reversed(OFFICES[:2]))
    assert [ceremony.missing(signed(UNSIGNED, *OFFICES[:n]), None) for n in range(4)] == [
        2,
        1,
        0,
        0,
    ]


@given(st.text(min_size=1, max_size=24))
def test_a_district_fits_one_packet_or_is_refused(name):
    try:
        made = ceremony.district(ROOT, DISTRICT.card, 7602000000, name, term())
    except ConfigError:
        return
    for office in OFFICES[:2]:
        made = ceremony.sign_district(made, ROOT, office)
    assert len(air.pack(made)) <= ceremony.MAX_CERTIFICATE_BYTES


def refusals():
    demo = keyfile.generate(Purpose.ROOT, "demo", demo=True)
    late = replace(DISTRICT, demo=True)
    rotated = ceremony.rotate(ROOT, [0], [STRANGER.card], term(3652))
    first = ceremony.revoke(DISTRICT, None, [], NOW_MIN)
    root, district = ceremony.new_root, ceremony.district

    def certify(**changed):
        return ceremony.certify(DISTRICT, ISSUER, replace(SUBJECT, **changed), term())

    def named(name):
        return district(ROOT, DISTRICT.card, 7602000000, name, term())

    yield "3 to 8 offices", lambda: root("x", 76 * 10**8, CARDS[:2], term())
    yield "named twice", lambda: root("x", 76 * 10**8, [*CARDS, CARDS[0]], term())
    yield "cannot be mixed", lambda: root("x", 76 * 10**8, [*CARDS, demo.card], term())
    yield "root key", lambda: root("x", 76 * 10**8, [*CARDS, POST.card], term())
    yield "1 to 24 visible", lambda: root("x" * 25, 76 * 10**8, CARDS, term())
    yield "1 to 24 visible", lambda: root("x\ny", 76 * 10**8, CARDS, term())
    yield "is in no list", lambda: ceremony.sign_root(UNSIGNED, None, STRANGER)
    yield "root key is needed", lambda: ceremony.sign_root(UNSIGNED, None, DISTRICT)
    yield "signed it already", lambda: ceremony.sign_root(ROOT, None, OFFICES[0])
    yield "leave --root out", lambda: ceremony.sign_root(UNSIGNED, ROOT, OFFICES[0])
    yield "Name the one before", lambda: ceremony.sign_root(rotated, None, OFFICES[0])
    yield "is not version 1", lambda: ceremony.sign_root(rotated, rotated, OFFICES[0])
    yield "not enough signatures", lambda: ceremony.rotate(UNSIGNED, [0], [], term())
    yield "offices 1 to 5", lambda: ceremony.rotate(ROOT, [5], [], term())
    yield "demonstration", lambda: ceremony.rotate(ROOT, [], [demo.card], term())
    yield "3 to 8 offices", lambda: ceremony.rotate(ROOT, [0, 1, 2], [], term())
    yield "not enough signatures", lambda: district(UNSIGNED, DISTRICT.card, 1, "x", term())
    yield "a district key is needed", lambda: district(ROOT, POST.card, 7602000000, "x", term())
    yield "demonstration district key", lambda: district(ROOT, late.card, 7602000000, "x", term())
    yield "is 1 bytes too long.*at most 13", lambda: named("Kab. Mamuju 14")
    yield "outside the root's 76", lambda: district(ROOT, DISTRICT.card, 7302000000, "x", term())
    yield (
        "days after the root's own end",
        lambda: district(ROOT, DISTRICT.card, 7602000000, "x", term(from_day=TODAY + 3600)),
    )
    yield "not made for this root", lambda: ceremony.sign_district(ISSUER, rotated, OFFICES[0])
    yield (
        "is not in this root",
        lambda: ceremony.sign_district(UNSIGNED_DISTRICT, ROOT, STRANGER),
    )
    yield "two signatures already", lambda: ceremony.sign_district(ISSUER, ROOT, OFFICES[2])
    yield "outside the district's 76.02", lambda: certify(area=7603062003)
    yield "outside the district's 76.02", lambda: certify(area=7600000000)
    yield "people have a person number", lambda: certify(person=0)
    yield "machines have none", lambda: certify(role=Role.GATEWAY)
    yield "32-byte public key", lambda: certify(key=b"short")
    yield "32-byte public key", lambda: certify(key=DISTRICT.public)
    yield "1 to 24 visible", lambda: certify(name="")
    yield "--days is 1 to 400", lambda: ceremony.certify(DISTRICT, ISSUER, SUBJECT, term(401))
    yield (
        "days after the district's own end",
        lambda: ceremony.certify(DISTRICT, ISSUER, SUBJECT, term(from_day=TODAY + 800)),
    )
    other = keyfile.generate(Purpose.DISTRICT, "other")
    yield "not the certificate", lambda: ceremony.certify(other, ISSUER, SUBJECT, term())
    yield "district key is needed", lambda: ceremony.certify(POST, ISSUER, SUBJECT, term())
    yield "district's or a hub's", lambda: ceremony.revoke(POST, None, [], NOW_MIN)
    yield "another key", lambda: ceremony.revoke(other, first, [], NOW_MIN)
    forged = replace(first, number=9)
    yield "signature of the list", lambda: ceremony.revoke(DISTRICT, forged, [], NOW_MIN)
    yield "from the future", lambda: ceremony.revoke(DISTRICT, first, [], NOW_MIN - 1)
    many = [(n.to_bytes(6, "big"), TODAY) for n in range(501)]
    yield "a list holds 500", lambda: ceremony.revoke(DISTRICT, None, many, NOW_MIN)
    yield "own key votes", lambda: ceremony.suspend(POST, RADIO, NOW_MIN, 1, 1)
    yield (
        "suspends their own key",
        lambda: ceremony.suspend(PERSON, PERSON.public, NOW_MIN, 1, 1),
    )


@pytest.mark.parametrize(("why", "refused"), [pytest.param(*one, id=one[0]) for one in refusals()])
def test_refused_in_words(why, refused):
    with pytest.raises(ConfigError, match=f"(?i){why}") as told:
        refused()
    assert (
        str(told.value).endswith(".")
        or "kimnode keys" in str(told.value)
        or "--" in str(told.value)
    )


def test_a_revoked_key_stays_revoked_from_its_earliest_day():
    one = ceremony.revoke(DISTRICT, None, [(b"aaaaaa", 600)], NOW_MIN)
    two = ceremony.revoke(DISTRICT, one, [(b"aaaaaa", 650), (b"bbbbbb", 640)], NOW_MIN)
    assert two.entries == ((b"aaaaaa", 600), (b"bbbbbb", 640))
    three = ceremony.revoke(DISTRICT, two, [(b"bbbbbb", 500)], NOW_MIN)
    assert three.entries == ((b"aaaaaa", 600), (b"bbbbbb", 500))
    assert three.number == 3
    assert is_signed_by(three, DISTRICT.public)
