"""Calling for help without holding a button, taking an alarm, taking it back.

In two steps, so that nobody alarms the village by a slip: the link in the room, then the button.
"""

from aiohttp import web

from kimnode.errors import Reason, Refused
from kimnode.record import Kind
from kimnode.rules.admission import SOS_ROOM
from kimnode.web.forms import client_id, new_token, read_form
from kimnode.web.identity import nick_of, of
from kimnode.web.pages import PAGES
from kimnode.web.posting import HTTP_STATUS, Wish, fulfil, refusal_words
from kimnode.web.words import WORDS

BACK = f"/r/{SOS_ROOM}#end"


async def ask(request: web.Request) -> web.Response:
    """GET /sos: what and where, and the button that raises the alarm."""
    return await _sos_page(request, "", 200, "")


async def call(request: web.Request) -> web.Response:
    """POST /sos."""
    site, phone = of(request)
    form = await read_form(request)
    text = form.get("text", "")
    wish = Wish(Kind.SOS, client_id(form), SOS_ROOM, text, form.get("nick", ""), None)
    try:
        await fulfil(site, request.app[WORDS], phone, wish)
    except Refused as refused:
        said = refusal_words(request.app[WORDS], refused)
        return await _sos_page(request, text, HTTP_STATUS.get(refused.reason, 400), said)
    raise web.HTTPSeeOther(BACK)


async def take(request: web.Request) -> web.Response:
    """POST /sos/<seq>/tangani: "I take care of it", by a person with a name."""
    return await _step(request, Kind.SOS_ACK)


async def cancel(request: web.Request) -> web.Response:
    """POST /sos/<seq>/batal: only who raised the alarm."""
    return await _step(request, Kind.SOS_CANCEL)


async def _step(request: web.Request, kind: Kind) -> web.Response:
    site, phone = of(request)
    words = request.app[WORDS]
    form = await read_form(request)
    seq = int(request.match_info["seq"])
    cid = client_id({"token": kind.name, "about": str(seq)})  # twice tapped is once done
    wish = Wish(kind, cid, SOS_ROOM, "", form.get("nick", ""), seq)
    try:
        await fulfil(site, words, phone, wish)
    except Refused as refused:
        wants_name = refused.reason is Reason.BAD_NAME
        tried = "nick" in form
        return request.app[PAGES].card(
            request,
            "name" if wants_name else "sorry",
            words("sos.take-heading"),
            200 if wants_name and not tried else HTTP_STATUS.get(refused.reason, 400),
            sentences=(words("sos.take-about"),) if wants_name else (),
            oops=refusal_words(words, refused) if tried or not wants_name else "",
            action=request.path if wants_name else "",
            ask_nick=True,
            nick=form.get("nick", ""),
            button=words("js.take"),
            back=SOS_ROOM,
        )
    raise web.HTTPSeeOther(BACK)


async def _sos_page(request: web.Request, text: str, status: int, oops: str) -> web.Response:
    site, phone = of(request)
    words = request.app[WORDS]
    nick = await nick_of(site, phone)
    return request.app[PAGES].card(
        request,
        "emergency",
        words("sos.heading"),
        status,
        sentences=(words("sos.about"),),
        oops=oops,
        action="/sos",
        ask_text=True,
        text=text,
        token=new_token(),
        button=words("sos.call"),
        back=SOS_ROOM,
        nick=nick,
    )
