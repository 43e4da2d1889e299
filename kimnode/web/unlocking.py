"""A volunteer's browser makes a key (once, with an invitation) and unlocks it (often, with a PIN).

The node gives its share of the wrapping key and counts the tries; it learns neither PIN nor key.
    share = HMAC-SHA256(32 secret bytes of this volunteer, unlock token)
"""

import hashlib
import hmac
import os
import sqlite3
from functools import partial

from aiohttp import web

from kimnode.errors import Reason, Refused
from kimnode.rules.limits import Rate
from kimnode.store import enrolment, staff
from kimnode.store.trust import here
from kimnode.web.identity import check_address, of
from kimnode.web.requests import octets, text
from kimnode.web.staff_api import answered, read_json, staff_only
from kimnode.wire import signing

ENROL_DOMAIN = "kimnode/enrol/v1"
SECRET_BYTES = 32
TOKEN_BYTES = 32
MAX_CODE_CHARS = 64
UNLOCKS = Rate(burst=10, every_s=10)  # of one address, whatever keys it names


@staff_only
async def enrol(request: web.Request) -> web.Response:
    """POST /api/staf/daftar {code, key, u, sig}: the key's owner proves to have its other half."""
    site, phone = of(request)
    check_address(site, phone, UNLOCKS)
    asked = await read_json(request)
    code, key, token = text(asked, "code", MAX_CODE_CHARS), octets(asked, "key"), _token(asked)
    gateway = await site.db.read(here) or b""
    proof = signing.to_be_signed(ENROL_DOMAIN, [gateway, code, key])
    if not signing.verify(key, octets(asked, "sig"), proof):
        raise Refused(Reason.BAD_SIGNATURE, "no proof that the key is theirs")
    secret, now = os.urandom(SECRET_BYTES), int(site.clock.now())

    def take(connection: sqlite3.Connection) -> str:
        name = enrolment.enrol(connection, code, key, now).name
        staff.give_share(connection, key, secret)
        return name

    name = await site.db.write(take, quiet=True)
    return answered(request, {"share": _share(secret, token), "name": name})


@staff_only
async def share(request: web.Request) -> web.Response:
    """POST /api/staf/bagian {key, u}: the share for this token, right or wrong."""
    site, phone = of(request)
    check_address(site, phone, UNLOCKS)
    asked = await read_json(request)
    key, token = octets(asked, "key"), _token(asked)
    now = int(site.clock.now())
    secret = await site.db.write(partial(staff.try_share, public_key=key, now=now), quiet=True)
    return answered(request, {"share": _share(secret, token)})


def _token(asked: object) -> bytes:
    token = octets(asked, "u") if isinstance(asked, dict) else b""
    if len(token) != TOKEN_BYTES:
        raise Refused(Reason.BAD_REQUEST, "u is no unlock token")
    return token


def _share(secret: bytes, token: bytes) -> str:
    return hmac.new(secret, token, hashlib.sha256).hexdigest()
