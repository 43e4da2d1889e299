"""The text form in which documents and keys travel by USB, paper and QR.

    KIMNODE1:GEZDGNBVGY3TQOJQ...   base32 of the bytes and of the first 4 bytes of their SHA-256

One form for all roads: capital letters and 2-7 only, so a QR stays small, a line can be typed, and
spaces, line ends and small letters do no harm. Lines that begin with # are for people and ignored.
"""

import base64
import hashlib
import re
from enum import StrEnum

from kimnode.errors import WireError

CHECK_BYTES = 4
LINE_CHARS = 64


class Label(StrEnum):
    """What the letters after the colon are."""

    DOCUMENT = "KIMNODE1"  # wire/sealed.py
    PUBLIC = "KIMKEY1"  # a public key and who asks for its certificate (cards.py)
    SECRET = "KIMSECRET1"  # noqa: S105 - a label, not a secret (keyfile.py)


BEGIN = re.compile(f"({'|'.join(Label)}):")


def encode(label: Label, data: bytes) -> str:
    """One line, as a QR carries it."""
    check = hashlib.sha256(data).digest()[:CHECK_BYTES]
    return f"{label}:{base64.b32encode(data + check).decode().rstrip('=')}"


def paragraph(text: str) -> str:
    """The same in lines that fit paper and screen, with a line end."""
    lines = [text[at : at + LINE_CHARS] for at in range(0, len(text), LINE_CHARS)]
    return "\n".join(lines) + "\n"


def decode(text: str) -> list[tuple[Label, bytes]]:
    """Everything in `text`, in order. WireError when a part was mistyped or is something else."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    before, *parts = BEGIN.split("".join("".join(lines).split()).upper())
    if before or not parts:
        raise WireError("it does not begin with KIMNODE1:, KIMKEY1: or KIMSECRET1:")
    return [
        (Label(label), _bytes(letters))
        for label, letters in zip(parts[::2], parts[1::2], strict=True)
    ]


def _bytes(letters: str) -> bytes:
    try:
        data = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except ValueError:
        raise WireError("it holds signs other than A-Z and 2-7, or its end is missing") from None
    data, check = data[:-CHECK_BYTES], data[-CHECK_BYTES:]
    if hashlib.sha256(data).digest()[:CHECK_BYTES] != check or len(check) != CHECK_BYTES:
        raise WireError("a letter is wrong or missing (the check at its end does not fit)")
    return data
