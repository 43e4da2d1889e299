"""A phone's web socket: its own sending loop beside its receiving loop, so that neither waits.

The sending loop works while the phone is behind; for the rest of the time the feed writes.
"""

import asyncio
import contextlib
import json
import logging

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from kimnode.errors import Refused
from kimnode.web.doors import DOORS
from kimnode.web.feed import FEED, Feed
from kimnode.web.follower import Follower
from kimnode.web.identity import Phone, of
from kimnode.web.news import MAX_POSITION, Place
from kimnode.web.posting import MAX_REQUEST_BYTES, answer, refusal, unreadable
from kimnode.web.site import Site
from kimnode.web.tail import Lane
from kimnode.web.words import WORDS

log = logging.getLogger(__name__)

HELLO_TIMEOUT_S = 10.0
HEARTBEAT_S = 25.0
CLOSE_TIMEOUT_S = 2.0
SEND_TIMEOUT_S = 20.0  # for a phone whose buffers are full; then it may come back and catch up

PING, PONG = '{"t":"ping"}', '{"t":"pong"}'  # a script does not see the protocol's own pings
SOCKETS: web.AppKey[set[web.WebSocketResponse]] = web.AppKey("sockets", set)


async def socket(request: web.Request) -> web.StreamResponse:
    """GET /ws. The phone says {"after", "rev", "board"} first, then gets JSON arrays of items."""
    site, phone = of(request)
    with request.app[DOORS].enter(phone.id, request.remote or ""):
        ws = web.WebSocketResponse(
            heartbeat=HEARTBEAT_S,
            timeout=CLOSE_TIMEOUT_S,
            max_msg_size=MAX_REQUEST_BYTES,
            compress=False,  # costs more CPU than a village's Wi-Fi has need of
            writer_limit=0,
        )
        await ws.prepare(request)
        request.app[SOCKETS].add(ws)
        try:
            await _talk(request, ws, site, phone)
        finally:
            request.app[SOCKETS].discard(ws)
    return ws


async def close_all(app: web.Application) -> None:
    """The node goes down: say so, so that phones come back at once."""
    open_sockets = app[SOCKETS]
    async with asyncio.TaskGroup() as tasks:
        for ws in list(open_sockets):
            tasks.create_task(ws.close(code=WSCloseCode.GOING_AWAY), name="socket-close")


async def _talk(request: web.Request, ws: web.WebSocketResponse, site: Site, phone: Phone) -> None:
    try:
        async with site.clock.timeout(HELLO_TIMEOUT_S):
            hello = await ws.receive()
        place = _place(site, hello)
    except TimeoutError:
        await ws.close(code=WSCloseCode.POLICY_VIOLATION)
        return
    except Refused as refused:
        with contextlib.suppress(ConnectionError):
            await ws.send_str(f"[{refusal(request.app[WORDS], '', refused)[1]}]")
        await ws.close(code=WSCloseCode.POLICY_VIOLATION)
        return
    transport = request.transport
    if transport is None:  # gone already
        return
    transport.set_write_buffer_limits(high=0)  # so that a send waits until the phone has taken it
    lane = Lane(transport, phone.author)
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(
            _send(ws, site, request.app[FEED], lane, place), name="socket-send"
        )
        await _receive(request, ws, site, phone)
        sending.cancel()


async def _send(
    ws: web.WebSocketResponse, site: Site, feed: Feed, lane: Lane, place: Place
) -> None:
    """Send what this phone missed; then let the feed write to it until it falls behind."""
    follower = Follower(feed, lane.author, place)
    try:
        while not feed.tail.stopped:
            if payload := await follower.read():
                async with site.clock.timeout(SEND_TIMEOUT_S):
                    await ws.send_frame(payload, WSMsgType.TEXT)
            elif follower.caught_up:
                feed.tail.join(lane)
                await lane.fell_behind.wait()
                follower.go_back(lane.next, lane.place)
    except (ConnectionError, TimeoutError) as error:
        log.debug("a phone's socket broke: %s", error)
        lane.outlet.abort()
    finally:
        feed.tail.leave(lane)


async def _receive(
    request: web.Request, ws: web.WebSocketResponse, site: Site, phone: Phone
) -> None:
    words = request.app[WORDS]
    async for message in ws:
        try:
            if message.data == PING:
                said = PONG
            elif message.type is WSMsgType.TEXT:
                _, said = await answer(site, words, phone, message.data)
            else:
                _, said = refusal(words, "", unreadable(site, "not text"))
            await ws.send_str(f"[{said}]")
        except ConnectionError:
            break
    if ws.close_code in (WSCloseCode.MESSAGE_TOO_BIG, WSCloseCode.INVALID_TEXT):
        unreadable(site, "broken frame")


def _place(site: Site, hello: WSMessage) -> Place:
    if hello.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED):
        return Place()
    if hello.type is not WSMsgType.TEXT:
        raise unreadable(site, "hello is no text")
    try:
        said = json.loads(hello.data)
        numbers = [said.get(key, 0) for key in ("after", "rev", "board")]
    except (ValueError, AttributeError, RecursionError) as error:
        raise unreadable(site, "hello is no JSON object") from error
    return place_of(site, numbers)


def place_of(site: Site, numbers: list[object]) -> Place:
    """A Place from what a phone says; Refused when these are no positions."""
    positions = [n for n in numbers if type(n) is int and 0 <= n < MAX_POSITION]
    if len(positions) != len(numbers):
        raise unreadable(site, "no position in the log")
    return Place(*positions)
