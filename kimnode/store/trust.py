"""Whom this node believes, read from the log. Nothing is believed because it is in a table.

Every document is verified when it is read, whoever wrote its row; only what this object verified
itself is not verified twice. Facts: "root" (id of the root document that the operator accepted)
and "gateway-key" (public key of this gateway).
"""

import sqlite3
from dataclasses import dataclass

from kimnode.errors import StoreError, WireError
from kimnode.record import Kind
from kimnode.rules.chain import Built, Heard, build
from kimnode.rules.trust import Trust
from kimnode.store import people
from kimnode.wire import sealed

TRUST_KINDS = (Kind.ROOT, Kind.CERT, Kind.REVOCATION, Kind.SUSPENSION)
ROOT_FACT, HERE_FACT = "root", "gateway-key"
_OF_KINDS = f"kind IN ({','.join(str(int(kind)) for kind in TRUST_KINDS)})"


def pinned_root(connection: sqlite3.Connection) -> bytes | None:
    """Id of the root document that the operator accepted."""
    return people.fact(connection, ROOT_FACT)


def pin_root(connection: sqlite3.Connection, root_id: bytes) -> None:
    """Believe this root document from now on, for ever. StoreError when another one is believed."""
    before = pinned_root(connection)
    if before not in (None, root_id):
        raise StoreError(
            "This database trusts another province's root already. Start with a new database, or "
            "take the root that follows the one it knows."
        )
    people.set_fact(connection, ROOT_FACT, root_id)


def here(connection: sqlite3.Connection) -> bytes | None:
    """Public key of this gateway; None before it has one."""
    return people.fact(connection, HERE_FACT)


def set_here(connection: sqlite3.Connection, public_key: bytes) -> None:
    """This gateway has this key from now on (after a restore: a new one)."""
    people.set_fact(connection, HERE_FACT, public_key)


@dataclass(frozen=True, slots=True)
class _Mark:
    """What the log looked like: any row that came, went or was exchanged changes it."""

    seq: int
    count: int
    chain: bytes
    root_id: bytes | None


@dataclass(frozen=True, slots=True)
class _Loaded:
    mark: _Mark
    heard: tuple[Heard, ...]
    unreadable: int
    built: Built


class TrustCache:
    """One for each database, handed to whoever judges. Both its connections may use it: what was
    read inside a transaction that failed is noticed and read again."""

    def __init__(self) -> None:
        self._loaded: _Loaded | None = None

    def load(self, connection: sqlite3.Connection) -> Trust:
        """What the log adds up to now; cheap when nothing has changed."""
        loaded, mark = self._loaded, _mark(connection)
        if loaded is None or loaded.mark != mark:
            loaded = _loaded(connection, mark, loaded)
            self._loaded = loaded
        return loaded.built.trust

    @property
    def ignored(self) -> int:
        """Rows of the last load() that count for nothing, for the doctor and the status page."""
        return self._loaded.unreadable + self._loaded.built.ignored if self._loaded else 0


def _loaded(connection: sqlite3.Connection, mark: _Mark, before: _Loaded | None) -> _Loaded:
    known: tuple[Heard, ...] = ()
    after = unreadable = 0
    if before is not None and _is_kept(connection, before.mark):
        known, after, unreadable = before.heard, before.mark.seq, before.unreadable
    new, bad = _read(connection, after)
    if len(known) + unreadable + len(new) + bad != mark.count:  # rows went, or came in between
        known, unreadable = (), 0
        new, bad = _read(connection, 0)
    heard = (*known, *new)
    verified = before.built.verified if before else ()
    return _Loaded(mark, heard, unreadable + bad, build(heard, mark.root_id, verified))


def _mark(connection: sqlite3.Connection) -> _Mark:
    seq, count = connection.execute(
        f"SELECT coalesce(max(seq), 0), count(*) FROM log WHERE {_OF_KINDS}"
    ).fetchone()
    return _Mark(seq, count, _chain(connection, seq), pinned_root(connection))


def _chain(connection: sqlite3.Connection, seq: int) -> bytes:
    row = connection.execute("SELECT chain FROM log WHERE seq = ?", (seq,)).fetchone()
    return row[0] if row else b""


def _is_kept(connection: sqlite3.Connection, mark: _Mark) -> bool:
    """Whether the newest row of then is still there; the chain covers all before it."""
    return _chain(connection, mark.seq) == mark.chain


def _read(connection: sqlite3.Connection, after: int) -> tuple[list[Heard], int]:
    """Documents of later rows, and how many rows hold none that is what the row says."""
    heard, bad = [], 0
    rows = connection.execute(
        "SELECT id, kind, CAST(received_at AS INTEGER), bytes"
        f" FROM log LEFT JOIN document USING (seq) WHERE {_OF_KINDS} AND seq > ? ORDER BY seq",
        (after,),
    )
    for row_id, kind, received_at, data in rows:
        try:
            document = sealed.decode(data if isinstance(data, bytes) else b"")
        except WireError:
            bad += 1
            continue
        if (document.id, document.KIND) != (row_id, kind):
            bad += 1
            continue
        heard.append(Heard(document, received_at))
    return heard, bad
