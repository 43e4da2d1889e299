"""Forged documents: no flipped bit, no other kind, no invented signature is accepted."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimnode.errors import Reason, Refused, WireError
from kimnode.record import Kind
from kimnode.rules import trust as trusts
from kimnode.rules.chain import check_trust_document
from kimnode.rules.trust import Capability, Moment, check_stamp
from kimnode.wire import sealed
from kimnode.wire.codes import Mode, Role
from kimnode.wire.documents import Bulletin, Certificate, Vote
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import DESA, KARATAUN, NOW, NOW_MIN, ROOT, V1, V3, V4, flips, refused

C = Capability
TRUST = samples.trust()


@pytest.mark.parametrize(
    "document",
    [samples.bulletin(V1), samples.bulletin(V1, KARATAUN), samples.approval(samples.bulletin())],
    ids=["direct", "attested", "approval"],
)
def test_no_flipped_bit_is_accepted(document):
    tried = 0
    for changed in flips(sealed.encode(document)):
        try:
            forged = sealed.decode(changed)
        except WireError:
            continue
        if not isinstance(forged, Bulletin | Vote):
            continue
        tried += 1
        rights = trusts.rights_of(forged)
        with pytest.raises(Refused):
            trusts.allowed(forged, rights, DESA, TRUST, Moment(NOW, NOW_MIN))
    assert tried > 300  # most of them, or the test tests the decoder


@pytest.mark.parametrize("kind", [Kind.APPROVAL, Kind.REJECTION, Kind.SUSPENSION])
def test_no_vote_is_another_kind_of_vote(kind):
    for other in {Kind.APPROVAL, Kind.REJECTION, Kind.SUSPENSION} - {kind}:
        replayed = replace(samples.vote(kind, bytes(32), V3), kind=other)
        with refused(Reason.BAD_SIGNATURE):
            trusts.voter(replayed, DESA, TRUST, NOW)


@given(st.binary(min_size=64, max_size=64))
def test_no_invented_signature_is_accepted(signature: bytes):
    with refused(Reason.BAD_SIGNATURE):
        check_stamp(replace(BULLETIN, signature=signature), Capability.DRAFT, DESA, TRUST, NOW)


BULLETIN = samples.bulletin(V4, when={"seq": 1})


def test_the_mode_is_signed():
    attested = samples.bulletin(V1, KARATAUN)
    direct = replace(attested, stamp=replace(attested.stamp, mode=Mode.DIRECT))
    with refused(Reason.BAD_SIGNATURE):
        check_stamp(direct, C.DRAFT, DESA, TRUST, NOW)


def test_no_flipped_bit_of_a_certificate_is_accepted():
    new = samples.Person("Baru", 70, Role.VOLUNTEER)
    majene = samples.Machine("Kab. Majene", Role.DISTRICT, 7605000000)
    for certificate in (samples.of_own_key(new), samples.of_district(ROOT, majene)):
        tried = 0
        for changed in flips(sealed.encode(certificate)):
            try:
                forged = sealed.decode(changed)
            except WireError:
                continue
            if not isinstance(forged, Certificate):
                continue
            tried += 1
            with pytest.raises(Refused):
                check_trust_document(forged, TRUST, NOW, ROOT.id)
        assert tried > 300


def test_a_forged_list_is_refused():
    with refused(Reason.BAD_SIGNATURE):
        moved = replace(samples.revocation(V1.key), issuer=samples.HUB.key)
        check_trust_document(moved, TRUST, NOW, ROOT.id)
    tried = 0
    for changed in flips(sealed.encode(samples.revocation(V1.key))):
        try:
            forged = sealed.decode(changed)
        except WireError:
            continue
        tried += 1
        with pytest.raises(Refused):
            check_trust_document(forged, TRUST, NOW, ROOT.id)
    assert tried > 150
