"""The same as the web socket for phones that have none: JSON posts and a long poll."""

from aiohttp import web

from kimnode.errors import Refused
from kimnode.web.doors import DOORS
from kimnode.web.feed import FEED
from kimnode.web.follower import Follower
from kimnode.web.forms import read_body
from kimnode.web.identity import of
from kimnode.web.posting import answer, refusal, unreadable
from kimnode.web.sockets import place_of
from kimnode.web.words import WORDS

POLL_S = 20.0
JSON_TYPE = "application/json"


async def post(request: web.Request) -> web.Response:
    """POST /api/post with one JSON request; see posting.py."""
    site, phone = of(request)
    words = request.app[WORDS]
    if request.content_type != JSON_TYPE:
        return _json(*refusal(words, "", unreadable(site, "not JSON")))
    return _json(*await answer(site, words, phone, await read_body(request)))


async def feed(request: web.Request) -> web.Response:
    """GET /api/feed?after=&rev=&board=: the items after that place, or [] after POLL_S."""
    site, phone = of(request)
    try:
        numbers = [_number(request.query.get(key, "0")) for key in ("after", "rev", "board")]
        place = place_of(site, numbers)
    except Refused as refused:
        return _json(*refusal(request.app[WORDS], "", refused))
    with request.app[DOORS].enter(phone.id, request.remote or ""):
        follower = Follower(request.app[FEED], phone.author, place)
        try:
            async with site.clock.timeout(POLL_S):
                items = await follower.wait()
        except TimeoutError:
            items = b""
    return web.Response(body=items or b"[]", content_type=JSON_TYPE)


def _number(text: str) -> object:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else text


def _json(status: int, text: str) -> web.Response:
    return web.Response(text=text, status=status, content_type=JSON_TYPE)
