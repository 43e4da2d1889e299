"""One SQLite file: one writer task that groups waiting work into one commit, one reader.

All writes go through `write()`, all reads through `read()`. A caller that is cancelled only stops
waiting: its work still commits whole and the commit signal still rises. Never hand the writer's
connection to anybody: a second user would see half a transaction.
"""

import asyncio
import contextlib
import fcntl
import functools
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from kimnode.errors import KimnodeError, StoreError
from kimnode.store.migrate import migrate, quarantine_if_damaged, unusable

log = logging.getLogger(__name__)
T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

MAX_GROUP = 256  # works in one commit: bounds how long the first of them waits
MAX_WAITING = 4096  # works queued for the writer; callers wait for room beyond that


class Signal:
    """Rises after commits. Take the waiter BEFORE reading, or a commit may fall between."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def waiter(self) -> asyncio.Event:
        """`await waiter().wait()` returns once something was committed after this call."""
        return self._event

    def rise(self) -> None:
        self._event.set()
        self._event = asyncio.Event()


@dataclass(slots=True)
class _Job:
    work: Work[Any]
    quiet: bool
    done: asyncio.Future[Any]


class _Connection(aiosqlite.Connection):
    async def __aenter__(self) -> "_Connection":
        await super().__aenter__()
        return self

    async def run(self, work: Work[T]) -> T:
        """`work` in the connection's own thread, in one hop."""
        return await self._execute(work, self._conn)  # type: ignore[no-any-return,no-untyped-call]


class Database:
    """Open with `async with open_database(path)`."""

    def __init__(self, writer: _Connection, reader: _Connection, quarantined: Path | None) -> None:
        self.committed = Signal()
        self.quarantined = quarantined  # where a damaged file was put at start, for the pages
        self._writer = writer
        self._reader = reader
        self._jobs: asyncio.Queue[_Job | None] = asyncio.Queue(MAX_WAITING)
        self._stopped = asyncio.Event()

    async def read(self, work: Work[T]) -> T:
        """`work(connection)` on the reader: sees committed rows only, cannot write."""
        try:
            return await self._reader.run(work)
        except sqlite3.OperationalError as error:  # the disk's fault; anything else is ours
            raise StoreError(
                f"The database could not be read ({error}). Check the disk."
            ) from error

    async def write(self, work: Work[T], *, quiet: bool = False) -> T:
        """`work(connection)` in the next group commit; returns after it is on disk.

        What `work` raises comes back to this caller alone; its own changes are undone, the others
        of the group stay. `quiet` work (cursor moves) does not raise the commit signal.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        await self._jobs.put(_Job(work, quiet, done))
        return await done

    async def run_writer(self) -> None:
        """The writer task: until `stop()`, then until everything queued before is on disk."""
        try:
            while group := await self._next_group():
                outcomes = await self._writer.run(functools.partial(_run_group, group))
                _settle(group, outcomes)
                if any(not job.quiet and ok for job, (ok, _) in zip(group, outcomes, strict=True)):
                    self.committed.rise()
        finally:
            self._stopped.set()

    async def stop(self) -> None:
        """Let the writer finish what is queued and end."""
        await self._jobs.put(None)
        await self._stopped.wait()

    async def _next_group(self) -> list[_Job]:
        """At least one job, or an empty list at the end of all work."""
        group: list[_Job] = []
        job = await self._jobs.get()
        while job is not None:
            group.append(job)
            if len(group) == MAX_GROUP or self._jobs.empty():
                return group
            job = self._jobs.get_nowait()
        if group:
            self._jobs.put_nowait(None)
        return group


_Outcome = tuple[bool, Any]


def _run_group(group: list[_Job], connection: sqlite3.Connection) -> list[_Outcome]:
    """In the writer's thread: every work under its own savepoint, then one commit for all."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        outcomes = [_run_one(connection, job.work) for job in group]
        connection.execute("COMMIT")
    except sqlite3.Error as error:  # disk full, I/O: nothing of this group happened
        log.error("commit of %d writes failed: %s", len(group), error)  # noqa: TRY400
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        hint = StoreError(f"The database could not be written ({error}). Free disk space.")
        return [(False, hint)] * len(group)
    return outcomes


def _run_one(connection: sqlite3.Connection, work: Work[Any]) -> _Outcome:
    connection.execute("SAVEPOINT work")
    try:
        result: _Outcome = (True, work(connection))
    except (sqlite3.OperationalError, sqlite3.DatabaseError) as error:
        if not isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
            raise  # the disk's fault: fails the group
        result = (False, error)
    except Exception as error:  # noqa: BLE001 - goes back to the one who asked
        if not isinstance(error, KimnodeError):
            log.debug("work failed: %r", error)
        result = (False, error)
    if not result[0]:
        connection.execute("ROLLBACK TO work")
    connection.execute("RELEASE work")
    return result


def _settle(group: list[_Job], outcomes: list[_Outcome]) -> None:
    for job, (ok, value) in zip(group, outcomes, strict=True):
        if job.done.done():
            continue
        if ok:
            job.done.set_result(value)
        else:
            job.done.set_exception(value)
            job.done.exception()  # a caller that went away is no "never retrieved"


@contextlib.asynccontextmanager
async def open_database(path: Path, now: int) -> AsyncIterator[Database]:
    """The database at `path`, checked, migrated and with its writer running.

    `now` (unix seconds) names a quarantined file. StoreError when the schema is newer than known,
    another process has the file, or it cannot be opened for a reason that is not damage.
    """
    with _held(path):
        async with _opened(path, now) as database:
            yield database


@contextlib.contextmanager
def _held(path: Path) -> Iterator[None]:
    """One process at a time: two nodes on one file would each send every text. Ends with us."""
    with contextlib.ExitStack() as stack:
        try:
            path.parent.mkdir(exist_ok=True)  # its own folder; a mistyped path is not made up
            lock = stack.enter_context(path.with_name(f"{path.name}.lock").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(f"{path} is in use by another kimnode. Stop it first.") from error
        except OSError as error:
            raise unusable(path, error) from error
        yield


@contextlib.asynccontextmanager
async def _opened(path: Path, now: int) -> AsyncIterator[Database]:
    quarantined = await asyncio.to_thread(quarantine_if_damaged, path, now)
    async with contextlib.AsyncExitStack() as stack:
        writer = await stack.enter_async_context(_connect(path))
        await writer.run(migrate)
        reader = await stack.enter_async_context(_connect(path))
        await reader.run(_make_reader)
        database = Database(writer, reader, quarantined)
        failure: Exception | None = None
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(database.run_writer(), name="store-writer")
            try:
                yield database
            except Exception as error:  # noqa: BLE001 - re-raised below, not wrapped in a group
                failure = error
            finally:
                await database.stop()
        if failure is not None:
            raise failure


def _connect(path: Path) -> _Connection:
    def connector() -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(path, isolation_level=None, timeout=10)
            # FULL: NORMAL in WAL mode loses acknowledged rows at a power cut (measured).
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error as error:
            raise unusable(path, error) from error
        return connection

    return _Connection(connector, iter_chunk_size=64)


def _make_reader(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA query_only=ON")
