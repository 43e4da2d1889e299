"""The composition root of the village node: opens everything in order, runs the loops, closes.

It only wires. Start: database, web, then the loops in one TaskGroup. Stop (SIGTERM, SIGINT): the
web stops accepting, the loops end, the writer finishes, the database closes.
"""

import asyncio
import contextlib
import logging
import random
import signal
from collections.abc import AsyncIterator, Coroutine, Mapping
from functools import partial
from pathlib import Path

from aiohttp import web

from kimnode.attestor import Attestor
from kimnode.board import Board
from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.errors import ConfigError, StoreError
from kimnode.intake import Intake
from kimnode.keys.own import open_own
from kimnode.metrics import Metrics
from kimnode.radio.desk import Authority, Desk, open_desk
from kimnode.rules.rooms import ROOMS
from kimnode.store import birth, retention
from kimnode.store.db import Database, open_database
from kimnode.store.retention import Budget
from kimnode.timekeeper import Machine, Timekeeper, open_timekeeper
from kimnode.upkeep import Upkeep
from kimnode.web.app import Site, create_app, phones

log = logging.getLogger(__name__)

RETENTION_EVERY_S = 3600.0
SHUTDOWN_S = 3.0  # a phone that left in the middle of a request is not waited for any longer
KEEPALIVE_S = 10.0  # idle and half-open connections of phones are closed after it


@contextlib.asynccontextmanager
async def open_node(
    config: Config,
    clock: Clock,
    rng: random.Random,
    *,
    demo: bool = False,
    machine: Machine | None = None,
) -> AsyncIterator[str]:
    """A running node; yields its URL. ConfigError when it cannot be opened.

    demo     it runs under the demonstration's keys, and only under them
    machine  what this machine's own clocks say, where a demo or a test knows better
    """
    async with contextlib.AsyncExitStack() as stack:
        db = await stack.enter_async_context(open_database(Path(config.database), int(clock.now())))
        await _begin(db, Path(config.database))
        keeper = await open_timekeeper(db, clock, machine)
        site, desk, board = await _open_parts(config, db, clock, rng, keeper, demo)
        app = create_app(site)
        board.count_phones(partial(phones, app))
        runner = web.AppRunner(
            app, access_log=None, keepalive_timeout=KEEPALIVE_S, shutdown_timeout=SHUTDOWN_S
        )
        stack.push_async_callback(runner.cleanup)
        listener = await _listen(runner, config)
        loops = {
            "time": keeper.run(),
            "radio": desk.run(),
            "notice": board.run(),
            "upkeep": Upkeep(db, site.intake, keeper, clock).run(),
            "retention": _retain(db, config, clock),
        }
        async with _running(loops):
            try:
                yield _url(runner, config)
            finally:
                await listener.stop()


async def _begin(db: Database, path: Path) -> None:
    try:
        if await db.write(partial(birth.begin, database=path), quiet=True):
            log.warning("the database was put back from a copy: documents are counted anew")
    except StoreError as error:  # people must be able to read, also on a full disk
        log.error("the start could not be noted: %s", error)  # noqa: TRY400


async def _open_parts(
    config: Config,
    db: Database,
    clock: Clock,
    rng: random.Random,
    keeper: Timekeeper,
    demo: bool,
) -> tuple[Site, Desk, Board]:
    metrics = Metrics()
    own = await open_own(config, db, demo=demo)
    intake = Intake(db, clock, metrics, keeper.estimate)
    attestor = Attestor(own.key.seed, db, intake, keeper.estimate) if own.key else None
    authority = Authority(keeper.estimate, attestor, keeper.sure_s, keeper.take)
    desk = await open_desk(config, db, intake, clock, metrics, rng, authority)
    board = Board(db, desk, clock, metrics)
    site = Site(
        config=config,
        db=db,
        intake=intake,
        clock=clock,
        metrics=metrics,
        notice=lambda: board.notice,
        noticed=board.changed,
        wait_s=desk.wait_s,
        price_s=desk.price_s,
        packet_s=desk.packet_s,
        estimate=keeper.estimate,
        demo=demo,
        attestor=attestor,
        staff_networks=config.staff_networks,
    )
    return site, desk, board


@contextlib.asynccontextmanager
async def _running(loops: Mapping[str, Coroutine[None, None, None]]) -> AsyncIterator[None]:
    """Run the loops while the block lasts. One that fails ends the block: loudly, not half."""
    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(loop, name=name) for name, loop in loops.items()]
        try:
            yield
        finally:
            for task in started:
                task.cancel()


async def _listen(runner: web.AppRunner, config: Config) -> web.TCPSite:
    await runner.setup()
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
    looked_at = clock.monotonic()
    while True:
        passed_s = clock.monotonic() - looked_at
        looked_at += passed_s
        try:
            await _retain_once(db, budget, clock, passed_s)
        except StoreError as error:  # the pages must stay open on a full disk
            log.error("old messages could not be deleted: %s", error)  # noqa: TRY400
        await clock.sleep(RETENTION_EVERY_S)


async def _retain_once(db: Database, budget: Budget, clock: Clock, passed_s: float) -> None:
    now = clock.now()
    sure = await db.write(partial(retention.clock_is_sure, now=now, passed_s=passed_s), quiet=True)
    if sure:
        await db.write(partial(retention.delete_sent, now=clock.steady()), quiet=True)
    else:
        log.warning("the clock was set: nothing is deleted by age until it has run on for a while")
    deleted = 0
    batch = partial(retention.delete_batch, budget=budget, now=int(now) if sure else 0)
    while count := await db.write(batch, quiet=True):
        deleted += count
    if deleted:
        log.info("retention deleted %d messages", deleted)


async def run_node(config: Config, clock: Clock) -> None:
    """The daemon: until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    async with open_node(config, clock, random.SystemRandom()) as url:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        log.info("%s is open at %s", config.name, url)
        await stop.wait()
        log.info("stopping")
