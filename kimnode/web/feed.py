"""News for the phones: one reader task follows the log, puts each item into words once, and
publishes it. Who has which phone hear it, is the tail's (tail.py) and the followers' business.
"""

from dataclasses import replace

from aiohttp import web

from kimnode.record import Kind
from kimnode.rules.delivery import State
from kimnode.store import log, views
from kimnode.store.views import Message
from kimnode.web import news
from kimnode.web.board import Board
from kimnode.web.cards import Cards
from kimnode.web.newest import Newest
from kimnode.web.news import Change, Item, Place
from kimnode.web.shown import Drawing, as_json, dumps
from kimnode.web.site import Site
from kimnode.web.tail import Tail

READ_MESSAGES = 200  # read from the log at once
MAX_WAITING = 100  # texts in line for the air whose writers are kept informed
BOARD_EVERY_S = 5.0  # the clock of what changes without a commit: radio line, waiting times
ALARM_KINDS = (Kind.SOS, Kind.SOS_ACK, Kind.SOS_CANCEL)


class Feed:
    """Run `run()` and `run_board()` as tasks. `place`: how far the log was read."""

    def __init__(self, site: Site, drawing: Drawing, cards: Cards) -> None:
        self.tail = Tail()
        self.board = Board(drawing)
        self.place = Place()
        self._site = site
        self._drawing = drawing
        self._newest = Newest(site, cards)
        self._batch: list[Item] = []  # published together
        self._waiting: dict[int, tuple[Change, str]] = {}  # seq -> and what was told last

    async def start(self) -> None:
        """Begin at the end of the log: what is older is read from the database by who needs it."""
        seq, rev, alarms = await self._site.db.read(
            lambda c: (log.last_seq(c), views.last_rev(c), views.open_alarms(c))
        )
        # A phone that saw the board of the process before must see this one: numbers go on.
        self.place = Place(seq, rev, int(self._site.clock.now()))
        self._set_alarms(alarms)
        self.board.bulletin = await self._newest.look()
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
            self.board.bulletin = await self._newest.look()
            self._tell_board()
            self._tell_waits()
            self._publish()
            try:
                async with self._site.clock.timeout(BOARD_EVERY_S):
                    await noticed.wait()
            except TimeoutError:
                continue

    def board_text(self) -> str:
        """The board as a JSON item."""
        return self.board.text(self.place.board)

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
        if self.board.renew():
            self.place = replace(self.place, board=self.place.board + 1)
            self._tell(self.board_text(), None)

    def _set_alarms(self, alarms: list[Message]) -> None:
        self._site.metrics.open_sos.set(len(alarms))
        self.board.set_alarms(alarms)

    def _publish(self) -> None:
        batch, self._batch = self._batch, []
        if batch:
            self.tail.publish(batch)


FEED = web.AppKey("feed", Feed)
