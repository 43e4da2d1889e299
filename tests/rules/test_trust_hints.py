"""Hints of a packet find whole keys; two keys with one hint are both tried, neither is believed."""

from dataclasses import replace

import pytest

from kimnode.errors import Reason
from kimnode.record import Kind
from kimnode.rules import trust as trusts
from kimnode.rules.chain import Heard, build
from kimnode.rules.hints import MAX_CANDIDATES, resolve, whole
from kimnode.rules.trust import Trust
from kimnode.wire import air, signing
from kimnode.wire.codes import Mode, Role
from kimnode.wire.documents import Receipt, Revocation, Root, Stamp, TimeAnchor, Vote, signed_by
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import DESA, HUB, KARATAUN, NOW, NOW_S, ROOT, V1, V2, V3, V4, refused

TRUST = samples.trust()
BULLETIN = samples.bulletin(V1, KARATAUN)
OTHER = samples.bulletin(V2)


def subjects(hint: bytes) -> list[bytes]:
    return [one.id for one in (BULLETIN, OTHER) if one.id.startswith(hint)]


def sent(document):
    """As it comes out of a packet."""
    (heard,) = air.unpack(air.pack(document))
    return heard


@pytest.mark.parametrize(
    "document",
    [
        BULLETIN,
        samples.bulletin(V1),
        samples.approval(BULLETIN, V3),
        samples.approval(OTHER, V3, KARATAUN),
        samples.rejection(BULLETIN, V4),
        samples.suspend(V1.radio, V3),
        samples.DISTRICT_CERT,
        samples.of_radio(samples.Person("Baru", 70, Role.VOLUNTEER)),
        samples.revocation(V1.key),
        samples.revocation(V1.key, by=HUB),
        samples.time_anchor(),
        samples.receipt(BULLETIN, OTHER),
        ROOT,
    ],
    ids=lambda d: type(d).__name__,
)
def test_what_was_sent_is_found_whole(document):
    assert whole(sent(document), TRUST, subjects) == document
    assert whole(document, TRUST, subjects) == document


def test_a_dossier_has_no_hints():
    assert whole(samples.DOSSIER, TRUST, subjects) == samples.DOSSIER


def test_the_approval_of_a_pair_is_about_the_bulletin_beside_it():
    approval = samples.approval(BULLETIN, V3)
    bulletin, vote = air.unpack(air.pack_pair(BULLETIN, approval))
    assert whole(bulletin, TRUST, subjects) == BULLETIN
    assert whole(vote, TRUST, lambda _hint: [BULLETIN.id]) == approval


@pytest.mark.parametrize(
    "document",
    [
        samples.bulletin(samples.Person("Zul", 99, Role.VOLUNTEER)),
        samples.bulletin(samples.Person("Zul", 99, Role.VOLUNTEER), KARATAUN),
        samples.approval(samples.bulletin(V4), V3),  # of a bulletin that nobody has heard
        samples.suspend(bytes(32), V3),
        samples.of_own_key(V1, samples.Machine("K", Role.DISTRICT, 7605000000)),
        samples.receipt(samples.bulletin(V4)),
        samples.receipt(BULLETIN, samples.bulletin(V4)),
    ],
)
def test_what_is_not_known_yet_may_come(document):
    with refused(Reason.UNKNOWN_KEY):
        whole(sent(document), TRUST, subjects)
    with refused(Reason.NO_ROOT):
        whole(sent(document), Trust(), subjects)


def test_a_district_under_an_unknown_root_may_come():
    other = samples.root(name="lain")
    with refused(Reason.UNKNOWN_KEY):
        whole(sent(samples.of_district(other)), TRUST, subjects)


@pytest.mark.parametrize(
    "document",
    [
        BULLETIN,
        samples.approval(BULLETIN, V3),
        samples.revocation(V1.key),
        samples.time_anchor(),
        samples.receipt(BULLETIN),
    ],
)
def test_a_forged_signature_fits_no_candidate(document):
    forged = replace(sent(document), signature=bytes(64))
    with refused(Reason.BAD_SIGNATURE):
        whole(forged, TRUST, subjects)


