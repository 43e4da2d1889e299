"""One phone's own place in the news, for as long as it is not where everybody is.

It reads the database when it is far behind, the kept items when it is a little behind.
"""

from kimnode.web import news
from kimnode.web.feed import Feed
from kimnode.web.news import Place
from kimnode.web.shown import dumps

MAX_REPLAY = 300  # a phone further behind is told to load its page anew
MAX_JOINED = 64  # items in one frame


class Follower:
    """Not shared: one waiter at a time."""

    def __init__(self, feed: Feed, author: str, place: Place) -> None:
        self._feed = feed
        self._author = author
        self._place = place
        self._next = -1  # number of the next item; -1: must catch up from the database first

    @property
    def caught_up(self) -> bool:
        """Whether it has heard everything that was published."""
        return self._next == self._feed.tail.end

    def go_back(self, number: int, place: Place) -> None:
        """Begin again at item `number`, having heard all up to `place`."""
        self._next, self._place = number, place

    async def read(self) -> bytes:
        """The next frame's payload (a JSON array); b"" when there is nothing for this phone now."""
        items = self._feed.tail.after(self._next, MAX_JOINED) if self._next >= 0 else None
        if items is None:
            return await self._catch_up()
        if items:
            self._next, self._place = self._next + len(items), items[-1].place
        return news.joined_for(self._author, items)

    async def wait(self) -> bytes:
        """The next payload as soon as there is one; b"" when the node goes down."""
        tail = self._feed.tail
        while not tail.stopped:
            grew = tail.changed.waiter()
            payload = await self.read()
            if payload:
                return payload
            if self.caught_up:
                await grew.wait()
        return b""

    async def _catch_up(self) -> bytes:
        """What the database has after this phone's place; then it follows the kept items."""
        feed, place = self._feed, self._place
        upto, number = feed.tail.place, feed.tail.end
        messages, changes = await feed.read_since(place, MAX_REPLAY + 1)
        lost = place.seq > upto.seq and place.seq > await feed.last_seq()
        if lost or len(messages) > MAX_REPLAY or len(changes) > MAX_REPLAY:
            texts = [dumps({"t": "reload"})]
        else:
            texts = [feed.message_text(m) for m in messages if m.seq <= upto.seq]
            texts += [feed.change_text(c) for c in changes if c.author == self._author]
        if place.board != upto.board:
            texts.append(feed.board_text())
        self.go_back(number, upto)
        return news.joined(texts)
