"""A room: read its talk, write into it. A plain page with a form; the script adds speed."""

import sqlite3
from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web

from kimnode.config import Config
from kimnode.errors import Refused
from kimnode.record import Kind
from kimnode.rules.admission import MAX_TEXT_CHARS
from kimnode.rules.rooms import ROOMS, Room
from kimnode.rules.rooms import room as known_room
from kimnode.store import log, views
from kimnode.store.views import QUOTE_CHARS, Quote
from kimnode.web.feed import FEED
from kimnode.web.forms import client_id, new_token, read_form
from kimnode.web.identity import Phone, nick_of, of
from kimnode.web.pages import PAGES
from kimnode.web.posting import HTTP_STATUS, Wish, fulfil, refusal_words
from kimnode.web.shown import DRAWING, Shown, dumps
from kimnode.web.site import SITE, Site
from kimnode.web.words import WORDS
from kimnode.wire.airtext import MAX_PARTS, MAX_TEXT_BYTES

PAGE_MESSAGES = 30
PRICE_PROBE_BYTES = (1, 151)  # airtime grows in a straight line between them


async def front(_request: web.Request) -> web.Response:
    """GET /: everybody starts in the first room."""
    raise web.HTTPFound(f"/r/{next(iter(ROOMS))}#end")


async def read(request: web.Request) -> web.Response:
    """GET /r/<room>[?sebelum=<seq>][&tulis=1][&balas=<seq>]."""
    room = _room_of(request)
    return await _page(request, room)


async def write(request: web.Request) -> web.Response:
    """POST /r/<room>: the composer's form, then back to the talk."""
    room = _room_of(request)
    site, phone = of(request)
    form = await read_form(request)
    about = form.get("about", "")
    wish = Wish(
        kind=Kind.CHAT,
        cid=client_id(form),
        room=room.id,
        text=form.get("text", ""),
        nick=form.get("nick", ""),
        about=_number(about),
    )
    try:
        await fulfil(site, request.app[WORDS], phone, wish)
    except Refused as refused:
        said = refusal_words(request.app[WORDS], refused)
        return await _page(request, room, HTTP_STATUS.get(refused.reason, 400), said, form)
    raise web.HTTPSeeOther(f"/r/{room.id}#end")


async def _page(
    request: web.Request,
    room: Room,
    status: int = 200,
    oops: str = "",
    form: Mapping[str, str] | None = None,
) -> web.Response:
    """The room; with what was refused still in the form."""
    site, phone = of(request)
    before = _number(request.query.get("sebelum", ""))
    reply_to = _number((form or request.query).get("about" if form else "balas", ""))
    seq, rev, found, reply = await site.db.read(
        lambda c: (
            log.last_seq(c),
            views.last_rev(c),
            views.recent(c, room.id, PAGE_MESSAGES, before),
            _quote(c, reply_to),
        )
    )
    messages = _with_takers([request.app[DRAWING].show(message) for message in found])
    page = {"room": room.id, "archive": before is not None, "seq": seq, "rev": rev}
    page |= {"day": messages[-1].day if messages else "", **_of_air(site, room)}
    return request.app[PAGES].html(
        request,
        "room.html",
        status,
        **await _surroundings(request, phone, page),
        room=room,
        messages=messages,
        older=found[0].seq if len(found) == PAGE_MESSAGES else None,
        archive=before is not None,
        writing=bool(oops or reply or "tulis" in request.query),
        reply=reply,
        oops=oops,
        text=(form or {}).get("text", ""),
    )


async def _surroundings(
    request: web.Request, phone: Phone, page: dict[str, object]
) -> dict[str, object]:
    """What the page shows around the talk, the same in every room; and what its script is told."""
    site, feed = request.app[SITE], request.app[FEED]
    nick = await nick_of(site, phone)
    page = page | {"board": feed.place.board, "me": phone.mark, "nick": nick, "tag": phone.tag}
    told = dumps(page)
    return {
        "rooms": [shown for shown in ROOMS.values() if shown.wifi],
        "alarms": feed.board.alarms,
        "bulletin": feed.board.bulletin,
        "radio": request.app[DRAWING].radio(),
        "me": phone.mark,
        "nick": nick,
        "tag": phone.tag,
        "days": site.config.retention_days,
        "max_chars": MAX_TEXT_CHARS,
        "token": new_token(),
        "page": f'{told[:-1]},"words":{request.app[WORDS].for_phone()}}}',
    }


def _quote(connection: sqlite3.Connection, seq: int | None) -> Quote | None:
    """The message that is to be answered, shortened."""
    message = views.one(connection, seq) if seq else None
    if message is None:
        return None
    return Quote(message.seq, message.name, (message.text or "")[:QUOTE_CHARS])


def _room_of(request: web.Request) -> Room:
    try:
        room = known_room(request.match_info["room"])
    except Refused as refused:
        raise web.HTTPNotFound from refused
    if not room.wifi:
        raise web.HTTPNotFound
    return room


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _with_takers(messages: list[Shown]) -> list[Shown]:
    """An SOS says who took it with the tag that stands in the note below it."""
    notes = {m.about: m.sos_words for m in messages if m.kind == "note"}
    return [replace(m, sos_words=notes[m.seq]) if m.sos and m.seq in notes else m for m in messages]


def _of_air(site: Site, room: Room) -> dict[str, object]:
    """What the script needs to tell the price of a text before it is sent."""
    low, high = PRICE_PROBE_BYTES
    low_s, high_s = site.price_s(low), site.price_s(high)
    per_byte = (high_s - low_s) / (high - low)
    prices = [round(low_s - low * per_byte, 4), round(per_byte, 6)]
    on_air = room.radio and site.config.radio != Config().radio
    return {"radio": on_air, "air": [MAX_TEXT_BYTES, MAX_PARTS, *prices]}