@pytest.mark.parametrize("certificate", [samples.DISTRICT_CERT, samples.PERSON_CERTS[0]])
def test_a_forged_certificate_fits_no_issuer(certificate):
    marks = tuple(replace(mark, signature=bytes(64)) for mark in certificate.marks)
    with refused(Reason.BAD_SIGNATURE):
        whole(replace(sent(certificate), marks=marks), TRUST, subjects)


# -- shared hints ---------------------------------------------------------------------------------


@pytest.fixture
def one_hint(monkeypatch):
    """Every key has the same 6-byte id, as if somebody had found such keys."""
    real = signing.key_id
    people = [samples.Person(f"x{n}", 300 + n, Role.VERIFIER) for n in range(2)]
    chain = [
        *(ROOT, samples.DISTRICT_CERT, samples.of_machine(KARATAUN)),
        *(make(who) for who in people for make in (samples.of_own_key, samples.of_radio)),
    ]
    monkeypatch.setattr(signing, "key_id", lambda key: real(key)[:0] + b"shared")
    trust = build([Heard(one, NOW_S) for one in chain], ROOT.id).trust
    return people, trust


def test_of_two_keys_with_one_hint_the_one_that_signed_is_found(one_hint):
    people, trust = one_hint
    for who in people:
        for document in (samples.bulletin(who), samples.bulletin(who, KARATAUN)):
            found = whole(sent(document), trust, subjects)
            assert found == document
            assert trusts.author(found, trust, NOW).person == who.number


def test_the_candidates_of_one_packet_are_bounded(one_hint):
    people, trust = one_hint
    vote = sent(samples.approval(BULLETIN, people[0], KARATAUN))
    many = [bytes([n]) * 32 for n in range(100)]
    assert len(list(resolve(vote, trust, lambda _hint: many))) == MAX_CANDIDATES == 16
    with refused(Reason.BAD_SIGNATURE):
        whole(vote, trust, lambda _hint: many)


def test_many_bulletins_with_one_hint_cost_a_receipt_no_more_than_the_bound():
    heard = Receipt(0, KARATAUN.key, (b"8 bytes.",) * 16, bytes(64))
    many = [bytes([n]) * 32 for n in range(100)]
    assert len(list(resolve(heard, TRUST, lambda _hint: many))) == MAX_CANDIDATES


def test_a_radio_is_not_its_owners_other_key(one_hint):
    """An attested stamp speaks of a radio: other keys with its hint are no candidates."""
    people, trust = one_hint
    heard = sent(samples.bulletin(people[0], KARATAUN))
    persons = {one.stamp.person for one in resolve(heard, trust, subjects)}
    assert persons == {who.radio for who in people}


def test_a_direct_stamp_has_one_key_for_both():
    stamp = Stamp(Mode.DIRECT, 0, samples.TimeTrust.SURE, 0, 1, *[signing.key_id(V1.key)] * 2)
    (found,) = resolve(Vote(Kind.APPROVAL, BULLETIN.id, stamp), TRUST, subjects)
    assert found.stamp.signer == found.stamp.person == V1.key


def test_whole_keys_that_nobody_knows_are_left_for_the_check():
    stranger = samples.Person("Zul", 99, Role.VOLUNTEER)
    document = samples.bulletin(stranger, KARATAUN)
    assert list(resolve(document, TRUST, subjects)) == [document]
    with refused(Reason.UNKNOWN_KEY):
        trusts.check_stamp(document, trusts.Capability.DRAFT, DESA, TRUST, NOW)


@pytest.mark.parametrize("cls", [Revocation, TimeAnchor])
def test_an_unknown_issuer_has_no_candidates(cls):
    unknown = samples.Machine("K", Role.DISTRICT, 7605000000)
    made = cls(1, 1, unknown.key, ()) if cls is Revocation else cls(1, unknown.key)
    assert list(resolve(sent(signed_by(made, unknown.seed)), TRUST, subjects)) == []


def test_a_root_stands_for_itself():
    assert list(resolve(ROOT, Trust(), subjects)) == [ROOT]
    assert isinstance(whole(ROOT, Trust(), subjects), Root)
