"""Choosing the name that stands beside the tag."""

from aiohttp import web

from kimnode.errors import Refused
from kimnode.rules.rooms import ROOMS
from kimnode.web.forms import read_form
from kimnode.web.identity import nick_of, of, take_nick
from kimnode.web.pages import PAGES
from kimnode.web.posting import refusal_words
from kimnode.web.words import WORDS


async def ask(request: web.Request) -> web.Response:
    """GET /nama?r=<room>: the form."""
    site, phone = of(request)
    return _page(request, await nick_of(site, phone), request.query.get("r", ""))


async def choose(request: web.Request) -> web.Response:
    """POST /nama, then back to the room."""
    site, phone = of(request)
    form = await read_form(request)
    wanted, back = form.get("nick", ""), form.get("room", "")
    try:
        await take_nick(site, phone, wanted)
    except Refused as refused:
        return _page(request, wanted, back, refusal_words(request.app[WORDS], refused))
    raise web.HTTPSeeOther(f"/r/{_known(back)}#end")


def _page(request: web.Request, nick: str, back: str, oops: str = "") -> web.Response:
    words = request.app[WORDS]
    _, phone = of(request)
    return request.app[PAGES].card(
        request,
        "name",
        words("name.heading"),
        400 if oops else 200,
        sentences=(words("name.about", tag=phone.tag),),
        oops=oops,
        action="/nama",
        ask_nick=True,
        nick=nick,
        button=words("name.save"),
        back=_known(back),
    )


def _known(room_id: str) -> str:
    return room_id if room_id in ROOMS else next(iter(ROOMS))
