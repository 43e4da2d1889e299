"""Pieces of news and how they travel: the values that the feed, its followers and sockets share."""

import sqlite3
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kimnode.store import log, views
from kimnode.store.views import Delivery, Message

MAX_POSITION = 2**62


@dataclass(frozen=True, slots=True)
class Place:
    """How far a phone has read: log position, delivery change, and the board it has seen."""

    seq: int = 0
    rev: int = 0
    board: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of news as JSON, and the place of who has heard it."""

    text: str
    author: str | None  # only this phone is told; None: everybody
    place: Place

    def is_for(self, author: str) -> bool:
        return self.author is None or self.author == author


@dataclass(frozen=True, slots=True)
class Change:
    """How far a message has come by now, and whose it is."""

    author: str
    seq: int
    delivery: Delivery


def read(
    connection: sqlite3.Connection, place: Place, limit: int
) -> tuple[list[Message], list[Change]]:
    """What the database has after `place`, at most `limit` of each kind."""
    messages = views.since(connection, place.seq, limit)
    changes = []
    for seq, delivery in views.delivery_changes(connection, place.rev, limit):
        entry = log.entry(connection, seq)
        if entry is not None:
            changes.append(Change(entry.record.author, seq, delivery))
    return messages, changes


def joined(texts: Sequence[str]) -> bytes:
    """Items as the JSON array that phones are sent; b"" for none."""
    return f"[{','.join(texts)}]".encode() if texts else b""


def joined_for(author: str, items: Iterable[Item]) -> bytes:
    """Those items that this phone is told."""
    return joined([item.text for item in items if item.is_for(author)])


def text_frame(payload: bytes) -> bytes:
    """A whole text message as one web socket frame of a server (RFC 6455 section 5.2)."""
    size = len(payload)
    if size < 126:
        return struct.pack(">BB", 0x81, size) + payload
    if size < 65_536:
        return struct.pack(">BBH", 0x81, 126, size) + payload
    return struct.pack(">BBQ", 0x81, 127, size) + payload
