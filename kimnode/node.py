"""The composition root of the village node: opens everything in order, runs the loops, closes.

It only wires. Start: database, web, then the loops in one TaskGroup. Stop (SIGTERM, SIGINT): the
web stops accepting, the loops end, the writer finishes, the database closes.
"""

import asyncio
import contextlib
import logging
import random
import signal
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

from aiohttp import web

from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.errors import ConfigError
from kimnode.intake import Intake
from kimnode.metrics import Metrics
from kimnode.radio.desk import Desk, open_desk
from kimnode.record import Notice
from kimnode.rules.rooms import ROOMS
from kimnode.store import outbox, people, retention
from kimnode.store.db import Database, Signal, open_database
from kimnode.store.retention import Budget
from kimnode.web.app import Site, create_app, phones

log = logging.getLogger(__name__)

RETENTION_EVERY_S = 3600.0
NOTICE_EVERY_S = 2.0
POSTS_WINDOW_S = 2 * 3600  # radios heard within it count as "posts on the air"
KEEPALIVE_S = 10.0  # idle and half-open connections of phones are closed after it


class Board:
    """The newest Notice, and the signal that it changed."""

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


@contextlib.asynccontextmanager
async def open_node(
    config: Config, clock: Clock, rng: random.Random
) -> AsyncIterator[tuple[str, "asyncio.Event"]]:
    """A running node: (its URL, the event that ends it). ConfigError when it cannot be opened."""
    metrics = Metrics()
    async with contextlib.AsyncExitStack() as stack:
        db = await stack.enter_async_context(open_database(Path(config.database), int(clock.now())))
        intake = Intake(db, clock, metrics)
        desk = await open_desk(config, db, intake, clock, metrics, rng)
        board = Board(db, desk, clock, metrics)
        app = create_app(
            Site(
                config=config,
                db=db,
                intake=intake,
                clock=clock,
                metrics=metrics,
                notice=lambda: board.notice,
                noticed=board.changed,
                wait_s=desk.wait_s,
                price_s=desk.price_s,
            )
        )
        runner = web.AppRunner(app, access_log=None, keepalive_timeout=KEEPALIVE_S)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        board.count_phones(lambda: phones(app))
        listener = await _listen(runner, config)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            loops = [
                tasks.create_task(desk.run(), name="radio"),
                tasks.create_task(board.run(), name="notice"),
                tasks.create_task(_retain(db, config, clock), name="retention"),
            ]
            try:
                yield _url(runner, config), stop
            finally:
                await listener.stop()
                for loop in loops:
                    loop.cancel()


async def _listen(runner: web.AppRunner, config: Config) -> web.TCPSite:
    listener = web.TCPSite(runner, config.listen, config.port)
    try:
        await listener.start()
    except OSError as error:
        raise ConfigError(
            f"The pages cannot be served on {config.listen}:{config.port} ({error.strerror}). "
            "Stop the program that uses it, or set another port."
        ) from error
    return listener


def _url(runner: web.AppRunner, config: Config) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://{config.listen if host == '0.0.0.0' else host}:{port}/"  # noqa: S104


async def _retain(db: Database, config: Config, clock: Clock) -> None:
    carried = [room.id for room in ROOMS.values() if room.uplink]
    budget = Budget(config.retention_days, config.retention_mb, carried)
    while True:
        now = clock.now()
        deleted = 0
        batch = partial(retention.delete_batch, budget=budget, now=int(now))
        while count := await db.write(batch, quiet=True):
            deleted += count
        await db.write(partial(retention.delete_sent, now=now), quiet=True)
        if deleted:
            log.info("retention deleted %d messages", deleted)
        await clock.sleep(RETENTION_EVERY_S)


async def run_node(config: Config, clock: Clock) -> None:
    """The daemon: until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    async with open_node(config, clock, random.SystemRandom()) as (url, stop):
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        log.info("%s is open at %s", config.name, url)
        await stop.wait()
        log.info("stopping")
