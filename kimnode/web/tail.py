"""The newest items, and the phones that have heard all of them: the hot path of the whole node.

Phones on a lane are written to with every publication, one prepared frame for all. One whose
socket has no room leaves its lane and goes on with a loop of its own (sockets.py, follower.py).
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from itertools import islice

from kimnode.store.db import Signal
from kimnode.web import news
from kimnode.web.news import Item, Place

TAIL_ITEMS = 512  # kept ready to send; about 300 bytes each


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


class Tail:
    """Items are numbered from 0; the newest one is `end - 1`."""

    def __init__(self) -> None:
        self.changed = Signal()
        self.end = 0
        self.place = Place()  # of a phone that has heard all items
        self.stopped = False
        self._items: deque[Item] = deque(maxlen=TAIL_ITEMS)
        self._lanes: set[Lane] = set()

    def after(self, number: int, limit: int) -> list[Item] | None:
        """Kept items from that number on; None when the first of them is not kept any more."""
        start = number - (self.end - len(self._items))
        return None if start < 0 else list(islice(self._items, start, start + limit))

    def join(self, lane: Lane) -> None:
        """From now on, until it falls behind, the lane is written to.

        Its socket must have heard all up to `end`, and no await may lie between that and this.
        """
        lane.fell_behind.clear()
        self._lanes.add(lane)

    def leave(self, lane: Lane) -> None:
        self._lanes.discard(lane)

    def publish(self, batch: Sequence[Item]) -> None:
        """Keep the items, write them to every lane, wake everybody else."""
        before, first = self.place, self.end
        self._items.extend(batch)
        self.end += len(batch)
        self.place = batch[-1].place
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

    def stop(self) -> None:
        """Release everybody who waits: the node is going down."""
        self.stopped = True
        for lane in self._lanes:
            lane.fell_behind.set()
        self._lanes.clear()
        self.changed.rise()
