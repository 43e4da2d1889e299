"""Writes posts durably in a process of its own, so that the kernel's byte counts are its alone.

    python -m benchmarks.durable_worker VARIANT DATABASE POSTS

store     32 tasks wait for kimnode's Database.write(), each writes again once its post is on disk
admitted  the same, and the writer also judges each text, as intake.accept() makes it do
bare      one thread, sqlite3 module, the SQL of `store`, one commit per 32 posts (WAL, FULL)
default   the same with SQLite's default settings and one commit per post
The records are made beforehand for all of them. Prints one line of JSON.
"""

import asyncio
import hashlib
import json
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.processes import own_cpu_s, own_io
from benchmarks.talk import records
from kimnode.record import Record, Via
from kimnode.rules.admission import Situation, admit
from kimnode.rules.sos import SosState
from kimnode.store import log, project
from kimnode.store.db import open_database

Append = Callable[[sqlite3.Connection, Record], None]

WRITERS = 32
NEW_SEED = 11


class Meter:
    """What the process used between making it and `read`."""

    def __init__(self) -> None:
        self._io, self._cpu_s = own_io(), own_cpu_s()
        self._start = time.monotonic()
        self._elapsed_s = 0.0

    def written(self) -> None:
        """All posts are on disk; closing the database still belongs to the bytes."""
        self._elapsed_s = time.monotonic() - self._start

    def read(self, posts: int, commits: int) -> Mapping[str, float]:
        io = own_io()
        return {
            "posts_per_s": posts / self._elapsed_s,
            "group": posts / commits,
            "cpu_us": (own_cpu_s() - self._cpu_s) / posts * 1e6,
            "write_bytes": (io["write_bytes"] - self._io["write_bytes"]) / posts,
            "wchar": (io["wchar"] - self._io["wchar"]) / posts,
        }


def store_append(connection: sqlite3.Connection, record: Record) -> None:
    """Once, into the log and the read tables."""
    if log.find(connection, record.author, record.nonce) is None:
        entry = log.append(connection, record, Via.WEB, record.made_at)
        project.apply(connection, entry)


def admitted_append(connection: sqlite3.Connection, record: Record) -> None:
    """All that intake.accept() does in the writer for a villager's text."""
    open_sos = len(project.sos_by(connection, record.author, SosState.OPEN))
    admit(record, Via.WEB, Situation(open_sos=open_sos))
    store_append(connection, record)


async def node(path: Path, posts: Sequence[Record], append: Append) -> Mapping[str, float]:
    """kimnode's store under 32 writers that never tire."""
    waiting = iter(posts)
    commits = 0

    async def writer() -> None:
        for record in waiting:

            def work(connection: sqlite3.Connection, post: Record = record) -> None:
                append(connection, post)

            await db.write(work)

    async def count_commits() -> None:
        nonlocal commits
        while True:
            grew = db.committed.waiter()
            await grew.wait()
            commits += 1

    async with open_database(path, posts[0].made_at) as db:
        meter = Meter()
        async with asyncio.TaskGroup() as tasks:
            counting = tasks.create_task(count_commits(), name="count")
            async with asyncio.TaskGroup() as writers:
                for _ in range(WRITERS):
                    writers.create_task(writer(), name="writer")
            meter.written()
            counting.cancel()
    return meter.read(len(posts), commits)


def bare_append(connection: sqlite3.Connection, record: Record) -> None:
    """The statements of store_append, and nothing else."""
    known = connection.execute(
        "SELECT seq FROM seen WHERE author = ? AND nonce = ?", (record.author, record.nonce)
    ).fetchone()
    if known:
        return
    (previous,) = connection.execute(
        "SELECT coalesce((SELECT chain FROM log ORDER BY seq DESC LIMIT 1), ?)", (bytes(32),)
    ).fetchone()
    chain = hashlib.sha256(previous + record.id).digest()
    seq = connection.execute(
        "INSERT INTO log (id, kind, author, room, channel, made_at, nonce, subject, salt,"
        " body_hash, via, received_at, chain) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            record.id,
            1,
            record.author,
            record.room,
            "",
            record.made_at,
            record.nonce,
            None,
            record.salt,
            record.body_hash,
            1,
            record.made_at,
            chain,
        ),
    ).lastrowid
    connection.execute("INSERT INTO seen VALUES (?, ?, ?)", (record.author, record.nonce, seq))
    assert record.body is not None
    connection.execute(
        "INSERT INTO body VALUES (?, ?, ?)", (seq, record.body.nick, record.body.text)
    )


def bare(path: Path, posts: Sequence[Record], group: int, pragmas: Sequence[str]) -> Any:
    """The sqlite3 module in one thread, `group` posts per commit."""
    found: dict[str, float] = {}

    def work() -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
        meter = Meter()
        commits = 0
        for part in _groups(posts, group):
            connection.execute("BEGIN IMMEDIATE")
            for record in part:
                bare_append(connection, record)
            connection.execute("COMMIT")
            commits += 1
        meter.written()
        connection.close()
        found.update(meter.read(len(posts), commits))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return found


def _groups(posts: Sequence[Record], size: int) -> Iterator[list[Record]]:
    left = iter(posts)
    while part := list(islice(left, size)):
        yield part


NODE: Mapping[str, Append] = {"store": store_append, "admitted": admitted_append}


def main(variant: str, database: str, count: str) -> None:
    path, posts = Path(database), list(records(int(count), NEW_SEED))
    if variant in NODE:
        found = asyncio.run(node(path, posts, NODE[variant]))
    elif variant == "bare":
        wal = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
        found = bare(path, posts, WRITERS, wal)
    else:
        found = bare(path, posts, 1, ("journal_mode=DELETE", "foreign_keys=ON"))
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
