"""Documents as packets: what was packed comes out with hints, everything else is a WireError."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.compression import bulletins as texts
from kimnode.errors import WireError
from kimnode.record import Kind
from kimnode.wire import air, sealed
from kimnode.wire.air import MAX_PACKET_BYTES, Type, hint_of
from kimnode.wire.codes import Role
from kimnode.wire.documents import (
    Bulletin,
    Certificate,
    Receipt,
    Revocation,
    Root,
    TimeAnchor,
    Vote,
)
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import KARATAUN, V1, V3
from tests.vectors import make
from tests.wire import documents

PACKETS = dict(make.packets())
OF_DOCUMENTS = {
    name: packet
    for name, packet in PACKETS.items()
    if air.type_of(packet) in air.UNPACK and name != "text 4"  # 600 letters: slow to try
}


def hinted(document):
    """What is left of a document on the air."""
    match document:
        case Bulletin():
            return replace(document, stamp=_stamp(document.stamp))
        case Vote():
            return replace(document, subject=document.subject[:8], stamp=_stamp(document.stamp))
        case Certificate(role=Role.DISTRICT):
            return replace(document, issuer=document.issuer[:6])
        case Certificate() | Revocation() | TimeAnchor():
            return replace(document, issuer=hint_of(document.issuer))
        case Receipt():
            ids = tuple(one[:8] for one in document.bulletins)
            return replace(document, signer=hint_of(document.signer), bulletins=ids)
        case Root():
            return document
    raise AssertionError


def _stamp(stamp):
    return replace(stamp, signer=hint_of(stamp.signer), person=hint_of(stamp.person))


@settings(deadline=None, max_examples=300)
@given(documents.on_air)
def test_what_is_packed_comes_out_with_hints(document):
    packet = air.pack(document)
    assert air.unpack(packet) == (hinted(document),)
    assert air.pack(air.unpack(packet)[0]) == packet


@settings(deadline=None, max_examples=60)
@given(documents.bulletins, documents.votes)
def test_a_pair_is_a_bulletin_and_its_approval(bulletin, vote):
    approval = replace(vote, kind=Kind.APPROVAL)
    found, about_it = air.unpack(air.pack_pair(bulletin, approval))
    assert found == hinted(bulletin)
    assert about_it == replace(hinted(approval), subject=b"")


@pytest.mark.parametrize("name", OF_DOCUMENTS)
def test_cut_or_lengthened_it_is_no_packet_or_another_document(name):
    """A bulletin's text has no length: cut there, it is a bulletin with another text."""
    packet = OF_DOCUMENTS[name]
    true = air.unpack(packet)
    for other in (*(packet[:size] for size in range(1, len(packet))), packet + b"\0"):
        try:
            found = air.unpack(other)
        except WireError:
            continue
        assert air.type_of(packet) in (Type.BULLETIN, Type.PAIR)
        assert found[0].text != true[0].text or found[0].signature != true[0].signature


@settings(deadline=None, max_examples=500)
@given(st.sampled_from(sorted(Type)), st.binary(max_size=260))
def test_any_bytes_are_a_document_or_a_wire_error(kind, data):
    try:
        found = air.unpack(air.head(kind) + data)
    except WireError:
        return
    assert 1 <= len(found) <= 2


@pytest.mark.parametrize("first", [0x00, 0x01, 0x20, 0x30, 0x3F, 0x41, 0xE1])
def test_other_versions_and_types_are_refused(first):
    with pytest.raises(WireError):
        air.type_of(bytes([first]))
    with pytest.raises(WireError):
        air.type_of(b"")


def test_gossip_holds_no_document():
    with pytest.raises(WireError):
        air.unpack(PACKETS["beacon"])
    with pytest.raises(WireError):
        air.pack(samples.DOSSIER)


def test_a_root_packet_holds_a_root_only():
    with pytest.raises(WireError):
        air.unpack(air.head(Type.ROOT) + sealed.encode(samples.DOSSIER))


@pytest.mark.parametrize(
    ("value", "field"), [(1 << 16, "number"), (10**12, "area"), (16, "sources")]
)
def test_what_does_not_fit_is_not_packed(value, field):
    with pytest.raises(WireError):
        air.pack(replace(samples.bulletin(V1), **{field: value}))


def test_sizes():
    bulletin = samples.bulletin(V1, KARATAUN)
    assert len(air.pack(samples.approval(bulletin, V3))) == 88
    assert len(air.pack(samples.approval(bulletin, V3, KARATAUN))) == 94
    machines = [
        air.pack(certificate) for certificate in samples.CHAIN if certificate.KIND is Kind.CERT
    ]
    assert max(map(len, machines)) <= 200
    assert len(air.pack(samples.DISTRICT_CERT)) == 187 + len("Kab. Mamuju")
    longest = replace(samples.DISTRICT_CERT, name="x" * 24)
    assert len(air.pack(longest)) <= MAX_PACKET_BYTES
    full = samples.receipt(*[bulletin] * 16)
    assert len(air.pack(full)) <= MAX_PACKET_BYTES


def test_a_bulletin_of_140_characters_fits_200_bytes():
    """With dossier, signed by the author's own key or attested by a gateway, of unseen texts."""
    for post in (None, KARATAUN):
        model = samples.bulletin(V1, post)
        sizes = [len(air.pack(replace(model, text=text))) for text in texts(140)]
        assert len(sizes) == 500
        assert sum(size <= 200 for size in sizes) >= 0.99 * len(sizes)


def test_a_bulletin_of_280_characters_fits_a_packet():
    model = samples.bulletin(V1, KARATAUN)
    sizes = [len(air.pack(replace(model, text=text))) for text in texts(280)]
    assert sum(size <= MAX_PACKET_BYTES for size in sizes) >= 0.95 * len(sizes)
