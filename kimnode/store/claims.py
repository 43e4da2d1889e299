"""Claims and the reports that belong to them. Who reported is in the log, never in these answers.

Not rebuilt from the log: that a verifier has taken or closed a claim is known here only.
"""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from kimnode.errors import Reason, Refused
from kimnode.record import Entry
from kimnode.rules.bulletins import BulletinState
from kimnode.rules.claims import (
    LIST_REPORTS,
    LIST_WITHIN_S,
    MAX_OPEN_CLAIMS,
    MAX_VARIANTS,
    ClaimState,
    ClaimStep,
    Known,
    match,
    step,
    words_of,
)
from kimnode.wire.codes import Form

UNSETTLED = (ClaimState.OPEN, ClaimState.LISTED, ClaimState.CHECKING)
COMPARED = (*UNSETTLED, ClaimState.ANSWERED)  # a report of an answered rumour gets the answer
COLUMNS = "id, text, state, opened_at, changed_at, listed_at, bulletin"
STEP_OF_BULLETIN = {
    BulletinState.VIA_POST: ClaimStep.ANSWER,
    BulletinState.VERIFIED: ClaimStep.ANSWER,
    BulletinState.REJECTED: ClaimStep.RELEASE,
    BulletinState.WITHDRAWN: ClaimStep.REOPEN,
    BulletinState.EXPIRED: ClaimStep.CLOSE,
}


@dataclass(frozen=True, slots=True)
class Claim:
    """`id` is the 3 of "K-3". `listed`: shown as BELUM DICEK. `bulletin`: seq of its answer."""

    id: int
    text: str  # the first report's words
    state: ClaimState
    opened_at: int
    changed_at: int
    listed: bool
    bulletin: int | None
    reports: int
    people: int


def file(connection: sqlite3.Connection, entry: Entry) -> int:
    """Put a report where it belongs; the claim's id. One that is filed already stays there."""
    known = claim_of(connection, entry.seq)
    if known is not None:
        return known
    text = entry.record.body.text if entry.record.body else ""
    words = words_of(text)
    claim = match(words, _known(connection))
    if claim is None:
        claim = _open(connection, text, words, entry.received_at)
    else:
        _learn(connection, claim, words)
    connection.execute("INSERT INTO report VALUES (?, ?)", (entry.seq, claim))
    _make_room(connection, entry.received_at)
    if _is_burst(connection, claim, entry.received_at):
        advance(connection, claim, ClaimStep.BURST, entry.received_at)
        connection.execute(
            "UPDATE claim SET listed_at = coalesce(listed_at, ?) WHERE id = ?",
            (entry.received_at, claim),
        )
    return claim


def advance(connection: sqlite3.Connection, claim: int, happened: ClaimStep, now: int) -> bool:
    """One step of its life; False when the table does not allow it now."""
    row = connection.execute("SELECT state FROM claim WHERE id = ?", (claim,)).fetchone()
    if row is None or (after := step(ClaimState(row[0]), happened)) is None:
        return False
    connection.execute(
        "UPDATE claim SET state = ?, changed_at = ? WHERE id = ?", (after, now, claim)
    )
    return True


def check_open(connection: sqlite3.Connection, claim: int) -> None:
    """Refused(UNKNOWN_SUBJECT, DECIDED) unless somebody may take the claim."""
    known = get(connection, claim)
    if known is None:
        raise Refused(Reason.UNKNOWN_SUBJECT)
    if step(known.state, ClaimStep.TAKE) is None:
        raise Refused(Reason.DECIDED)


def take(connection: sqlite3.Connection, claim: int, bulletin: int, now: int) -> None:
    """This bulletin (its log position) is to answer the claim. Refused(UNKNOWN_SUBJECT, DECIDED).

    A notice says that nothing is known yet: it takes nothing off the list.
    """
    row = connection.execute(
        "SELECT form, state FROM bulletin WHERE seq = ?", (bulletin,)
    ).fetchone()
    if row is None:
        raise Refused(Reason.UNKNOWN_SUBJECT)
    check_open(connection, claim)
    if row[0] == Form.NOTICE:
        return
    advance(connection, claim, ClaimStep.TAKE, now)
    connection.execute("UPDATE claim SET bulletin = ? WHERE id = ?", (bulletin, claim))
    follow(connection, bulletin, BulletinState(row[1]), now)


def follow(connection: sqlite3.Connection, bulletin: int, state: BulletinState, now: int) -> None:
    """The bulletin has come to this state: so has the claim that it answers."""
    happened = STEP_OF_BULLETIN.get(state)
    if happened is None:
        return
    rows = connection.execute("SELECT id FROM claim WHERE bulletin = ?", (bulletin,)).fetchall()
    for (claim,) in rows:
        advance(connection, claim, happened, now)


def close(connection: sqlite3.Connection, claim: int, now: int) -> None:
    """Nothing to check. Refused(DECIDED) when it is closed already, or there is none."""
    if not advance(connection, claim, ClaimStep.CLOSE, now):
        raise Refused(Reason.DECIDED)


