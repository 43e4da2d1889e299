"""News for the phones: read once, drawn once, sent to everybody.

One reader task follows the log and keeps the newest items ready to send. Each phone has its own
Follower with its own place; one that fell behind the kept items reads the database itself, so a
slow phone delays nobody.
"""

import sqlite3
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice

from aiohttp import web

from kimnode.record import Kind
from kimnode.rules.delivery import State
from kimnode.store import log, views
from kimnode.store.db import Signal
from kimnode.store.views import Delivery, Message
from kimnode.web.shown import Drawing, Shown, as_json, dumps
from kimnode.web.site import Site

TAIL_ITEMS = 512  # kept ready to send; about 300 bytes each
READ_MESSAGES = 200  # read from the log at once
MAX_REPLAY = 300  # a phone further behind is told to load its page anew
MAX_JOINED = 64  # items in one frame
MAX_WAITING = 100  # texts in line for the air whose writers are kept informed
MAX_ALARMS = 20  # shown at once; more would only hide the first
BOARD_EVERY_S = 5.0  # the clock of what changes without a commit: radio line, waiting times
ALARM_KINDS = (Kind.SOS, Kind.SOS_ACK, Kind.SOS_CANCEL)


@dataclass(frozen=True, slots=True)
class Place:
    """How far a phone has read: log position, delivery change, and the board it has seen."""

    seq: int = 0
    rev: int = 0
    board: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of news: its JSON, the same as a frame of one, and the place after it."""

    text: str
    frame: bytes
    author: str | None  # only this phone is told; None: everybody
    place: Place


@dataclass(frozen=True, slots=True)
class _Change:
    """How far a message has come by now, and whose it is."""

    author: str
    seq: int
    delivery: Delivery


class Feed:
    """Run `run()` and `run_board()` as tasks; hand `follow()` to every phone."""

    def __init__(self, site: Site, drawing: Drawing) -> None:
        self.changed = Signal()
        self.tail: deque[Item] = deque(maxlen=TAIL_ITEMS)
        self.end = 0  # items ever published; the newest one has the number end - 1
        self.place = Place()
        self.stopped = False
        self._site = site
        self._drawing = drawing
        self._alarms: list[Shown] = []
        self._board = ""
        self._waiting: dict[int, tuple[_Change, str]] = {}  # seq -> and what was told last

    @property
    def first(self) -> int:
        """Number of the oldest item that is kept."""
        return self.end - len(self.tail)

    @property
    def alarms(self) -> Sequence[Shown]:
        """Every SOS that nobody has taken, oldest first."""
        return self._alarms

    async def start(self) -> None:
        """Begin at the end of the log: what is older is read from the database by who needs it."""
        seq, rev, alarms = await self._site.db.read(
            lambda c: (log.last_seq(c), views.last_rev(c), views.open_alarms(c))
        )
        # A phone that saw the board of the process before must see this one: numbers go on.
        self.place = Place(seq, rev, int(self._site.clock.now()))
        self._set_alarms(alarms)
        self._publish_board()

    async def run(self) -> None:
        """Follow the log until cancelled."""
        while True:
            grew = self._site.db.committed.waiter()
            if not await self._read():
                await grew.wait()

    async def run_board(self) -> None:
        """Tell what changes without a commit, soon after it did."""
        while True:
            noticed = self._site.noticed.waiter()
            self._publish_board()
            self._retell_waits()
            try:
                async with self._site.clock.timeout(BOARD_EVERY_S):
                    await noticed.wait()
            except TimeoutError:
                continue

    def stop(self) -> None:
        """Release everybody who waits: the node is going down."""
        self.stopped = True
        self.changed.rise()

    def board_item(self) -> str:
        """The board as a JSON item."""
        return f'{{"t":"board","board":{self.place.board},{self._board[1:]}'

    def draw(self, message: Message) -> str:
        """A message as a JSON item."""
        return as_json(self._drawing.show(message), self.place.rev)

    def draw_change(self, change: _Change) -> str:
        """A delivery change as a JSON item."""
        code, text = self._drawing.delivery(change.seq, change.delivery)
        parts = {"seq": change.seq, "rev": change.delivery.rev, "state": code, "state_words": text}
        return dumps({"t": "delivery", **parts})

    async def read_since(self, place: Place, limit: int) -> tuple[list[Message], list[_Change]]:
        """What the database has after `place`, at most `limit` of each."""
        return await self._site.db.read(lambda c: _news(c, place, limit))

    async def last_seq(self) -> int:
        return await self._site.db.read(log.last_seq)

    async def _read(self) -> bool:
        """Publish what is new; True when there may be more."""
        messages, changes = await self.read_since(self.place, READ_MESSAGES)
        if not messages and not changes:
            return False
        for message in messages:
            self.place = Place(message.seq, self.place.rev, self.place.board)
            self._keep(self.draw(message), None)
        for change in changes:
            rev = max(self.place.rev, change.delivery.rev)
            self.place = Place(self.place.seq, rev, self.place.board)
            self._tell_change(change)
        if any(message.kind in ALARM_KINDS for message in messages):
            self._set_alarms(await self._site.db.read(views.open_alarms))
            self._publish_board()
        self.changed.rise()
        return READ_MESSAGES in (len(messages), len(changes))

    def _tell_change(self, change: _Change) -> None:
        """Publish it; while it waits for its turn, remember to tell again how long that takes."""
        text = self.draw_change(change)
        waits = change.delivery.state is State.QUEUED and len(self._waiting) < MAX_WAITING
        self._waiting.pop(change.seq, None)
        if waits:
            self._waiting[change.seq] = (change, text)
        self._keep(text, change.author)

    def _retell_waits(self) -> None:
        """What was said a minute ago about a waiting text is not true any more."""
        for change, told in list(self._waiting.values()):
            if self.draw_change(change) != told:
                self._tell_change(change)
                self.changed.rise()

    def _keep(self, text: str, author: str | None) -> None:
        self.tail.append(Item(text, f"[{text}]".encode(), author, self.place))
        self.end += 1

    def _set_alarms(self, alarms: Sequence[Message]) -> None:
        self._site.metrics.open_sos.set(len(alarms))
        self._alarms = [self._drawing.show(alarm) for alarm in alarms[:MAX_ALARMS]]

    def _publish_board(self) -> None:
        code, text = self._drawing.radio()
        radio = {"code": code, "words": text}
        board = dumps({"radio": radio, "alarms": [_alarm(alarm) for alarm in self._alarms]})
        if board == self._board:
            return
        self._board = board
        self.place = Place(self.place.seq, self.place.rev, self.place.board + 1)
        self._keep(self.board_item(), None)
        self.changed.rise()


def _alarm(alarm: Shown) -> dict[str, object]:
    kept = asdict(alarm)
    return {key: kept[key] for key in ("seq", "mark", "name", "tag", "text", "origin", "time")}


def _news(
    connection: sqlite3.Connection, place: Place, limit: int
) -> tuple[list[Message], list[_Change]]:
    messages = views.since(connection, place.seq, limit)
    changes = []
    for seq, delivery in views.delivery_changes(connection, place.rev, limit):
        entry = log.entry(connection, seq)
        if entry is not None:
            changes.append(_Change(entry.record.author, seq, delivery))
    return messages, changes


class Follower:
    """One phone's place in the news. Not shared: one waiter at a time."""

    def __init__(self, feed: Feed, author: str, place: Place) -> None:
        self.place = place
        self._feed = feed
        self._author = author
        self._next = -1  # number of the next item; -1: must catch up from the database first

    async def next(self) -> bytes:
        """The next frame (a JSON array) for this phone, as soon as there is one; b"" at the end."""
        while not self._feed.stopped:
            grew = self._feed.changed.waiter()
            if self._next >= self._feed.first:
                frame = self._pending()
            else:
                frame = await self._catch_up()
            if frame:
                return frame
            if self._next == self._feed.end:
                await grew.wait()
        return b""

    def _pending(self) -> bytes:
        behind = self._feed.end - self._next
        if behind == 0:
            return b""
        if behind == 1:
            item = self._feed.tail[-1]
            self._next += 1
            self.place = item.place
            return item.frame if item.author in (None, self._author) else b""
        start = self._next - self._feed.first
        items = list(islice(self._feed.tail, start, start + MAX_JOINED))
        self._next += len(items)
        self.place = items[-1].place
        return _frame([i.text for i in items if i.author in (None, self._author)])

    async def _catch_up(self) -> bytes:
        """What the database has after this phone's place; then it follows the kept items."""
        feed = self._feed
        upto, number = feed.place, feed.end
        messages, changes = await feed.read_since(self.place, MAX_REPLAY + 1)
        lost = self.place.seq > upto.seq and self.place.seq > await feed.last_seq()
        if lost or len(messages) > MAX_REPLAY or len(changes) > MAX_REPLAY:
            texts = [dumps({"t": "reload"})]
        else:
            texts = [feed.draw(m) for m in messages if m.seq <= upto.seq]
            own = (c for c in changes if c.author == self._author)
            texts += [feed.draw_change(change) for change in own]
        if self.place.board != upto.board:
            texts.append(feed.board_item())
        self._next, self.place = number, upto
        return _frame(texts)


def _frame(texts: list[str]) -> bytes:
    return f"[{','.join(texts)}]".encode() if texts else b""


FEED = web.AppKey("feed", Feed)
