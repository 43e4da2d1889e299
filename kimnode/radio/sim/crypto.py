"""The radio's cryptography, compatible with firmware 2.7: channel keys (AES-CTR) and PKI (CCM).

Channel encryption has no MAC: a wrong key yields noise, and only the protobuf parser notices.
"""

from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import xor

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256, Hash

DEFAULT_PSK = bytes.fromhex("d4f1bb3a20290759f0bcffabcf4e6901")  # public; PSK byte 1 stands for it
PKI_OVERHEAD_BYTES = 12  # 8 bytes tag + 4 bytes extra nonce
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class KeyPair:
    """X25519 keys of one radio, raw 32 bytes each; both empty on a radio without region."""

    private: bytes
    public: bytes


def make_keys(seed: bytes) -> KeyPair:
    """Keys that follow from `seed`: a village with the same seed has the same keys."""
    digest = Hash(SHA256())
    digest.update(b"kimnode simulated radio key\0" + seed)
    private = X25519PrivateKey.from_private_bytes(digest.finalize())
    return KeyPair(private.private_bytes_raw(), private.public_key().public_bytes_raw())


def expand_psk(psk: bytes) -> bytes:
    """The AES key a configured PSK stands for: b"" = no encryption, 1 byte = well-known key."""
    if len(psk) == 1:
        return (
            b"" if psk[0] == 0 else DEFAULT_PSK[:-1] + bytes([(DEFAULT_PSK[-1] + psk[0] - 1) % 256])
        )
    if len(psk) <= 16:
        return psk.ljust(16, b"\0") if psk else b""
    return psk.ljust(KEY_BYTES, b"\0")


def channel_hash(name: str, psk: bytes) -> int:
    """The one byte by which receivers guess the channel of a packet."""
    return reduce(xor, name.encode() + expand_psk(psk), 0)


def channel_crypt(psk: bytes, sender: int, packet_id: int, data: bytes) -> bytes:
    """Encrypt or decrypt (CTR is its own inverse) with a channel's key."""
    key = expand_psk(psk)
    if not key or not data:
        return data
    nonce = packet_id.to_bytes(8, "little") + sender.to_bytes(4, "little") + bytes(4)
    cipher = Cipher(algorithms.AES(key), modes.CTR(nonce)).encryptor()
    return cipher.update(data) + cipher.finalize()


@lru_cache(maxsize=1024)
def _shared_key(private: bytes, public: bytes) -> bytes:
    secret = X25519PrivateKey.from_private_bytes(private).exchange(
        X25519PublicKey.from_public_bytes(public)
    )
    digest = Hash(SHA256())
    digest.update(secret)
    return digest.finalize()


def _pki_nonce(sender: int, packet_id: int, extra: bytes) -> bytes:
    return packet_id.to_bytes(4, "little") + extra + sender.to_bytes(4, "little") + b"\0"


def pki_seal(
    private: bytes, public: bytes, sender: int, packet_id: int, extra: bytes, data: bytes
) -> bytes:
    """Ciphertext + 8 bytes tag + the 4 bytes `extra` nonce, for the holder of `public`."""
    box = AESCCM(_shared_key(private, public), tag_length=8)
    return box.encrypt(_pki_nonce(sender, packet_id, extra), data, None) + extra


def pki_open(
    private: bytes, public: bytes, sender: int, packet_id: int, data: bytes
) -> bytes | None:
    """The plaintext if the holder of `public` sealed it for us; None if not."""
    if len(data) <= PKI_OVERHEAD_BYTES or len(public) != KEY_BYTES or len(private) != KEY_BYTES:
        return None
    sealed, extra = data[:-4], data[-4:]
    try:
        box = AESCCM(_shared_key(private, public), tag_length=8)
        return box.decrypt(_pki_nonce(sender, packet_id, extra), sealed, None)
    except (InvalidTag, ValueError):
        return None