def get(connection: sqlite3.Connection, claim: int) -> Claim | None:
    row = connection.execute(f"SELECT {COLUMNS} FROM claim WHERE id = ?", (claim,)).fetchone()
    return _claim(connection, row) if row else None


def claim_of(connection: sqlite3.Connection, seq: int) -> int | None:
    """The claim of the report at this log position."""
    row = connection.execute("SELECT claim FROM report WHERE seq = ?", (seq,)).fetchone()
    return int(row[0]) if row else None


def answering(connection: sqlite3.Connection, bulletin: int) -> list[Claim]:
    """The claims that the bulletin at this log position answers or is to answer."""
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM claim WHERE bulletin = ? ORDER BY id", (bulletin,)
    )
    return [_claim(connection, row) for row in rows.fetchall()]


def unsettled(connection: sqlite3.Connection) -> list[Claim]:
    """What a verifier sees: most reported first, then oldest."""
    claims = _in(connection, UNSETTLED)
    return sorted(claims, key=lambda claim: (-claim.people, claim.id))


def listed(connection: sqlite3.Connection) -> list[Claim]:
    """BELUM DICEK: what villagers are shown because many ask and nobody has answered yet."""
    return [claim for claim in unsettled(connection) if claim.listed]


def reports(connection: sqlite3.Connection, claim: int) -> list[int]:
    """Log positions of a claim's reports, oldest first."""
    rows = connection.execute("SELECT seq FROM report WHERE claim = ? ORDER BY seq", (claim,))
    return [seq for (seq,) in rows]


def open_reports_by(connection: sqlite3.Connection, author: str) -> int:
    """How many reports of this author wait for an answer."""
    marks = ",".join("?" * len(UNSETTLED))
    (count,) = connection.execute(
        "SELECT count(*) FROM report JOIN log USING (seq) JOIN claim ON claim.id = report.claim"
        f" WHERE author = ? AND state IN ({marks})",
        (author, *UNSETTLED),
    ).fetchone()
    return int(count)


def _in(connection: sqlite3.Connection, states: Collection[ClaimState]) -> list[Claim]:
    marks = ",".join("?" * len(states))
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM claim WHERE state IN ({marks}) ORDER BY id", tuple(states)
    )
    return [_claim(connection, row) for row in rows.fetchall()]


def _claim(connection: sqlite3.Connection, row: tuple[int, str, str, int, int, int, int]) -> Claim:
    claim, text, state, opened_at, changed_at, listed_at, bulletin = row
    count, people = connection.execute(
        "SELECT count(*), count(DISTINCT author) FROM report JOIN log USING (seq) WHERE claim = ?",
        (claim,),
    ).fetchone()
    listed_now = listed_at is not None and state in UNSETTLED
    return Claim(
        *(claim, text, ClaimState(state), opened_at, changed_at, listed_now, bulletin),
        *(count, people),
    )


def _known(connection: sqlite3.Connection) -> list[Known]:
    marks = ",".join("?" * len(COMPARED))
    rows = connection.execute(
        f"SELECT id, words FROM claim WHERE state IN ({marks}) ORDER BY changed_at DESC LIMIT ?",
        (*COMPARED, 2 * MAX_OPEN_CLAIMS),
    )
    return [Known(claim, tuple(tuple(v.split()) for v in w.split("\n"))) for claim, w in rows]


def _open(connection: sqlite3.Connection, text: str, words: tuple[str, ...], now: int) -> int:
    cursor = connection.execute(
        "INSERT INTO claim (text, words, state, opened_at, changed_at) VALUES (?, ?, ?, ?, ?)",
        (text, " ".join(words), ClaimState.OPEN, now, now),
    )
    return int(cursor.lastrowid or 0)


def _make_room(connection: sqlite3.Connection, now: int) -> None:
    """A flood of invented rumours closes the least told of them, never what many ask."""
    rows = connection.execute(
        "SELECT id FROM claim WHERE state = ? ORDER BY"
        " (SELECT count(*) FROM report WHERE claim = claim.id) DESC, id DESC LIMIT -1 OFFSET ?",
        (ClaimState.OPEN, MAX_OPEN_CLAIMS),
    ).fetchall()
    for (claim,) in rows:
        advance(connection, claim, ClaimStep.CLOSE, now)


def _learn(connection: sqlite3.Connection, claim: int, words: tuple[str, ...]) -> None:
    """Another telling, so that the next one is recognised by it too."""
    (kept,) = connection.execute("SELECT words FROM claim WHERE id = ?", (claim,)).fetchone()
    variants = kept.split("\n")
    telling = " ".join(words)
    if telling not in variants and len(variants) < MAX_VARIANTS:
        text = "\n".join([*variants, telling])
        connection.execute("UPDATE claim SET words = ? WHERE id = ?", (text, claim))


def _is_burst(connection: sqlite3.Connection, claim: int, now: int) -> bool:
    """Whether so many different people have told it lately; one who repeats it is one."""
    (people,) = connection.execute(
        "SELECT count(DISTINCT author) FROM report JOIN log USING (seq)"
        " WHERE claim = ? AND received_at BETWEEN ? AND ?",
        (claim, now - LIST_WITHIN_S, now),
    ).fetchone()
    return bool(people >= LIST_REPORTS)
