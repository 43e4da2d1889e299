"""Ed25519 as we allow it: RFC 8032, and no key for which anybody can sign."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from kimnode.wire import signing
from kimnode.wire.signing import FIELD, WEAK, is_weak, key_id, sign, to_be_signed, verify

SEED = bytes(range(32))
KEY = signing.public_key(SEED)
IDENTITY = (1).to_bytes(32, "little")


def forms(y: int) -> list[bytes]:
    """Every 32 bytes that stand for this y: with either sign, and not reduced where that fits."""
    found = [y, y + FIELD] if y + FIELD < 1 << 255 else [y]
    return [(value | sign << 255).to_bytes(32, "little") for value in found for sign in (0, 1)]


@pytest.mark.parametrize("key", [form for y in sorted(WEAK) for form in forms(y)])
def test_a_key_of_small_order_verifies_nothing(key: bytes):
    assert is_weak(key)
    for signature in (IDENTITY + bytes(32), key + bytes(32), sign(SEED, b"x")):
        for n in range(32):  # a forger tries texts until one fits: one in eight does
            assert not verify(key, signature, b"text %d" % n)


def test_the_library_alone_would_believe_one():
    """The reason for the rule: without it this would be a signature on any text."""
    Ed25519PublicKey.from_public_bytes(IDENTITY).verify(IDENTITY + bytes(32), b"anything")


def test_a_signature_is_of_one_key_text_and_domain():
    signed = to_be_signed("kimnode/test/v1", [1, "a"])
    signature = sign(SEED, signed)
    assert verify(KEY, signature, signed)
    assert not verify(KEY, signature, to_be_signed("kimnode/test/v2", [1, "a"]))
    assert not verify(signing.public_key(bytes(32)), signature, signed)


@given(st.binary(max_size=40), st.binary(max_size=70), st.binary(max_size=40))
def test_any_bytes_are_no_signature(key: bytes, signature: bytes, signed: bytes):
    assert not verify(key, signature, signed)


@given(st.binary(min_size=32, max_size=32))
def test_honest_keys_are_not_weak(seed: bytes):
    assert not is_weak(signing.public_key(seed))


def test_a_key_id_is_six_bytes_of_a_hash():
    """RFC 8032 test key 1; the figure is computed with another tool (printf | sha256sum)."""
    key = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert key_id(key).hex() == "09f9d2c62358"
