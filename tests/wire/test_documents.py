"""What is signed: every field, in its own domain."""

from dataclasses import fields, replace
from enum import IntEnum

import pytest
from hypothesis import given, settings

from kimnode.record import Kind
from kimnode.wire import signing
from kimnode.wire.documents import (
    VOTE_DOMAINS,
    Bulletin,
    Certificate,
    Dossier,
    Receipt,
    Revocation,
    Root,
    TimeAnchor,
    is_signed_by,
    signed_by,
)
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import KARATAUN, V1, V3
from tests.vectors import make
from tests.wire import documents

UNSIGNED = ("signature", "marks", "kind")  # the kind is the domain
SAMPLES = dict(make.documents())


def other(value):
    """Another value of the same type."""
    if isinstance(value, IntEnum):
        return next(one for one in type(value) if one is not value)
    if isinstance(value, tuple):
        return value[1:] if value else ((b"\0" * 6, 1),)
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:] if value else bytes(16)
    return value + "x" if isinstance(value, str) else type(value)(value ^ 1)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_field_is_signed(name):
    document = SAMPLES[name]
    for field in fields(document):
        value = getattr(document, field.name)
        if field.name in UNSIGNED:
            continue
        if field.name == "stamp":
            for inner in fields(value):
                changed = replace(value, **{inner.name: other(getattr(value, inner.name))})
                assert replace(document, stamp=changed).id != document.id, inner.name
        else:
            changed = other(value)
            assert replace(document, **{field.name: changed}).id != document.id, field.name


def test_signatures_and_marks_are_not_part_of_the_id():
    bulletin = samples.bulletin(V1)
    assert replace(bulletin, signature=bytes(64)).id == bulletin.id
    assert replace(samples.ROOT, marks=()).id == samples.ROOT.id


def test_every_kind_has_its_own_domain():
    domains = [cls.DOMAIN for cls in (Bulletin, Certificate, Root, Revocation, TimeAnchor)]
    domains += [Receipt.DOMAIN, Dossier.DOMAIN, *VOTE_DOMAINS.values()]
    assert len(set(domains)) == len(domains)
    assert all(domain.startswith("kimnode/") for domain in domains)


@settings(deadline=None, max_examples=50)
@given(documents.votes)
def test_an_approval_is_no_rejection_and_no_suspension(vote):
    kinds = [replace(vote, kind=kind) for kind in VOTE_DOMAINS]
    assert len({one.signed() for one in kinds}) == len(kinds)
    signed = signed_by(replace(vote, kind=Kind.APPROVAL), V1.seed)
    assert is_signed_by(signed, V1.key)
    assert not is_signed_by(replace(signed, kind=Kind.REJECTION), V1.key)
    assert not is_signed_by(signed, V3.key)


@pytest.mark.parametrize(
    ("key", "signature"), [(b"", bytes(64)), (bytes(32), b""), (bytes(31), b"x")]
)
def test_no_bytes_make_verify_raise(key, signature):
    assert not signing.verify(key, signature, b"x")


def test_a_dossier_is_named_by_its_hash():
    bulletin = samples.bulletin(V1, KARATAUN)
    assert bulletin.dossier == samples.DOSSIER.hash == samples.DOSSIER.id[:16]
    assert samples.DOSSIER.primary == 1
