"""The frame of bulletins, claims, desk and status: where one can go, and reading with the trust."""

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from kimnode.rules.clock import Estimate
from kimnode.store.trust import TrustCache
from kimnode.web.pages import PAGES
from kimnode.web.site import SITE

T = TypeVar("T")
PLACES = (("talk", "/"), ("board", "/buletin"), ("ask", "/cek"), ("pulse", "/status"))
Reading = Callable[[sqlite3.Connection, TrustCache, Estimate], T]


async def read(request: web.Request, work: Reading[T]) -> T:
    """`work` on the reader, with what is believed and what time it is."""
    site = request.app[SITE]
    cache, estimate = site.intake.cache, site.estimate()
    return await site.db.read(lambda c: work(c, cache, estimate))


def page(
    request: web.Request, template: str, here: str, status: int = 200, **values: object
) -> web.Response:
    """A page inside the frame. `here`: its place in the navigation."""
    return request.app[PAGES].html(request, template, status, places=PLACES, here=here, **values)
