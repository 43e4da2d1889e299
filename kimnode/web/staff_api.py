"""What a volunteer's browser may ask, each time with a signature (requests.py).

The node fills in what only it knows (time, number); the browser builds the document itself, signs
it and sends it back. accept() is the whole check of it, as on every other road.
"""

import functools
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from kimnode.attestor import Attestor
from kimnode.errors import Reason, Refused, StoreError, WireError
from kimnode.record import Kind, Via
from kimnode.rules.limits import Rate
from kimnode.rules.trust import Holder, holder
from kimnode.store import staff
from kimnode.store.trust import here
from kimnode.web import desk
from kimnode.web.drafts import code, draft
from kimnode.web.forms import read_body
from kimnode.web.identity import check_address, of
from kimnode.web.posting import DISK_RETRY_S, refusal
from kimnode.web.requests import REQUESTS, Asked, loaded, octets, text
from kimnode.web.shown import dumps
from kimnode.web.site import SITE, Site
from kimnode.web.staffnet import may_sign
from kimnode.web.words import WORDS
from kimnode.wire import air, sealed
from kimnode.wire.codes import Form
from kimnode.wire.documents import (
    MAX_TEXT_CHARS,
    AnyDocument,
    Bulletin,
    Stamp,
    Vote,
)

JSON_TYPE = "application/json"
MAX_REASON_CHARS = 120
MAX_CLAIM = 2**53
PRICES = Rate(burst=60, every_s=0.5)  # of one address: somebody types
BROWSER_KINDS = (Kind.BULLETIN, Kind.APPROVAL, Kind.REJECTION, Kind.SUSPENSION)
Api = Callable[[web.Request], Awaitable[web.Response]]


def staff_only(handler: Api) -> Api:
    """Only over the staff's network. A refusal tells what the next signature needs to know."""

    @functools.wraps(handler)
    async def guarded(request: web.Request) -> web.Response:
        words = request.app[WORDS]
        if not may_sign(request):
            said = {"reason": "wrong-network", "words": words("staff.other-network")}
            return _told(request, {"t": "refused", **said}, 403)
        try:
            return await handler(request)
        except StoreError as error:
            refused = Refused(Reason.DISK_FULL, str(error), DISK_RETRY_S)
        except Refused as error:
            refused = error
        request.app[SITE].metrics.refused.labels(Via.WEB.name, refused.reason.value).inc()
        status, text_ = refusal(words, "", refused)
        return _told(request, json.loads(text_), status)

    return guarded


async def read_json(request: web.Request) -> Mapping[str, Any]:
    """The posted JSON object."""
    if request.content_type != JSON_TYPE:
        raise Refused(Reason.BAD_REQUEST, "not JSON")
    return loaded(await read_body(request))


def answered(request: web.Request, said: Mapping[str, object]) -> web.Response:
    """An answer, with what the next signature needs to know."""
    return _told(request, {"t": "ok", **said}, 200)


@staff_only
async def open_desk(request: web.Request) -> web.Response:
    """POST /api/staf/meja: who I am, what waits for me, which radios could be lost."""
    site = request.app[SITE]
    asked = await _asked(request)
    estimate = site.estimate()
    cache = site.intake.cache
    found = await site.db.read(lambda c: desk.read(c, cache, estimate, asked.key))
    return answered(request, desk.told(found, request.app[WORDS]))


@staff_only
async def prepare(request: web.Request) -> web.Response:
    """POST /api/staf/siap {draft} or {vote, subject}: time, order and number for a signature."""
    site = request.app[SITE]
    asked = await _asked(request)
    attestor = _attestor(site)
    if "draft" in asked.body:
        area = (await _holder(site, asked.key)).area
        written = draft(asked.body["draft"], area)
        document: Bulletin | Vote = await attestor.prepare_bulletin(written, asked.key)
    else:
        kind = code(Kind, asked.body, "vote")
        document = await attestor.prepare_vote(kind, octets(asked.body, "subject"), asked.key)
    number = document.number if isinstance(document, Bulletin) else 0
    return answered(request, {**_place(document.stamp), "number": number})


