"""The frame of bulletins, claims, desk and status: where one can go, and reading with the trust."""

import sqlite3
from collections.abc import Callable
from typing import TypeVar, cast

from aiohttp import web

from kimnode.rules.clock import Estimate
from kimnode.store import log
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


class Remembered:
    """The last answers to the same questions: sixty phones ask at once after a bulletin."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[object, object]] = {}  # name -> what it depends on, answer

    def find(self, name: str, depends: object) -> object | None:
        """The answer, unless something that it depends on has changed."""
        known = self._kept.get(name)
        return known[1] if known and known[0] == depends else None

    def keep(self, name: str, depends: object, answer: object) -> None:
        self._kept[name] = (depends, answer)


REMEMBERED = web.AppKey("remembered", Remembered)


async def read_once(request: web.Request, name: str, work: Reading[T]) -> T:
    """As read(), but judged anew only when the log has grown, and once a minute: time ends things.

    `name`: constant of the caller, which always gives the same `work`.
    """
    site, remembered = request.app[SITE], request.app[REMEMBERED]
    seq, estimate = await site.db.read(log.last_seq), site.estimate()
    depends = (seq, estimate.trust, estimate.floor_s // 60, estimate.uptime_s // 60)
    known = remembered.find(name, depends)
    if known is None:
        known = await read(request, work)
        remembered.keep(name, depends, known)
    return cast(T, known)


def page(
    request: web.Request, template: str, here: str, status: int = 200, **values: object
) -> web.Response:
    """A page inside the frame. `here`: its place in the navigation."""
    return request.app[PAGES].html(request, template, status, places=PLACES, here=here, **values)
