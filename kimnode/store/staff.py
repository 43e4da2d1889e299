"""The gateway's share of what unlocks a volunteer's key in the browser, and the tries of the PIN.

The private key never comes here. A share is worth nothing without the phone's own salt and the PIN.
"""

import sqlite3

from kimnode.errors import Reason, Refused

FREE_TRIES = 5
FIRST_DELAY_S = 30
MAX_DELAY_S = 3600  # 24 tries a day: a PIN of six digits holds for a lifetime


def give_share(connection: sqlite3.Connection, public_key: bytes, secret: bytes) -> None:
    """A new key's share: 32 random bytes. Refused(BAD_ID) when the key has one already."""
    if connection.execute("SELECT 1 FROM share WHERE public_key = ?", (public_key,)).fetchone():
        raise Refused(Reason.BAD_ID, "this key is enrolled already")
    connection.execute("INSERT INTO share (public_key, secret) VALUES (?, ?)", (public_key, secret))


def try_share(connection: sqlite3.Connection, public_key: bytes, now: int) -> bytes:
    """The secret of this key's share; counted as a try until `trusted()`.

    Refused(TOO_FAST) after FREE_TRIES, longer each time. The wait is never longer than the delay
    itself, so a clock that was years ahead locks nobody out.
    """
    row = connection.execute(
        "SELECT secret, tries, not_before FROM share WHERE public_key = ?", (public_key,)
    ).fetchone()
    if row is None:
        raise Refused(Reason.UNKNOWN_KEY, "not enrolled here")
    secret, tries, not_before = row
    wait_s = min(not_before - now, delay_s(tries))
    if wait_s > 0:
        raise Refused(Reason.TOO_FAST, "tries of the PIN", float(wait_s))
    tries += 1
    connection.execute(
        "UPDATE share SET tries = ?, not_before = ? WHERE public_key = ?",
        (tries, now + delay_s(tries), public_key),
    )
    return bytes(secret)


def trusted(connection: sqlite3.Connection, public_key: bytes) -> None:
    """A request with a valid signature came: the PIN was right."""
    connection.execute(
        "UPDATE share SET tries = 0, not_before = 0 WHERE public_key = ? AND tries > 0",
        (public_key,),
    )


def delay_s(tries: int) -> int:
    """How long to wait after so many tries."""
    if tries < FREE_TRIES:
        return 0
    return min(FIRST_DELAY_S << min(tries - FREE_TRIES, 8), MAX_DELAY_S)


def is_enrolled(connection: sqlite3.Connection, public_key: bytes) -> bool:
    """Whether this key was made in a browser with an invitation of this node."""
    query = "SELECT 1 FROM share WHERE public_key = ?"
    return connection.execute(query, (public_key,)).fetchone() is not None


def keep_reason(connection: sqlite3.Connection, vote: bytes, reason: str) -> None:
    """Why somebody refused a draft, beside the vote with this id: for the staff here only."""
    connection.execute("INSERT OR IGNORE INTO reason VALUES (?, ?)", (vote, reason))


def reason(connection: sqlite3.Connection, vote: bytes) -> str:
    """Why, or "" when nobody said so here."""
    row = connection.execute("SELECT text FROM reason WHERE vote = ?", (vote,)).fetchone()
    return str(row[0]) if row else ""
