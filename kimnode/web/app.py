"""The village web: every address it answers, and the tasks that run beside it.

Later parts add a module with its handlers and a line to ROUTES; nothing else knows them.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from kimnode.web import (
    api,
    bulletins,
    claims,
    guard,
    health,
    nickname,
    room,
    sockets,
    sos,
    staff,
    staff_api,
    status,
    unlocking,
)
from kimnode.web.cards import Cards
from kimnode.web.doors import DOORS, Doors
from kimnode.web.feed import FEED, Feed
from kimnode.web.frame import REMEMBERED, Remembered
from kimnode.web.pages import PAGES, Pages, static_file
from kimnode.web.posting import MAX_REQUEST_BYTES
from kimnode.web.requests import REQUESTS, Requests
from kimnode.web.shown import DRAWING, Drawing
from kimnode.web.site import SITE, Bounds, Site
from kimnode.web.words import WORDS, Words

__all__ = ["Bounds", "Site", "create_app", "phones"]

ROUTES = (
    web.get("/", room.front),
    web.get("/r/{room}", room.read),
    web.post("/r/{room}", room.write),
    web.get("/nama", nickname.ask),
    web.post("/nama", nickname.choose),
    web.get("/sos", sos.ask),
    web.post("/sos", sos.call),
    web.post(r"/sos/{seq:\d{1,18}}/tangani", sos.take),
    web.post(r"/sos/{seq:\d{1,18}}/batal", sos.cancel),
    web.get("/buletin", bulletins.board),
    web.get(r"/buletin/{ref:[0-9a-f]{16}|B-\d{1,5}}", bulletins.history),
    web.get("/cek", claims.ask),
    web.post("/cek", claims.send),
    web.get(r"/klaim/{number:\d{1,9}}", claims.show),
    web.get("/status", status.show),
    web.get("/staf", staff.desk),
    web.get("/staf/daftar", staff.sign_up),
    web.post("/api/staf/daftar", unlocking.enrol),
    web.post("/api/staf/bagian", unlocking.share),
    web.post("/api/staf/meja", staff_api.open_desk),
    web.post("/api/staf/siap", staff_api.prepare),
    web.post("/api/staf/kirim", staff_api.send),
    web.get("/api/harga", staff_api.price),
    web.get("/ws", sockets.socket),
    web.post("/api/post", api.post),
    web.get("/api/feed", api.feed),
    web.get("/static/{name}", static_file),
    web.get("/healthz", health.healthz),
    web.get("/metrics", health.metrics),
)
MAX_BODY_BYTES = 4 * MAX_REQUEST_BYTES


def create_app(site: Site) -> web.Application:
    """The web application of one node; its tasks live as long as it does."""
    words = Words(site.config.language, site.config.timezone)
    app = web.Application(
        middlewares=[guard.plain_errors, guard.known_host, guard.same_origin],
        client_max_size=MAX_BODY_BYTES,
    )
    app[SITE] = site
    app[WORDS] = words
    app[PAGES] = Pages(site, words)
    app[DRAWING] = Drawing(site, words)
    app[FEED] = Feed(site, app[DRAWING], Cards(words))
    app[DOORS] = Doors(site.bounds)
    app[REMEMBERED] = Remembered()
    app[REQUESTS] = Requests(site.clock)
    app[sockets.SOCKETS] = set()
    app.add_routes(ROUTES)
    app.on_response_prepare.append(guard.add_headers)
    app.on_shutdown.append(_say_goodbye)
    app.cleanup_ctx.append(_run_feed)
    return app


def phones(app: web.Application) -> int:
    """Different phones that are connected now."""
    return app[DOORS].phones


async def _say_goodbye(app: web.Application) -> None:
    app[FEED].tail.stop()
    await sockets.close_all(app)


async def _run_feed(app: web.Application) -> AsyncIterator[None]:
    feed = app[FEED]
    await feed.start()
    async with contextlib.AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        loops = [
            tasks.create_task(feed.run(), name="feed"),
            tasks.create_task(feed.run_board(), name="board"),
        ]
        yield
        for loop in loops:
            loop.cancel()
