"""What the log holds that other gateways may be given, and what they were told already.

Only bulletins whose state is public, with their approvals: what waits for a second person is
nobody's business elsewhere. States are kept by board.refresh(); read here, never judged.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator

from kimnode.errors import WireError
from kimnode.record import Kind, Via
from kimnode.rules.bulletins import BulletinState
from kimnode.wire import sealed
from kimnode.wire.documents import AnyDocument, Bulletin, Receipt, Vote

PUBLIC = (BulletinState.NOTICE, BulletinState.VIA_POST, BulletinState.VERIFIED)
CONFIRMED = (BulletinState.VIA_POST, BulletinState.VERIFIED)
MAX_PUBLIC = 150  # bulletins, the newest
MAX_OVER = 100
MAX_RECEIPTS = 200


def public(connection: sqlite3.Connection) -> list[bytes]:
    """Ids of the bulletins that this node shows as published, and of their approvals."""
    rows = connection.execute(
        f"SELECT seq, id FROM bulletin WHERE state IN ({_marks(PUBLIC)}) ORDER BY seq DESC LIMIT ?",
        (*PUBLIC, MAX_PUBLIC),
    ).fetchall()
    ids = [found for _, found in rows]
    votes = connection.execute(
        f"SELECT id FROM log WHERE kind = ? AND subject IN ({_marks(ids)})", (Kind.APPROVAL, *ids)
    )
    return [*ids, *(found for (found,) in votes)]


def documents(connection: sqlite3.Connection, ids: Collection[bytes]) -> list[Bulletin | Vote]:
    """These bulletins and votes, in the order in which they came."""
    rows = connection.execute(
        f"SELECT bytes FROM log JOIN document USING (seq) WHERE id IN ({_marks(ids)}) ORDER BY seq",
        (*ids,),
    )
    return [found for found in _documents(rows) if isinstance(found, Bulletin | Vote)]


def over(connection: sqlite3.Connection) -> list[Bulletin | Vote]:
    """Bulletins that are known here and no longer published, the newest ones."""
    others = (*PUBLIC, BulletinState.WAITING)
    rows = connection.execute(
        f"SELECT id FROM bulletin WHERE state NOT IN ({_marks(others)}) ORDER BY seq DESC LIMIT ?",
        (*others, MAX_OVER),
    ).fetchall()
    return documents(connection, [found for (found,) in rows])


def state(connection: sqlite3.Connection, bulletin_id: bytes) -> BulletinState | None:
    row = connection.execute("SELECT state FROM bulletin WHERE id = ?", (bulletin_id,)).fetchone()
    return BulletinState(row[0]) if row else None


def bulletin(connection: sqlite3.Connection, bulletin_id: bytes) -> Bulletin | None:
    row = connection.execute(
        "SELECT bytes FROM log JOIN document USING (seq) WHERE id = ?", (bulletin_id,)
    ).fetchone()
    found = next(_documents([row] if row else []), None)
    return found if isinstance(found, Bulletin) else None


def approvals(connection: sqlite3.Connection, bulletin_id: bytes) -> list[Vote]:
    """Approvals of one bulletin, oldest first; every one of them was admitted."""
    rows = connection.execute(
        "SELECT bytes FROM log JOIN document USING (seq) WHERE subject = ? AND kind = ?"
        " ORDER BY seq",
        (bulletin_id, Kind.APPROVAL),
    )
    return [found for found in _documents(rows) if isinstance(found, Vote)]


def unreceipted(connection: sqlite3.Connection, own_key: bytes, most: int) -> list[bytes]:
    """Ids of bulletins from elsewhere that are confirmed here and in no receipt of ours."""
    rows = connection.execute(
        "SELECT bytes FROM log JOIN document USING (seq) WHERE kind = ? AND author = ?"
        " ORDER BY seq DESC LIMIT ?",
        (Kind.RECEIPT, f"key:{own_key.hex()}", MAX_RECEIPTS),
    )
    told = {one for r in _documents(rows) if isinstance(r, Receipt) for one in r.bulletins}
    foreign = connection.execute(
        f"SELECT id FROM bulletin JOIN log USING (seq, id) WHERE state IN ({_marks(CONFIRMED)})"
        " AND via NOT IN (?, ?) ORDER BY seq",
        (*CONFIRMED, Via.NODE, Via.WEB),
    )
    return [found for (found,) in foreign if found not in told][:most]


def _documents(rows: Iterable[tuple[bytes]]) -> Iterator[AnyDocument]:
    for (data,) in rows:
        try:
            yield sealed.decode(data)
        except WireError:  # a row that somebody put there: the doctor names it
            continue


def _marks(values: Collection[object]) -> str:
    return ",".join("?" * len(values))
