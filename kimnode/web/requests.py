"""Requests that a volunteer's browser has signed. There is no cookie and no password to steal.

    signed   CBOR ["kimnode/request/v1", method, path, SHA-256(body), boot, second, nonce, gateway]
    sent     JSON {"key", "boot", "nonce", "sig": hex, "second": n, "body": the text that is hashed}

`boot` is a random number of this process and `second` counts its running time: so nothing that was
recorded before works after a restart, and no clock, ours or the phone's, can be wrong about it.
"""

import hashlib
import json
import os
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from kimnode.clock import Clock
from kimnode.errors import Reason, Refused
from kimnode.web.posting import LONE_SURROGATE
from kimnode.wire import signing

DOMAIN = "kimnode/request/v1"
BOOT_BYTES = 16
NONCE_BYTES = 16
FRESH_S = 120  # how long a signed request may be on its way
MAX_SEEN = 2048  # of the last 2 x FRESH_S; more is no person


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with a valid signature by `key`; whose key that is, is not looked at yet."""

    key: bytes
    body: Mapping[str, Any]
    nonce: bytes


class Requests:
    """Checks signed requests and remembers them for as long as they could be repeated."""

    def __init__(self, clock: Clock) -> None:
        self.boot = os.urandom(BOOT_BYTES)
        self._clock = clock
        self._began = clock.monotonic()
        self._seen: OrderedDict[bytes, int] = OrderedDict()  # nonce -> second

    @property
    def second(self) -> int:
        """Seconds that this process has run, as far as signatures are concerned."""
        return int(self._clock.monotonic() - self._began)

    def check(self, path: str, gateway: bytes, envelope: Mapping[str, Any]) -> Asked:
        """What was asked. Refused: BAD_REQUEST, OUTDATED (sign anew), BAD_SIGNATURE."""
        key, boot = octets(envelope, "key"), octets(envelope, "boot")
        nonce, signature = octets(envelope, "nonce"), octets(envelope, "sig")
        second, body = envelope.get("second"), envelope.get("body")
        if type(second) is not int or not isinstance(body, str) or len(nonce) != NONCE_BYTES:
            raise Refused(Reason.BAD_REQUEST, "a signed request that lacks something")
        if boot != self.boot or abs(second - self.second) > FRESH_S:
            raise Refused(Reason.OUTDATED, "signed for another time")
        hashed = hashlib.sha256(body.encode(errors="replace")).digest()
        fields = ["POST", path, hashed, boot, second, nonce, gateway]
        if not signing.verify(key, signature, signing.to_be_signed(DOMAIN, fields)):
            raise Refused(Reason.BAD_SIGNATURE, "the request is not signed by this key")
        return Asked(key, loaded(body), nonce)

    def remember(self, asked: Asked) -> None:
        """Once its key is known to be a volunteer's. Refused when it was obeyed before."""
        horizon = self.second - 2 * FRESH_S
        while self._seen and next(iter(self._seen.values())) < horizon:
            self._seen.popitem(last=False)
        if asked.nonce in self._seen:
            raise Refused(Reason.OUTDATED, "a repetition")
        if len(self._seen) >= MAX_SEEN:
            raise Refused(Reason.NODE_BUSY, retry_after_s=FRESH_S)
        self._seen[asked.nonce] = self.second


def loaded(text: str | bytes) -> Mapping[str, Any]:
    """A JSON object. Refused(BAD_REQUEST) for anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(Reason.BAD_REQUEST, "not JSON") from error
    if not isinstance(value, dict):
        raise Refused(Reason.BAD_REQUEST, "not a JSON object")
    return value


def octets(values: Mapping[str, Any], name: str) -> bytes:
    """Bytes that JSON holds as hexadecimal digits."""
    value = values.get(name)
    try:
        return bytes.fromhex(value) if isinstance(value, str) else _missing(name)
    except ValueError as error:
        raise Refused(Reason.BAD_REQUEST, f"{name} is not hexadecimal") from error


def text(values: Mapping[str, Any], name: str, most: int) -> str:
    """A text of at most so many characters."""
    value = values.get(name)
    if not isinstance(value, str) or len(value) > most or LONE_SURROGATE.search(value):
        raise Refused(Reason.BAD_REQUEST, f"{name} is no text, or too long")
    return value


def _missing(name: str) -> bytes:
    raise Refused(Reason.BAD_REQUEST, f"{name} is missing")


REQUESTS = web.AppKey("requests", Requests)