@staff_only
async def send(request: web.Request) -> web.Response:
    """POST /api/staf/kirim {document, why, claim}: the signed document, sealed, in hexadecimal."""
    site, words = request.app[SITE], request.app[WORDS]
    asked = await _asked(request)
    document = _document(asked, "document")
    if document.KIND not in BROWSER_KINDS or not isinstance(document, Bulletin | Vote):
        raise Refused(Reason.BAD_REQUEST, "no document of a desk")
    if asked.key not in (document.stamp.signer, document.stamp.person):
        raise Refused(Reason.NOT_YOURS, "signed by somebody else")
    claim = asked.body.get("claim")
    claim = claim if type(claim) is int and 0 < claim < MAX_CLAIM else None
    await _attestor(site).take(document, document.signature, claim)
    why = text(asked.body, "why", MAX_REASON_CHARS)
    if document.KIND is Kind.REJECTION and why:
        await site.db.write(lambda c: staff.keep_reason(c, document.id, why), quiet=True)
    said = "staff.published" if _needs_nobody(document) else "staff.sent"
    return answered(request, {"id": document.id.hex(), "words": words(said)})


async def price(request: web.Request) -> web.Response:
    """GET /api/harga?about=&dossier=&text=: bytes and seconds of such a bulletin on air."""
    site, phone = of(request)
    words = request.app[WORDS]
    check_address(site, phone, PRICES)
    query = request.query
    flags = [query.get(name) == "1" for name in ("about", "dossier")]
    cost = desk.cost(query.get("text", "")[:MAX_TEXT_CHARS], about=flags[0], dossier=flags[1])
    seconds = [site.packet_s(min(size, air.MAX_PACKET_BYTES)) for size in cost.sizes]
    values = {
        "bytes": cost.sizes[0],
        "max": air.MAX_PACKET_BYTES,
        "seconds": words.decimal(sum(seconds)),
    }
    key = "staff.price" if cost.fits else "staff.too-long"
    return web.Response(
        text=dumps({"fits": cost.fits, **values, "words": words(key, **values)}),
        content_type=JSON_TYPE,
    )


async def _asked(request: web.Request) -> Asked:
    """The signed request, by a key that was made with an invitation of this node."""
    site, requests = request.app[SITE], request.app[REQUESTS]
    envelope = await read_json(request)
    gateway = await site.db.read(here) or b""
    asked = requests.check(request.path, gateway, envelope)
    if not await site.db.read(lambda c: staff.is_enrolled(c, asked.key)):
        raise Refused(Reason.UNKNOWN_KEY, "no key of a volunteer's browser")
    requests.remember(asked)
    await site.db.write(lambda c: staff.trusted(c, asked.key), quiet=True)
    return asked


def _attestor(site: Site) -> Attestor:
    if site.attestor is None:
        raise Refused(Reason.NO_ROOT, "this post has no key yet")
    return site.attestor


async def _holder(site: Site, key: bytes) -> Holder:
    estimate = site.estimate()
    cache = site.intake.cache
    return await site.db.read(lambda c: holder(key, cache.load(c), estimate))


def _needs_nobody(document: Bulletin | Vote) -> bool:
    return isinstance(document, Vote) or document.form is Form.NOTICE


def _place(stamp: Stamp) -> dict[str, int]:
    return {
        "made_min": stamp.made_min,
        "trust": int(stamp.trust),
        "epoch": stamp.epoch,
        "seq": stamp.seq,
    }


def _document(asked: Asked, name: str) -> AnyDocument:
    try:
        return sealed.decode(octets(asked.body, name))
    except WireError as error:
        raise Refused(Reason.BAD_REQUEST, str(error)) from error


def _told(request: web.Request, said: Mapping[str, object], status: int) -> web.Response:
    requests = request.app[REQUESTS]
    full = {**said, "boot": requests.boot.hex(), "second": requests.second}
    return web.Response(text=dumps(full), status=status, content_type=JSON_TYPE)
