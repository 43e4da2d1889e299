"""The public key of a Meshtastic radio, as its apps show it: base64, hexadecimal, or the link of
"share contact". The radio's own signature is nowhere in these: compare the key with its holder.
"""

import base64
import binascii
import re

from kimnode.errors import ConfigError, WireError
from kimnode.wire.octets import Octets
from kimnode.wire.signing import KEY_BYTES

CONTACT = re.compile(r"https://meshtastic\.org/[vV]/#([A-Za-z0-9_-]+)=*")
HEX = re.compile(r"[0-9a-fA-F]{64}")
CONTACT_USER, USER_KEY = 2, 8  # field numbers in SharedContact and User
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def parse_key(text: str) -> bytes:
    """32 bytes. ConfigError says which forms there are."""
    text = text.strip()
    try:
        if contact := CONTACT.fullmatch(text):
            data = base64.urlsafe_b64decode(contact[1] + "=" * (-len(contact[1]) % 4))
            key = _field(_field(data, CONTACT_USER), USER_KEY)
        elif HEX.fullmatch(text):
            key = bytes.fromhex(text)
        else:
            key = base64.b64decode(text, validate=True)
    except (WireError, binascii.Error):
        key = b""
    if len(key) != KEY_BYTES or not any(key):
        raise ConfigError(
            f"{text!r:.60} is no public key. Give 64 hexadecimal digits, the base64 text that the "
            "Meshtastic app shows, or the link https://meshtastic.org/v/#... of a shared contact."
        )
    return key


def _field(message: bytes, wanted: int) -> bytes:
    """The bytes of one field of a protobuf message; b"" when it is not in it."""
    octets, found = Octets(message), b""
    while octets.left():
        number, kind = divmod(_varint(octets), 8)
        if kind == BYTES:
            value = octets.take(_varint(octets))
            found = value if number == wanted else found
        elif kind == VARINT:
            _varint(octets)
        elif kind in {FIXED64, FIXED32}:
            octets.take(8 if kind == FIXED64 else 4)
        else:
            raise WireError("no protobuf message")
    return found


def _varint(octets: Octets) -> int:
    value, shift = 0, 0
    while shift < 64:
        byte = octets.uint(1)
        value |= (byte & 127) << shift
        if byte < 128:
            return value
        shift += 7
    raise WireError("a number without an end")
