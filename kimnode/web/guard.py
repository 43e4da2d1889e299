"""What every request passes: known host, same origin, and a clear sentence when something is wrong.

The Host check is what keeps a foreign page from reaching the node under its own name (DNS
rebinding); the Origin check keeps it from posting in a villager's name.
"""

import logging
import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from kimnode.errors import Refused
from kimnode.web.identity import remember
from kimnode.web.pages import PAGES
from kimnode.web.posting import HTTP_STATUS, refusal, refusal_words, unreadable
from kimnode.web.shown import dumps
from kimnode.web.site import SITE, Site
from kimnode.web.words import WORDS

log = logging.getLogger(__name__)
Next = Callable[[web.Request], Awaitable[web.StreamResponse]]

MACHINE_PATHS = ("/api/", "/ws")
STATUS_WORDS = (400, 403, 404, 405, 413, 421)  # each with its own sentence in the catalogue
NO_CACHE_PATHS = ("/api/", "/healthz", "/metrics")
HOST = re.compile(r"\[?(?P<name>[a-z0-9.:-]+?)\]?(?P<port>:\d{1,5})?")
LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")


@web.middleware
async def plain_errors(request: web.Request, handler: Next) -> web.StreamResponse:
    """Whatever goes wrong, the phone gets a sentence that says what to do next."""
    try:
        return await handler(request)
    except Refused as refused:
        words = request.app[WORDS]
        if request.path.startswith(MACHINE_PATHS):
            status, text = refusal(words, "", refused)
            response = web.Response(text=text, status=status, content_type="application/json")
        else:
            status = HTTP_STATUS.get(refused.reason, 400)
            response = _page(request, status, refusal_words(words, refused))
        if refused.retry_after_s:
            response.headers["Retry-After"] = str(max(1, round(refused.retry_after_s)))
        return response
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _said(request, error.status)
    except Exception:
        # The edge of the web: a bug in one page must not show a villager a foreign sentence.
        log.exception("%s %s failed", request.method, request.path)
        return _said(request, 500)


@web.middleware
async def known_host(request: web.Request, handler: Next) -> web.StreamResponse:
    """421 for a Host header that is not in the configuration."""
    name, _ = _named_host(request)
    if not name:
        raise web.HTTPMisdirectedRequest
    return await handler(request)


@web.middleware
async def same_origin(request: web.Request, handler: Next) -> web.StreamResponse:
    """403 when another page sent this. Browsers tell; lynx does not, and cannot be lured."""
    if request.method == "POST" or request.path == "/ws":
        origin = request.headers.get("Origin")
        if origin not in (None, f"http://{request.host}", f"https://{request.host}"):
            unreadable(request.app[SITE], "foreign origin")
            raise web.HTTPForbidden
    return await handler(request)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal on_response_prepare: the headers of every answer, sockets included."""
    name, port = _named_host(request)  # a stranger's Host header must not write policy
    socket = f" ws://{name}{port}" if name else ""
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        f"connect-src 'self'{socket}; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "same-origin"
    if request.path.startswith(NO_CACHE_PATHS):
        response.headers["Cache-Control"] = "no-store"
    remember(request, response)


def _named_host(request: web.Request) -> tuple[str, str]:
    """(name, ":port" or "") of the Host header; the name is "" when it is none of ours."""
    found = HOST.fullmatch(request.host.lower())
    if found is None or found["name"] not in request.app[SITE].config.hosts:
        return "", ""
    return found["name"], found["port"] or ""


def _said(request: web.Request, status: int) -> web.Response:
    words = request.app[WORDS]
    number = status if status in STATUS_WORDS else (400 if status < 500 else 500)
    sentence = words(f"http.{number}", address=address(request.app[SITE]))
    if request.path.startswith(MACHINE_PATHS):
        text = dumps({"t": "refused", "cid": "", "reason": f"http-{status}", "words": sentence})
        return web.Response(text=text, status=status, content_type="application/json")
    return _page(request, status, sentence)


def _page(request: web.Request, status: int, sentence: str) -> web.Response:
    words = request.app[WORDS]
    return request.app[PAGES].card(
        request, "sorry", words("http.heading"), status, sentences=(sentence,)
    )


def address(site: Site) -> str:
    """What a person types to get here."""
    hosts = site.config.hosts
    host = next((name for name in hosts if name not in LOCAL_HOSTS), hosts[0])
    port = "" if site.config.port == 80 else f":{site.config.port}"
    return f"http://{host}{port}"
