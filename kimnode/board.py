"""The newest Notice: how the radio is, how much waits, how many phones and posts are there.

Looked at every few seconds and told only when it changed; nothing of it is stored.
"""

from collections.abc import Callable
from functools import partial

from kimnode.clock import Clock
from kimnode.metrics import Metrics
from kimnode.radio.desk import Desk
from kimnode.record import Notice
from kimnode.store import outbox, people
from kimnode.store.db import Database, Signal

NOTICE_EVERY_S = 2.0
POSTS_WINDOW_S = 2 * 3600  # radios heard within it count as "posts on the air"


class Board:
    """Holds the Notice; `changed` rises when there is a new one."""

    def __init__(self, db: Database, desk: Desk, clock: Clock, metrics: Metrics) -> None:
        self.changed = Signal()
        self._db = db
        self._desk = desk
        self._clock = clock
        self._metrics = metrics
        self._phones: Callable[[], int] = lambda: 0
        self.notice = self._look(0, 0)

    def count_phones(self, phones: Callable[[], int]) -> None:
        """Where to ask how many phones are connected, once the web is up."""
        self._phones = phones

    async def run(self) -> None:
        """Look every few seconds; tell only what is new."""
        while True:
            since = int(self._clock.now()) - POSTS_WINDOW_S
            posts = await self._db.read(partial(people.nodes_heard_since, since=since))
            waiting = await self._db.read(outbox.waiting_count)
            notice = self._look(waiting, posts)
            if notice != self.notice:
                self.notice = notice
                self.changed.rise()
            await self._clock.sleep(NOTICE_EVERY_S)

    def _look(self, waiting: int, posts: int) -> Notice:
        state, since, reason = self._desk.state()
        used_ms, budget_ms = self._desk.airtime_ms()
        notice = Notice(state, since, reason, waiting, used_ms, budget_ms, self._phones(), posts)
        self._metrics.outbox_waiting.set(waiting)
        self._metrics.phones.set(notice.phones)
        self._metrics.airtime_ms.set(used_ms)
        self._metrics.airtime_budget_ms.set(budget_ms)
        return notice
