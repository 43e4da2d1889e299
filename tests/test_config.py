"""kimnode.toml: every wrong key and value is refused in words that say what to do."""

from dataclasses import fields

import pytest

from kimnode.config import Config, example, parse
from kimnode.errors import ConfigError


def test_an_empty_file_is_the_defaults():
    assert parse("", "kimnode.toml") == Config()


def test_the_example_holds_every_key_at_its_default():
    text = example()
    assert parse(text, "example") == Config()
    assert [f.name for f in fields(Config) if f"\n{f.name} = " not in f"\n{text}"] == []


def test_values_are_taken():
    config = parse('radio = "tcp:127.0.0.1:4403"\nairtime_percent = 5\nhosts = ["kim"]', "f")
    assert (config.radio, config.airtime_percent, config.hosts) == (
        "tcp:127.0.0.1:4403",
        5.0,
        ("kim",),
    )


def test_staff_networks():
    config = parse('staff_networks = ["192.168.77.0/24", "fd00::/8"]', "f")
    assert config.staff_networks == ("192.168.77.0/24", "fd00::/8")
    assert parse("staff_networks = []", "f").staff_networks == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('raido = "none"', r"f\.toml: unknown key 'raido'\. Did you mean 'radio'\?"),
        ("zzz = 1", "unknown key 'zzz'. Known keys: name, language"),
        ('radio = "usb"', "radio = 'usb' is not allowed. Use \"serial:"),
        ("port = 0", "port = 0 is not allowed. Use 1 to 65535"),
        ('port = "8080"', "port = '8080' is not allowed"),
        ("port = true", "port = True is not allowed"),
        ("airtime_percent = 0", "airtime_percent = 0.0 is not allowed. Use 0.1 to 100"),
        ('language = "xx"', "Use id or en"),
        ('timezone = "Mars"', "Use a time zone name such as Asia/Jakarta"),
        ("hosts = []", "a list of host names"),
        ("hosts = [1]", "a list of host names"),
        ('hosts = ["KIM.Local"]', "in small letters"),
        ('hosts = ["http://kim"]', "without http://"),
        ('name = "  "', "visible characters"),
        ('name = "a\\nb"', "visible characters"),
        ('listen = "banana"', "an IP address"),
        ('radio_key = "zz"', "64 hexadecimal digits"),
        ("staff_networks = [7]", "a list of networks such as"),
        ('staff_networks = ["kim"]', "a list of networks such as"),
        ('staff_networks = ["10.10.10.1/24"]', "a list of networks such as"),
        ('staff_networks = ["0.0.0.0/0"]', "never the open hotspot"),
        ('gateway_key = ""', "a file path"),
        ("name = \nport = 1", r"f\.toml: not valid TOML: .*line 1"),
    ],
)
def test_a_mistake_is_named_with_the_file_the_key_and_what_is_allowed(text, words):
    with pytest.raises(ConfigError, match=words):
        parse(text, "f.toml")
