"""Phones that behave like the page's script: an outbox, one message in flight, a cursor.

They are torn off the network without a word, come back from another moment, and send again under
the same client id until the node has answered.
"""

import asyncio
import base64
import contextlib
import html
import json
import random
import re
import secrets
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from kimnode.clock import Clock
from tests.waiting import until

ANSWER_S = 5.0  # real seconds without an answer: the connection is dead
PAUSE_S = (0.02, 0.2)  # real seconds before it connects again
CONNECT_S = 5.0
CROWD_S = 30.0
DATA_PAGE = re.compile(r'data-page="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Letter:
    """One thing to send; `cid` names it for ever."""

    cid: str
    kind: str
    room: str
    text: str
    about: int | None = None


class Phone:
    """`live()` in a TaskGroup. Each phone has an address of its own (127.x.y.z)."""

    def __init__(self, nick: str, url: str, clock: Clock, rng: random.Random, number: int) -> None:
        self.nick = nick
        self.url = url
        self.outbox: deque[Letter] = deque()
        self.written: list[str] = []  # all chat that was ever put in the outbox
        self.acked: dict[str, int] = {}  # client id -> position in the log
        self.refused: list[dict[str, Any]] = []
        self.messages: dict[int, dict[str, Any]] = {}  # by position, as the page keeps them
        self.states: dict[int, list[str]] = {}  # every state that it was told, by position
        self.board: dict[str, Any] = {}
        self.again = 0  # messages that came twice by the wire
        self.reloads = 0
        self.visits = 0
        self._clock = clock
        self._rng = rng
        self._cookie = _cookie(rng)
        self._address = f"127.{1 + number // 60_000}.{number // 250 % 240}.{1 + number % 250}"
        self._loaded = False
        self._after = self._rev = self._board = 0
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._wake = asyncio.Event()
        self._flying = ""
        self._held_until = 0.0

    @property
    def texts(self) -> list[str]:
        """The chat as the page shows it, by position."""
        return [m["text"] for _, m in sorted(self.messages.items())]

    def write(self, text: str, room: str = "umum", kind: str = "post", about: int | None = None):
        """Put it in the outbox; the client id."""
        letter = Letter(secrets.token_hex(16), kind, room, text, about)
        self.outbox.append(letter)
        if kind == "post":
            self.written.append(text)
        self._wake.set()
        return letter.cid

    def tear_off(self) -> None:
        """The network is gone, without a word to anybody."""
        if self._ws is not None:
            self._ws._writer.transport.abort()

    async def live(self) -> None:
        """Connected, again and again, until cancelled."""
        connector = aiohttp.TCPConnector(local_addr=(self._address, 0), force_close=True)
        async with aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Cookie": f"kim={self._cookie}"},
        ) as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                    if not self._loaded:
                        await self._load(session)
                    await self._visit(session)
                await asyncio.sleep(self._rng.uniform(*PAUSE_S))

    async def _load(self, session: aiohttp.ClientSession) -> None:
        """The page itself: what is older than it is not in the live talk."""
        async with asyncio.timeout(CONNECT_S):
            async with session.get(self.url + "r/umum") as response:
                found = DATA_PAGE.search(await response.text())
        assert found, "the page has no data for its script"
        page = json.loads(html.unescape(found[1]))
        self._after, self._rev, self._loaded = page["seq"], page["rev"], True

    async def _visit(self, session: aiohttp.ClientSession) -> None:
        async with asyncio.timeout(CONNECT_S):
            ws = await session.ws_connect(self.url + "ws", max_msg_size=0)
        async with ws:
            self._ws, self._flying = ws, ""
            self.visits += 1
            place = {"after": self._after, "rev": self._rev, "board": self._board}
            await ws.send_str(json.dumps(place))
            try:
                async with asyncio.TaskGroup() as tasks:
                    sending = tasks.create_task(self._send(ws), name=f"{self.nick}-sends")
                    await self._read(ws)
                    sending.cancel()
            except* (OSError, TimeoutError, aiohttp.ClientError):
                pass
            finally:
                self._ws = None

    async def _read(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in ws:
            for item in json.loads(frame.data):
                self._take(item)

    async def _send(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            self._wake.clear()
            wait_s = (self._held_until - self._clock.monotonic()) / self._clock.speed
            if self._flying:
                wait_s = ANSWER_S
            elif self.outbox and wait_s <= 0:
                letter = self.outbox[0]
                self._flying, wait_s = letter.cid, ANSWER_S
                await ws.send_str(json.dumps(_request(letter, self.nick)))
            flying = self._flying
            try:
                async with asyncio.timeout(wait_s if self.outbox else None):
                    await self._wake.wait()
            except TimeoutError:
                if flying and flying == self._flying:
                    await ws.close()
                    return

    def _take(self, item: dict[str, Any]) -> None:
        kind = item["t"]
        if kind == "message":
            self._show(item)
        elif kind == "delivery":
            self.states.setdefault(item["seq"], []).append(item["state"])
            self._rev = max(self._rev, item["rev"])
        elif kind == "board":
            self.board, self._board = item, item["board"]
        elif kind == "reload":
            self.reloads += 1
            self._loaded = False
        elif kind == "ok":
            self._settle(item["cid"], item["seq"])
        elif kind == "refused":
            self._refuse(item)

    def _show(self, item: dict[str, Any]) -> None:
        seq = item["seq"]
        self.again += seq in self.messages
        self.messages.setdefault(seq, item)
        self._after = max(self._after, seq)
        self._rev = max(self._rev, item["rev"])
        if "state" in item:
            self.states.setdefault(seq, []).append(item["state"])
        self._settle(item.get("cid", ""), seq)

    def _settle(self, cid: str, seq: int) -> None:
        if self.outbox and self.outbox[0].cid == cid:
            self.outbox.popleft()
            self.acked[cid] = seq
            self._flying = ""
            self._wake.set()

    def _refuse(self, item: dict[str, Any]) -> None:
        if item["retry_after"]:
            self._held_until = self._clock.monotonic() + item["retry_after"]
        else:
            self.refused.append(item)
            if self.outbox and self.outbox[0].cid == item["cid"]:
                self.outbox.popleft()
        self._flying = ""
        self._wake.set()


def _request(letter: Letter, nick: str) -> dict[str, object]:
    request: dict[str, object] = {
        "t": letter.kind,
        "cid": letter.cid,
        "room": letter.room,
        "text": letter.text,
        "nick": nick,
    }
    return request if letter.about is None else request | {"about": letter.about}


def _cookie(rng: random.Random) -> str:
    return base64.urlsafe_b64encode(rng.randbytes(16)).decode().rstrip("=")


@contextlib.asynccontextmanager
async def living(phones: Sequence[Phone]) -> AsyncIterator[None]:
    """These phones live while the block runs; at its start all of them have been connected."""
    before = [phone.visits for phone in phones]
    async with asyncio.TaskGroup() as tasks:
        lives = [tasks.create_task(phone.live(), name=phone.nick) for phone in phones]
        try:
            for phone, visits in zip(phones, before, strict=True):
                await until(lambda p=phone, v=visits: p.visits > v, CROWD_S)
            yield
        finally:
            for life in lives:
                life.cancel()


def crowd(
    count: int, url: str, clock: Clock, rng: random.Random, *, first: int = 0, name: str = "Warga"
) -> list[Phone]:
    """`count` phones with names and addresses of their own."""
    numbers = range(first, first + count)
    return [Phone(f"{name}{n}", url, clock, random.Random(rng.random()), n) for n in numbers]


class Doors:
    """Plain JSON posts by any number of phones that keep no connection."""

    def __init__(self, url: str, rng: random.Random) -> None:
        self._url = url
        self._rng = rng
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Doors":
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session
        await self._session.close()

    async def post(
        self, cookie: str, nick: str, text: str, room: str = "umum", kind: str = "post", **more
    ) -> dict[str, Any]:
        """The node's answer to one message."""
        assert self._session
        letter = Letter(more.pop("cid", secrets.token_hex(16)), kind, room, text, **more)
        async with self._session.post(
            self._url + "api/post",
            json=_request(letter, nick),
            headers={"Cookie": f"kim={cookie}"},
            timeout=aiohttp.ClientTimeout(total=60),
        ) as response:
            return await response.json()

    def new_cookie(self) -> str:
        """A phone that the node has never seen."""
        return _cookie(self._rng)
