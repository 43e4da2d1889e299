"""Ed25519 over named documents (SPEC.md section 4). Nothing is ever signed without its domain.

A key id (6 bytes) is a hint for finding a key, never an identity: two keys can share one. What is
signed always holds the whole keys.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_BYTES = 32
KEY_ID_BYTES = 6
SIGNATURE_BYTES = 64
KEY_ID_DOMAIN = b"kimnode-key"
VERIFIED_KEPT = 2048  # about 1.5 MB
# A key on a point of order 1, 2, 4 or 8 "verifies" signatures that nobody made, and the library
# lets it (y coordinates as in libsodium, ed25519_ref10.c, ge25519_has_small_order).
FIELD = 2**255 - 19
ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
WEAK = frozenset({0, 1, FIELD - 1, ORDER_8, FIELD - ORDER_8})


def key_id(public_key: bytes) -> bytes:
    """First 6 bytes of SHA-256("kimnode-key" | public key): how packets name a key."""
    return hashlib.sha256(KEY_ID_DOMAIN + public_key).digest()[:KEY_ID_BYTES]


def to_be_signed(domain: str, fields: Sequence[object]) -> bytes:
    """Deterministic CBOR (RFC 8949 section 4.2) of [domain, field, ...]."""
    return cbor2.dumps([domain, *fields], canonical=True)


def document_id(signed: bytes) -> bytes:
    """32 bytes: SHA-256 of what is signed, so without the signatures."""
    return hashlib.sha256(signed).digest()


def sign(private_key: bytes, signed: bytes) -> bytes:
    """64 bytes by the Ed25519 key with this 32-byte seed (RFC 8032)."""
    return Ed25519PrivateKey.from_private_bytes(private_key).sign(signed)


def public_key(private_key: bytes) -> bytes:
    """The 32 bytes that belong to this 32-byte seed."""
    return Ed25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()


def is_weak(public_key: bytes) -> bool:
    """Whether anybody can make signatures that this key verifies, or it is no point's one form."""
    y = int.from_bytes(public_key, "little") & (1 << 255) - 1
    return y >= FIELD or y in WEAK


@lru_cache(maxsize=VERIFIED_KEPT)
def verify(public_key: bytes, signature: bytes, signed: bytes) -> bool:
    """Whether this key made this signature. Any bytes may be given; nothing is raised.

    The answers are remembered: a board of sixty bulletins is some five hundred signatures, asked
    for again with every page that is read.
    """
    if len(public_key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES or is_weak(public_key):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True
