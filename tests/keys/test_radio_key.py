"""Public keys of radios, as the apps show them."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meshtastic.protobuf import admin_pb2

from kimnode.errors import ConfigError
from kimnode.keys.radio_key import parse_key

KEY = bytes(range(1, 33))


def contact(key: bytes) -> str:
    message = admin_pb2.SharedContact(node_num=0x10000020, should_ignore=False)
    message.user.id, message.user.long_name, message.user.hw_model = "!10000020", "Budi", 43
    message.user.public_key = key
    packed = base64.urlsafe_b64encode(message.SerializeToString()).decode().rstrip("=")
    return f"https://meshtastic.org/v/#{packed}"


@pytest.mark.parametrize(
    "text",
    [KEY.hex(), KEY.hex().upper(), base64.b64encode(KEY).decode(), f" {KEY.hex()}\n", contact(KEY)],
)
def test_every_form(text):
    assert parse_key(text) == KEY


@pytest.mark.parametrize(
    "text",
    [
        *("", "Budi", KEY.hex()[:-2], bytes(32).hex(), base64.b64encode(KEY[:-1]).decode()),
        *("https://meshtastic.org/v/#", "https://meshtastic.org/v/#____", contact(b"")),
        contact(KEY).replace("meshtastic.org", "example.org"),
    ],
)
def test_no_key(text):
    with pytest.raises(ConfigError, match="is no public key"):
        parse_key(text)


@given(st.binary(max_size=120))
def test_a_strange_link_is_refused_or_read(data):
    link = "https://meshtastic.org/v/#" + base64.urlsafe_b64encode(data).decode().rstrip("=")
    try:
        assert len(parse_key(link)) == 32
    except ConfigError:
        return
