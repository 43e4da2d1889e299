"""Records that look like a village's talk, and a database that is already in use."""

import asyncio
import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from kimnode.radio.outbound import CURSOR
from kimnode.record import Body, Kind, Record, Via
from kimnode.store import log, project
from kimnode.store.db import open_database
from kimnode.wire.records import written

PEOPLE = 40
START = int(time.time()) - 7200  # of the talk, one message per second: retention keeps all of it
SENTENCES = (
    "Selamat pagi, air di sungai naik lagi sejak semalam",
    "Pasar tetap buka sampai sore, jalan lewat dusun dua aman",
    "Ada yang punya terpal lebih? Atap rumah Bu Sari bocor",
    "Listrik padam di RT 3 sejak jam delapan",
    "Posyandu besok jam sembilan di balai desa, bawa buku KIA",
    "Perahu terakhir berangkat jam lima, jangan terlambat",
    "Sudah dicek, kabar jembatan putus itu tidak benar",
    "Terima kasih banyak, bantuannya sudah sampai di sini",
)


def author(number: int) -> str:
    """One of the village's phones."""
    return f"phone:{number:016x}"


def records(count: int, seed: int, room: str = "umum") -> Iterator[Record]:
    """`count` different chat records of PEOPLE phones; the same seed gives the same ones."""
    rng = random.Random(seed)
    for number in range(count):
        person = rng.randrange(PEOPLE)
        text = f"{rng.choice(SENTENCES)} ({number})"
        yield written(
            Kind.CHAT,
            author(person),
            room,
            START + number,
            rng.randbytes(16),
            Body(f"Warga{person}", text),
            rng.randbytes(8),
        )


def fill(connection: sqlite3.Connection, count: int, seed: int = 7, room: str = "umum") -> None:
    """Append `count` records in the caller's transaction, as if the radio had carried them all."""
    for record in records(count, seed, room):
        entry = log.append(connection, record, Via.WEB, record.made_at)
        project.apply(connection, entry)
    log.move_cursor(connection, CURSOR, log.last_seq(connection))


def make_database(path: Path, count: int, room: str = "umum") -> None:
    """A database with the node's own schema and `count` messages in one room."""

    async def make() -> None:
        async with open_database(path, START) as db:
            await db.write(lambda c: fill(c, count, room=room))

    asyncio.run(make())
