"""Which phone asks. A random token in a cookie is the whole identity; the name is free to choose.

The node stores only a hash of the token, so who steals the database cannot speak as anybody.
"""

import base64
import binascii
import hashlib
import ipaddress
import secrets
from dataclasses import dataclass

from aiohttp import web

from kimnode.errors import Reason, Refused
from kimnode.rules.limits import Rate
from kimnode.rules.names import clean_name
from kimnode.store import people
from kimnode.store.people import Device
from kimnode.web.shown import mark, tag_of
from kimnode.web.site import SITE, Site

COOKIE = "kim"
TOKEN_BYTES = 16
COOKIE_AGE_S = 180 * 86_400
DEVICE_ID_BYTES = 8
NAMES = Rate(burst=300, every_s=2)  # of one address: a school behind one repeater fits


@dataclass(frozen=True, slots=True)
class Phone:
    """`token` is secret; `id` is the first 8 bytes of its SHA-256. `address` is for limits only,
    and empty for this machine itself (a proxy on it speaks for everybody)."""

    token: str
    id: bytes
    address: str

    @property
    def author(self) -> str:
        return Device(self.id, "").author

    @property
    def mark(self) -> str:
        return mark(self.author)

    @property
    def tag(self) -> str:
        return tag_of(self.author)


PHONE = web.RequestKey("phone", Phone)


def recognise(request: web.Request) -> Phone:
    """The phone of this request; one without a readable cookie is a new phone."""
    if PHONE in request:
        return request[PHONE]
    raw = _raw_token(request.cookies.get(COOKIE, ""))
    if raw is None:
        raw = secrets.token_bytes(TOKEN_BYTES)
    token = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    phone = Phone(token, hashlib.sha256(raw).digest()[:DEVICE_ID_BYTES], _far(request.remote or ""))
    request[PHONE] = phone
    return phone


def remember(request: web.Request, response: web.StreamResponse) -> None:
    """Give the phone its token (again: the age starts anew), if the page asked who it is.

    As a header: when this is called, aiohttp has already written down the response's cookies.
    """
    if PHONE in request:
        token = request[PHONE].token
        cookie = f"{COOKIE}={token}; Max-Age={COOKIE_AGE_S}; Path=/; HttpOnly; SameSite=Lax"
        response.headers.add("Set-Cookie", cookie)


async def nick_of(site: Site, phone: Phone) -> str:
    """The name that this phone chose; "" before it did."""
    known = await site.db.read(lambda c: people.device(c, phone.id))
    return known.nick if known else ""


async def take_nick(site: Site, phone: Phone, wanted: str) -> str:
    """The phone's name, changed first if it wants another. Refused(BAD_NAME) when it has none."""
    known = await nick_of(site, phone)
    if not wanted.strip():
        if not known:
            raise Refused(Reason.BAD_NAME, "no name yet")
        return known
    nick = clean_name(wanted)
    if nick != known:
        check_address(site, phone, NAMES)
        now = int(site.clock.now())
        await site.db.write(
            lambda c: people.save_device(c, Device(phone.id, nick), now), quiet=True
        )
    return nick


def check_address(site: Site, phone: Phone, rate: Rate) -> None:
    """Refused(TOO_FAST) when the phone's address does this too often, under whatever tokens."""
    if phone.address:
        site.addresses.check_address(phone.address, rate, site.clock.monotonic())


def _far(address: str) -> str:
    try:
        return "" if ipaddress.ip_address(address).is_loopback else address
    except ValueError:  # a unix socket has none
        return ""


def _raw_token(cookie: str) -> bytes | None:
    try:
        raw = base64.b64decode(cookie.encode() + b"==", altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        return None
    return raw if len(raw) == TOKEN_BYTES else None


def of(request: web.Request) -> tuple[Site, Phone]:
    """What nearly every page starts with."""
    return request.app[SITE], recognise(request)
