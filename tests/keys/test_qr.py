"""QR codes fit the screen or say what to do; pictures are what their name says."""

from pathlib import Path

import pytest

from kimnode.errors import ConfigError
from kimnode.keys import armour, qr
from kimnode.keys.armour import Label


def test_a_certificate_fits_the_screen():
    drawn = qr.on_screen(armour.encode(Label.DOCUMENT, bytes(250)))
    assert max(map(len, drawn.splitlines())) <= qr.SCREEN_COLUMNS
    assert set(drawn) <= set("█▀▄ \n")


def test_what_does_not_fit_is_said_with_the_next_step():
    with pytest.raises(ConfigError, match=r"--out code\.svg"):
        qr.on_screen(armour.encode(Label.DOCUMENT, bytes(1500)))
    with pytest.raises(ConfigError, match="USB stick"):
        qr.picture(armour.encode(Label.DOCUMENT, bytes(4000)), Path("code.svg"))
    with pytest.raises(ConfigError, match=r"\.svg or \.png"):
        qr.picture("KIM", Path("code.jpg"))


@pytest.mark.parametrize(("name", "begins"), [("x.svg", b"<?xml"), ("x.png", b"\x89PNG\r\n")])
def test_pictures(name, begins):
    assert qr.picture(armour.encode(Label.DOCUMENT, bytes(1500)), Path(name)).startswith(begins)
