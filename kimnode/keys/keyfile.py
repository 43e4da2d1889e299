"""Private keys on disk (KIMSECRET1, the file *.key): mode 600, in a folder of mode 700.

A key of an office is closed with a passphrase; the key of a gateway is not, because it must start
unattended after a power cut. No error and no log line ever holds a byte of a private key.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from kimnode.errors import ConfigError, WireError
from kimnode.keys import armour, cards, files
from kimnode.keys.armour import Label
from kimnode.keys.cards import Card, Purpose
from kimnode.wire import signing

SEED_BYTES, SALT_BYTES, NONCE_BYTES = 32, 16, 12
SCRYPT_N, SCRYPT_R, SCRYPT_P = 1 << 15, 8, 1  # 32 MiB and about 0.1 s on a laptop for each try
MIN_PASSPHRASE_CHARS = 12
WARNING = "# PRIVATE KEY. Whoever has this file can sign in its place. Never send it to anybody.\n"
CARD_NOTE = "# A public key: give this file to whoever certifies it.\n"

Ask = Callable[[str], str]  # a question -> the passphrase; never shown, never an argument


@dataclass(frozen=True, slots=True, repr=False)
class PrivateKey:
    """An Ed25519 key and what it is for. `demo`: it belongs to a demonstration."""

    purpose: Purpose
    demo: bool
    name: str
    seed: bytes

    @property
    def public(self) -> bytes:
        return signing.public_key(self.seed)

    @property
    def card(self) -> Card:
        return Card(self.purpose, self.demo, self.name, self.public)

    def __repr__(self) -> str:
        return f"PrivateKey({self.purpose}, {signing.key_id(self.public).hex()})"


def generate(purpose: Purpose, name: str, *, demo: bool = False) -> PrivateKey:
    """A new key from the system's randomness."""
    return PrivateKey(purpose, demo, name, secrets.token_bytes(SEED_BYTES))


def save(path: Path, key: PrivateKey, passphrase: str = "") -> Path:
    """Write the private key to `path` and its card beside it (*.pub); the path of the card.

    ConfigError when one of the two is there already, or the folder is open to others.
    """
    public = card_path(path)
    if public.exists():
        raise ConfigError(f"{public} is there already. Choose another --out.")
    salt = secrets.token_bytes(SALT_BYTES) if passphrase else b""
    closed = _Closed(key.purpose, key.demo, key.name, key.public, salt, b"")
    box = _close(closed, key.seed, passphrase) if passphrase else key.seed
    data = cbor2.dumps([*closed.head(), box], canonical=True)
    text = WARNING + armour.paragraph(armour.encode(Label.SECRET, data))
    files.write_private(path, text.encode("ascii"))
    card = armour.encode(Label.PUBLIC, cards.encode(key.card, key.seed))
    files.write_new(public, CARD_NOTE + armour.paragraph(card))
    return public


def card_path(path: Path) -> Path:
    """Where the public half of the key at `path` is kept."""
    return path.with_suffix(".pub")


def text_of(path: Path) -> str:
    """The key's file as one line for paper or a QR: still closed when it has a passphrase."""
    return armour.encode(Label.SECRET, _read(path))


def peek(path: Path) -> tuple[Card, bool]:
    """What the file says without being opened, and whether it has a passphrase."""
    closed = _closed(path, _read(path))
    return Card(closed.purpose, closed.demo, closed.name, closed.public), bool(closed.salt)


def load(path: Path, ask: Ask | None = None) -> PrivateKey:
    """The private key in a file; asks for its passphrase when it has one.

    ConfigError for a file that others can read, is damaged or is no private key, for a wrong
    passphrase, and for a closed key when nobody can be asked.
    """
    closed = _closed(path, _read(path))
    seed = closed.box
    if closed.salt:
        if ask is None:
            raise ConfigError(
                f"{path} is closed with a passphrase, and nobody can be asked here. "
                "A gateway needs a key without: kimnode keys gateway key"
            )
        seed = _open(path, closed, ask(f"Passphrase of {path}: "))
    key = PrivateKey(closed.purpose, closed.demo, closed.name, seed)
    if len(seed) != SEED_BYTES or key.public != closed.public:
        raise ConfigError(f"{path} is damaged: its two halves do not fit. Use the copy of it.")
    return key


def next_number(path: Path) -> tuple[int, int]:
    """(epoch, sequence number) for the next document that the key at `path` signs by itself.

    It is on the disk, beside the key, before it is given out: no number is ever used twice.
    """
    count = path.with_suffix(".count")
    epoch, used = _numbers(count, 2) or (secrets.randbelow(256), 0)
    files.replace_private(count, f"{epoch} {used + 1}\n")
    return epoch, used + 1


def last_list(path: Path) -> int:
    """Number of the newest revocation list that the key at `path` has signed here; 0: none."""
    (number,) = _numbers(path.with_suffix(".list"), 1) or (0,)
    return number


def note_list(path: Path, number: int) -> None:
    """Remember it beside the key, so that nobody begins again from an older list."""
    files.replace_private(path.with_suffix(".list"), f"{number}\n")


@dataclass(frozen=True, slots=True, repr=False)
class _Closed:
    """The file's fields. `box`: the seed; with a salt, nonce and the seed under a passphrase."""

    purpose: Purpose
    demo: bool
    name: str
    public: bytes
    salt: bytes
    box: bytes

    def head(self) -> list[object]:
        """All that is not secret; the box cannot be opened when any of it was changed."""
        return [self.purpose.value, self.demo, self.name, self.public, self.salt]


def _read(path: Path) -> bytes:
    try:
        found = armour.decode(files.read_private(path))
    except WireError as error:
        raise ConfigError(f"{path} cannot be understood: {error}.") from error
    if len(found) != 1 or found[0][0] is not Label.SECRET:
        raise ConfigError(f"{path} is no private key. Name the file *.key.")
    return found[0][1]


def _closed(path: Path, data: bytes) -> _Closed:
    try:
        purpose, demo, name, public, salt, box = cbor2.loads(data)
        return _Closed(Purpose(purpose), bool(demo), name, bytes(public), bytes(salt), bytes(box))
    except Exception:  # noqa: BLE001 - many kinds; none may be chained: it could hold the bytes
        raise ConfigError(f"{path} is no private key of this kimnode.") from None


def _numbers(path: Path, count: int) -> tuple[int, ...]:
    """The numbers in a file beside a key; () when there is no file."""
    if not path.exists():
        return ()
    words = files.read_private(path).split()
    if len(words) != count or not all(word.isdecimal() for word in words):
        raise ConfigError(f"{path} is damaged. Delete it, and it begins anew.")
    return tuple(int(word) for word in words)


def _cipher(passphrase: str, salt: bytes) -> ChaCha20Poly1305:
    kdf = Scrypt(salt=salt, length=SEED_BYTES, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P)
    return ChaCha20Poly1305(kdf.derive(passphrase.encode()))


def _close(closed: _Closed, seed: bytes, passphrase: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    aad = cbor2.dumps(closed.head(), canonical=True)
    return nonce + _cipher(passphrase, closed.salt).encrypt(nonce, seed, aad)


def _open(path: Path, closed: _Closed, passphrase: str) -> bytes:
    nonce, box = closed.box[:NONCE_BYTES], closed.box[NONCE_BYTES:]
    aad = cbor2.dumps(closed.head(), canonical=True)
    try:
        return _cipher(passphrase, closed.salt).decrypt(nonce, box, aad)
    except (InvalidTag, ValueError):
        raise ConfigError(f"The passphrase of {path} is wrong. Try again.") from None
