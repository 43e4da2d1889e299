"""The operator's settings (kimnode.toml) and the bounds of everything a stranger can grow.

A wrong key or value is refused with file, key and what is allowed; nothing is guessed.
"""

import difflib
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from kimnode.errors import ConfigError

LANGUAGES = ("id", "en")
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

Check = Callable[[Any], bool]


def _key(default: Any, allowed: str, check: Check, help_text: str) -> Any:  # noqa: ANN401
    """A setting: its default, what is allowed (for the error), its check and its one-line help."""
    metadata = {"allowed": allowed, "check": check, "help": help_text}
    if isinstance(default, tuple):
        return field(default_factory=lambda: default, metadata=metadata)
    return field(default=default, metadata=metadata)


def _between(low: float, high: float) -> Check:
    return lambda value: low <= value <= high


def _is_radio(value: str) -> bool:
    host, _, port = value.removeprefix("tcp:").rpartition(":")
    tcp = value.startswith("tcp:") and bool(host) and port.isdecimal() and 0 < int(port) < 65536
    return tcp or value == "none" or value.startswith("serial:/")


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True


def _is_network(value: object) -> bool:
    """A number is an address for the library, and a network of everybody is no staff network."""
    try:
        return isinstance(value, str) and ip_network(value).prefixlen > 0
    except ValueError:
        return False


def _is_key(value: str) -> bool:
    return value == "" or (len(value) == 64 and all(c in "0123456789abcdef" for c in value))


@dataclass(frozen=True, slots=True)
class Config:
    """Every key of kimnode.toml, with the value that is used when the file does not name it."""

    name: str = _key(
        "Pos KIM",
        "1 to 30 visible characters in one line",
        lambda v: 1 <= len(v) <= 30 and v.isprintable() and v == v.strip(),
        "name of this post, as villagers and other radios see it",
    )
    language: str = _key(
        "id", " or ".join(LANGUAGES), lambda v: v in LANGUAGES, "language of the pages"
    )
    timezone: str = _key(
        "Asia/Makassar",
        "a time zone name such as Asia/Jakarta, Asia/Makassar, Asia/Jayapura",
        lambda v: v in available_timezones(),
        "time zone of the dates on the pages",
    )
    radio: str = _key(
        "none",
        '"serial:/dev/serial/by-id/...", "tcp:host:port" or "none"',
        _is_radio,
        "where the Meshtastic radio is",
    )
    radio_key: str = _key(
        "",
        "64 hexadecimal digits, or empty",
        _is_key,
        "public key of the only radio to be used; empty pins the first one that is seen",
    )
    radio_channel: int = _key(
        0, "0 to 7", _between(0, 7), "channel index of the radio that is the room Umum"
    )
    airtime_percent: float = _key(
        1.0,
        "0.1 to 100",
        _between(0.1, 100),
        "share of every rolling hour that this post may transmit",
    )
    listen: str = _key(
        "127.0.0.1", "an IP address", _is_address, "address that the web pages are served on"
    )
    port: int = _key(8080, "1 to 65535", _between(1, 65535), "TCP port of the web pages")
    hosts: tuple[str, ...] = _key(
        ("127.0.0.1", "localhost", "10.10.10.10", "kim", "kim.local"),
        "a list of host names in small letters, without http:// and port",
        lambda v: len(v) > 0 and all(isinstance(host, str) and HOST.fullmatch(host) for host in v),
        "names by which phones reach the pages; any other Host header is refused",
    )
    staff_networks: tuple[str, ...] = _key(
        ("127.0.0.0/8", "::1/128"),
        'a list of networks such as "192.168.77.0/24"; never the open hotspot',
        lambda v: all(_is_network(network) for network in v),
        "networks from which volunteers may sign on a page: cable, or a Wi-Fi with a password",
    )
    database: str = _key("kimnode.db", "a file path", bool, "file that keeps it all")
    gateway_key: str = _key(
        "keys/gateway.key",
        "a file path; one that does not begin with / counts from the database's folder",
        bool,
        "private key of this post; make it with: kimnode keys gateway key",
    )
    retention_days: int = _key(
        30, "1 to 3650", _between(1, 3650), "chat older than this is deleted"
    )
    retention_mb: int = _key(
        256, "16 to 100000", _between(16, 100_000), "beyond this size the oldest chat is deleted"
    )
    log_level: str = _key(
        "INFO", ", ".join(LOG_LEVELS), lambda v: v in LOG_LEVELS, "how much the log tells"
    )


def load(path: Path) -> Config:
    """The settings in a file; ConfigError when it cannot be read or obeyed."""
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read ({error.strerror}). "
            "Make one with: kimnode example-config > kimnode.toml"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text. Save it as UTF-8.") from error


def parse(text: str, source: str) -> Config:
    """The settings in TOML `text`; ConfigError names `source`, the key and what is allowed."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source}: not valid TOML: {error}") from error
    known = {setting.name: setting for setting in fields(Config)}
    checked: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"Known keys: {', '.join(known)}."
            raise ConfigError(f"{source}: unknown key {key!r}. {hint}")
        checked[key] = _checked(source, key, value, known[key].metadata, known[key].type)
    return Config(**checked)


def _checked(source: str, key: str, value: Any, metadata: Any, kind: Any) -> Any:  # noqa: ANN401
    if isinstance(value, list):
        value = tuple(value)
    if kind is float and type(value) is int:
        value = float(value)
    expected = tuple if kind not in (str, int, float) else kind
    if type(value) is not expected or not metadata["check"](value):
        raise ConfigError(f"{source}: {key} = {value!r} is not allowed. Use {metadata['allowed']}.")
    return value


def example() -> str:
    """A complete kimnode.toml with every key, its default and its help."""
    lines = []
    for setting in fields(Config):
        default = getattr(Config(), setting.name)
        shown = _toml(default)
        lines += [f"# {setting.metadata['help']} ({setting.metadata['allowed']})"]
        lines += [f"{setting.name} = {shown}", ""]
    return "\n".join(lines)


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
