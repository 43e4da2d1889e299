"""What a gateway hands out of its trust, and what a packet makes it miss."""

from dataclasses import replace

import pytest

from kimnode.rules.books import Books, missing
from kimnode.rules.hearsay import Known
from kimnode.rules.trust import Trust
from kimnode.wire import air
from kimnode.wire.gossip import Item, Want, lists_tag
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import DISTRICT, HUB, KARATAUN, ROOT, V1, V3

NOBODY = Trust()
ONLY_ROOT = samples.build([samples.Heard(ROOT, samples.NOW_S)], ROOT.id).trust


def heard(document):
    return air.unpack(air.pack(document))[0]


def test_an_empty_book():
    books = Books(NOBODY)
    assert books.known == Known(0, 0)
    assert books.certificate(b"123456") is None
    assert books.revocations() == ()
    assert books.root_after(0) is None


def test_what_it_hands_out():
    newer = samples.of_machine(KARATAUN)
    books = Books(samples.trust(newer))
    assert books.known == Known(1, lists_tag([samples.REVOCATION]))
    assert books.certificate(air.hint_of(KARATAUN.key)) == newer
    assert books.revocations() == (samples.REVOCATION,)
    assert books.root_after(0) == ROOT
    assert books.root_after(1) is None


BULLETIN = samples.bulletin(V1, KARATAUN)
HINTS = [air.hint_of(key) for key in (KARATAUN.key, V1.radio, V3.key, DISTRICT.key, HUB.key)]
POST, AUTHOR, VERIFIER, OFFICE, CENTRE = (Item(Want.CERTIFICATE, hint) for hint in HINTS)
ABOUT = Item(Want.BULLETIN, BULLETIN.id[:8])
SECOND_ROOT = samples.root(2, ROOT)


@pytest.mark.parametrize(
    ("document", "items"),
    [
        (BULLETIN, {POST, AUTHOR}),
        (samples.approval(BULLETIN, V3), {VERIFIER, ABOUT}),
        (samples.suspend(V1.radio, V3), {VERIFIER}),
        (samples.MACHINE_CERTS[0], {OFFICE}),
        (samples.REVOCATION, {OFFICE}),
        (samples.time_anchor(HUB), {CENTRE}),
        (samples.receipt(BULLETIN, by=KARATAUN), {POST}),
        (samples.DISTRICT_CERT, set()),
        (ROOT, set()),
        (samples.of_district(SECOND_ROOT), {Item(Want.ROOT, number=1)}),
    ],
)
def test_what_a_packet_makes_us_miss(document, items):
    assert set(missing(heard(document), ONLY_ROOT, lambda _: False)) == items


def test_nothing_is_missing_where_everything_is_known():
    trust = samples.trust()
    for document in (BULLETIN, samples.approval(BULLETIN, V3), samples.DISTRICT_CERT):
        assert list(missing(heard(document), trust, lambda _: True)) == []
    pair = air.unpack(air.pack_pair(BULLETIN, samples.approval(BULLETIN, V3)))
    assert list(missing(pair[1], trust, lambda _: False)) == []  # its bulletin is beside it


def test_a_district_of_a_root_that_nobody_knows_is_not_asked_for_without_a_root():
    certificate = samples.of_district(SECOND_ROOT)
    assert list(missing(heard(certificate), NOBODY, lambda _: False)) == []
    assert replace(certificate, marks=()).id == certificate.id
