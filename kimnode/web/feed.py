"""News for the phones: read once, drawn once, framed once, sent to everybody.

One reader task follows the log and keeps the newest items. Phones that have heard everything and
whose socket has room are written to from here; each of the others has its own loop with its own
place (follower.py), so a slow phone delays nobody.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from aiohttp import web

from kimnode.record import Kind
from kimnode.rules.delivery import State
from kimnode.store import log, views
from kimnode.store.db import Signal
from kimnode.store.views import Message
from kimnode.web import news
from kimnode.web.news import Change, Item, Place
from kimnode.web.shown import Drawing, Shown, as_json, dumps
from kimnode.web.site import Site

TAIL_ITEMS = 512  # kept ready to send; about 300 bytes each
READ_MESSAGES = 200  # read from the log at once
MAX_WAITING = 100  # texts in line for the air whose writers are kept informed
MAX_ALARMS = 20  # shown at once; more would only hide the first
BOARD_EVERY_S = 5.0  # the clock of what changes without a commit: radio line, waiting times
ALARM_KINDS = (Kind.SOS, Kind.SOS_ACK, Kind.SOS_CANCEL)


class Lane:
    """A socket that has heard everything so far. `fell_behind` rises when it cannot keep up."""

    def __init__(self, outlet: asyncio.WriteTransport, author: str) -> None:
        self.outlet = outlet
        self.write = outlet.write
        self.unsent_bytes = outlet.get_write_buffer_size
        self.author = author
        self.fell_behind = asyncio.Event()
        self.next = 0  # number of the first item that it has not heard, once it fell behind
        self.place = Place()


class Feed:
    """Run `run()` and `run_board()` as tasks."""

    def __init__(self, site: Site, drawing: Drawing) -> None:
        self.changed = Signal()
        self.end = 0  # items ever published; the newest one has the number end - 1
        self.place = Place()
        self.stopped = False
        self._tail: deque[Item] = deque(maxlen=TAIL_ITEMS)
        self._batch: list[Item] = []  # published together
        self._lanes: set[Lane] = set()
        self._site = site
        self._drawing = drawing
        self._alarms: list[Shown] = []
        self._board = ""
        self._waiting: dict[int, tuple[Change, str]] = {}  # seq -> and what was told last

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
        self._tell_board()
        self._publish()

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
            self._tell_board()
            self._tell_waits()
            self._publish()
            try:
                async with self._site.clock.timeout(BOARD_EVERY_S):
                    await noticed.wait()
            except TimeoutError:
                continue

    def stop(self) -> None:
        """Release everybody who waits: the node is going down."""
        self.stopped = True
        for lane in self._lanes:
            lane.fell_behind.set()
        self._lanes.clear()
        self.changed.rise()

    def join(self, lane: Lane) -> None:
        """From now on, until it falls behind, the lane is written to with every publication.

        Its socket must have heard all up to `end`, and no await may lie between that and this.
        """
        lane.fell_behind.clear()
        self._lanes.add(lane)

    def leave(self, lane: Lane) -> None:
        self._lanes.discard(lane)

    def place_of_end(self) -> Place:
        """The place of a phone that has heard all items; `place` may be ahead, while reading."""
        return self._tail[-1].place if self._tail else self.place

    def after(self, number: int, limit: int) -> list[Item] | None:
        """Kept items from that number on; None when the first of them is not kept any more."""
        start = number - (self.end - len(self._tail))
        return None if start < 0 else list(islice(self._tail, start, start + limit))

    def board_text(self) -> str:
        """The board as a JSON item."""
        return f'{{"t":"board","board":{self.place.board},{self._board[1:]}'

    def message_text(self, message: Message) -> str:
        """A message as a JSON item."""
        return as_json(self._drawing.show(message), self.place.rev)

    def change_text(self, change: Change) -> str:
        """A delivery change as a JSON item."""
        code, text = self._drawing.delivery(change.seq, change.delivery)
        parts = {"seq": change.seq, "rev": change.delivery.rev, "state": code, "state_words": text}
        return dumps({"t": "delivery", **parts})

    async def read_since(self, place: Place, limit: int) -> tuple[list[Message], list[Change]]:
        """What the database has after `place`, at most `limit` of each."""
        return await self._site.db.read(lambda c: news.read(c, place, limit))

    async def last_seq(self) -> int:
        return await self._site.db.read(log.last_seq)

    async def _read(self) -> bool:
        """Publish what is new; True when there may be more."""
        messages, changes = await self.read_since(self.place, READ_MESSAGES)
        for message in messages:
            self.place = replace(self.place, seq=message.seq)
            self._tell(self.message_text(message), None)
        for change in changes:
            self.place = replace(self.place, rev=max(self.place.rev, change.delivery.rev))
            self._tell_change(change)
        if any(message.kind in ALARM_KINDS for message in messages):
            self._set_alarms(await self._site.db.read(views.open_alarms))
            self._tell_board()
        self._publish()
        return READ_MESSAGES in (len(messages), len(changes))

    def _tell(self, text: str, author: str | None) -> None:
        self._batch.append(Item(text, author, self.place))

    def _tell_change(self, change: Change) -> None:
        """While it waits for its turn, remember to tell again how long that takes."""
        text = self.change_text(change)
        waits = change.delivery.state is State.QUEUED and len(self._waiting) < MAX_WAITING
        self._waiting.pop(change.seq, None)
        if waits:
            self._waiting[change.seq] = (change, text)
        self._tell(text, change.author)

    def _tell_waits(self) -> None:
        """What was said a minute ago about a waiting text is not true any more."""
        for change, told in list(self._waiting.values()):
            if self.change_text(change) != told:
                self._tell_change(change)

    def _tell_board(self) -> None:
        code, text = self._drawing.radio()
        radio = {"code": code, "words": text}
        board = dumps({"radio": radio, "alarms": [_alarm(alarm) for alarm in self._alarms]})
        if board != self._board:
            self._board = board
            self.place = replace(self.place, board=self.place.board + 1)
            self._tell(self.board_text(), None)

    def _publish(self) -> None:
        """Keep the batch and write it to every lane: the hot path of the whole node."""
        batch, self._batch = self._batch, []
        if not batch:
            return
        before, first = self.place_of_end(), self.end
        self._tail.extend(batch)
        self.end += len(batch)
        named = {item.author for item in batch if item.author}
        public = news.joined([item.text for item in batch if not item.author])
        general = news.text_frame(public) if public else b""  # an empty frame is no JSON
        behind = []
        for lane in self._lanes:
            frame = general
            if named and lane.author in named:
                frame = news.text_frame(news.joined_for(lane.author, batch))
            if lane.unsent_bytes():
                behind.append(lane)
            elif frame:
                lane.write(frame)
        for lane in behind:
            lane.next, lane.place = first, before
            self._lanes.discard(lane)
            lane.fell_behind.set()
        self.changed.rise()

    def _set_alarms(self, alarms: Sequence[Message]) -> None:
        self._site.metrics.open_sos.set(len(alarms))
        self._alarms = [self._drawing.show(alarm) for alarm in alarms[:MAX_ALARMS]]


def _alarm(alarm: Shown) -> dict[str, object]:
    keys = ("seq", "mark", "name", "tag", "text", "origin", "time")
    return {key: getattr(alarm, key) for key in keys}


FEED = web.AppKey("feed", Feed)
