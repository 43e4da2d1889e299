"""Phones and radios as people see them. Identity is a token's hash, never a name."""

import sqlite3
from dataclasses import dataclass

MAX_DEVICES = 5000  # phones remembered; those that never wrote go first
HEARD_AGAIN_S = 600
MAX_NODES = 500  # radios remembered; a forger of NodeInfo must not fill the disk


@dataclass(frozen=True, slots=True)
class Device:
    """A phone: `id` is the first 8 bytes of SHA-256 over its token."""

    id: bytes
    nick: str

    @property
    def author(self) -> str:
        return f"phone:{self.id.hex()}"


@dataclass(frozen=True, slots=True)
class RadioNode:
    """A radio as its NodeInfo names it. Unauthenticated: for display only."""

    num: int
    long_name: str
    short_name: str
    public_key: bytes
    last_heard: int

    def is_news(self, later: "RadioNode") -> bool:
        """Whether `later` says anything worth a write: a name, a key, or that it is still there."""
        same = (self.long_name, self.short_name) == (later.long_name, later.short_name)
        keyed = bool(self.public_key) or not later.public_key
        return not (same and keyed and later.last_heard - self.last_heard < HEARD_AGAIN_S)


def device(connection: sqlite3.Connection, device_id: bytes) -> Device | None:
    row = connection.execute("SELECT id, nick FROM device WHERE id = ?", (device_id,)).fetchone()
    return Device(*row) if row else None


def save_device(connection: sqlite3.Connection, known: Device, now: int) -> None:
    """Insert or rename; beyond MAX_DEVICES phones that never wrote are forgotten first."""
    connection.execute(
        "INSERT INTO device VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
        " SET nick = excluded.nick, last_seen = excluded.last_seen",
        (known.id, known.nick, now, now),
    )
    (count,) = connection.execute("SELECT count(*) FROM device").fetchone()
    if count > MAX_DEVICES:
        wrote = "EXISTS (SELECT 1 FROM seen WHERE author = 'phone:' || lower(hex(id)))"
        _forget(connection, "device", "id", f"{wrote} DESC, last_seen DESC", MAX_DEVICES)


def save_node(connection: sqlite3.Connection, node: RadioNode) -> None:
    """A NodeInfo was heard. A key once known is not replaced here: that is for a person to do."""
    connection.execute(
        "INSERT INTO node VALUES (?, ?, ?, ?, ?) ON CONFLICT (num) DO UPDATE SET"
        " long_name = excluded.long_name, short_name = excluded.short_name,"
        " public_key = iif(public_key = x'', excluded.public_key, public_key),"
        " last_heard = max(last_heard, excluded.last_heard)",
        (node.num, node.long_name, node.short_name, node.public_key, node.last_heard),
    )
    _forget(connection, "node", "num", "last_heard DESC", MAX_NODES)


def node(connection: sqlite3.Connection, num: int) -> RadioNode | None:
    row = connection.execute("SELECT * FROM node WHERE num = ?", (num,)).fetchone()
    return RadioNode(*row) if row else None


def touch_node(connection: sqlite3.Connection, num: int, now: int) -> None:
    """A packet of this radio was heard, whatever was in it."""
    connection.execute(
        "INSERT INTO node VALUES (?, '', '', x'', ?) ON CONFLICT (num) DO UPDATE"
        " SET last_heard = max(last_heard, excluded.last_heard)",
        (num, now),
    )
    _forget(connection, "node", "num", "last_heard DESC", MAX_NODES)


def nodes_heard_since(connection: sqlite3.Connection, since: int) -> int:
    (count,) = connection.execute(
        "SELECT count(*) FROM node WHERE last_heard >= ?", (since,)
    ).fetchone()
    return int(count)


def fact(connection: sqlite3.Connection, name: str) -> bytes | None:
    """A small fact about this database (pinned radio key ...), or None."""
    row = connection.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
    return bytes(row[0]) if row else None


def set_fact(connection: sqlite3.Connection, name: str, value: bytes) -> None:
    connection.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))


def _forget(connection: sqlite3.Connection, table: str, key: str, order: str, keep: int) -> None:
    """Delete what comes after the first `keep` rows in this order."""
    connection.execute(
        f"DELETE FROM {table} WHERE {key} IN"
        f" (SELECT {key} FROM {table} ORDER BY {order} LIMIT -1 OFFSET ?)",
        (keep,),
    )
