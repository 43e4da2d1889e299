"""Forms of phones without a script. Strict where the web is lenient: text that is not UTF-8 is
refused, not repaired with question marks."""

import asyncio
import hashlib
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp import web

from kimnode.rules.admission import CLIENT_ID_BYTES
from kimnode.web.posting import MAX_REQUEST_BYTES, unreadable
from kimnode.web.site import SITE

MAX_FIELDS = 12
BODY_TIMEOUT_S = 10.0  # by the wall: the sender's time, not the node's
FORM_TYPE = "application/x-www-form-urlencoded"


async def read_body(request: web.Request) -> bytes:
    """The whole body. HTTP 408 for one that trickles, 413 for one that is too big."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body = await request.read()
    except TimeoutError as error:
        raise web.HTTPRequestTimeout from error
    if len(body) > MAX_REQUEST_BYTES:
        raise web.HTTPRequestEntityTooLarge(MAX_REQUEST_BYTES, len(body))
    return body


async def read_form(request: web.Request) -> Mapping[str, str]:
    """The fields of a posted form. Refused(BAD_REQUEST) when it is none, HTTP 413 when too big."""
    site = request.app[SITE]
    if request.content_type != FORM_TYPE:
        raise unreadable(site, "not a form")
    body = await read_body(request)
    try:
        fields = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError as error:  # UnicodeDecodeError is one
        raise unreadable(site, "unreadable form") from error
    return dict(fields)


def new_token() -> str:
    """A form's own number, drawn with the page: a double tap on its button sends it twice."""
    return secrets.token_hex(CLIENT_ID_BYTES[1])


def client_id(form: Mapping[str, str]) -> str:
    """The client id of what the form says.

    Covers the words too: a person who goes back and writes something else in the old form has
    written a new message.
    """
    said = "\0".join(form.get(key, "") for key in ("token", "room", "text", "about"))
    return hashlib.sha256(said.encode()).digest()[: CLIENT_ID_BYTES[1]].hex()
