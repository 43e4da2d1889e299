"""The kept form: one encoding for each document, everything else a WireError."""

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimnode.errors import WireError
from kimnode.wire import sealed
from tests.vectors import make
from tests.wire import documents

KEPT = {name: sealed.encode(document) for name, document in make.documents()}


@settings(deadline=None, max_examples=300)
@given(documents.kept)
def test_what_is_encoded_is_decoded(document):
    data = sealed.encode(document)
    assert len(data) <= sealed.MAX_DOCUMENT_BYTES
    assert sealed.decode(data) == document


@settings(deadline=None, max_examples=500)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_document_or_a_wire_error(data):
    try:
        found = sealed.decode(data)
    except WireError:
        return
    assert sealed.encode(found) == data


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.binary(max_size=70) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=8),
    max_leaves=40,
)


@settings(deadline=None, max_examples=500)
@given(st.sampled_from(sorted(KEPT)), st.integers(0, 30), VALUES)
def test_any_value_in_a_field_is_taken_or_a_wire_error(name, place, value):
    kind, fields, proof = cbor2.loads(KEPT[name])
    if place == 30:
        proof = value
    else:
        fields[place % len(fields)] = value
    try:
        data = cbor2.dumps([kind, fields, proof], canonical=True)
    except UnicodeEncodeError:
        return
    try:
        found = sealed.decode(data)
    except WireError:
        return
    assert sealed.encode(found) == data


@pytest.mark.parametrize("name", KEPT)
def test_another_form_of_the_same_values_is_refused(name):
    kind, fields, proof = cbor2.loads(KEPT[name])
    longer = b"\x98\x03" + KEPT[name][1:]  # the list's length in two bytes
    floating = cbor2.dumps([float(kind), fields, proof])
    for data in (longer, floating, KEPT[name] + b"\0", cbor2.dumps([kind, fields, proof, None])):
        with pytest.raises(WireError):
            sealed.decode(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x83",
        cbor2.dumps([1, [], b""]),
        cbor2.dumps([[], [], b""]),
        cbor2.dumps({}),
        b"\xd8\x1c\x81\xd8\x1d\x00",  # a list that holds itself
        b"\x81" * 5000,  # lists in lists
        b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",  # a list of 2^64 - 1
        b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",  # bytes of 2^63 - 1
        bytes(sealed.MAX_DOCUMENT_BYTES + 1),
    ],
)
def test_bytes_that_want_to_hurt_are_a_wire_error(data):
    with pytest.raises(WireError):
        sealed.decode(data)
