"""QR codes of documents, public keys and invitations, on the screen or in a file.

Capital letters and digits only (armour.py) make them a third smaller than any other text form.
"""

import io
from pathlib import Path

import segno

from kimnode.errors import ConfigError

SCREEN_COLUMNS = 80
BORDER = 2
PICTURE_SCALE = 6
PICTURES = (".svg", ".png")


def on_screen(text: str) -> str:
    """The code in half blocks, for a terminal of 80 columns. ConfigError when it does not fit."""
    code = _code(text)
    if code.symbol_size(border=BORDER)[0] > SCREEN_COLUMNS:
        raise ConfigError(
            "This is too long for a QR code on the screen. Make a picture of it: --out code.svg"
        )
    drawn = io.StringIO()
    code.terminal(drawn, border=BORDER, compact=True)
    return drawn.getvalue()


def picture(text: str, path: Path) -> bytes:
    """The code as a picture of the kind that the file's name says."""
    if path.suffix not in PICTURES:
        raise ConfigError(f"{path}: a picture's name ends in {' or '.join(PICTURES)}.")
    drawn = io.BytesIO()
    _code(text).save(drawn, kind=path.suffix[1:], scale=PICTURE_SCALE)
    return drawn.getvalue()


def _code(text: str) -> segno.QRCode:
    try:
        return segno.make_qr(text, error="l", boost_error=True)
    except segno.DataOverflowError as error:
        raise ConfigError(
            "This is too long for a QR code. Carry the file itself on a USB stick."
        ) from error
