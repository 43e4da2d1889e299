"""Volunteers' browsers: invitations (each used once) and the gateway's share of what unlocks a key.

The private key never comes here. A share is worth nothing without the phone's own salt and the PIN.
"""

import hashlib
import sqlite3
from dataclasses import dataclass

from kimnode.errors import Reason, Refused
from kimnode.wire.codes import Role

INVITE_AGE_S = 7 * 86_400
MAX_INVITES = 500  # of people who never came, the oldest go first
FREE_TRIES = 5
FIRST_DELAY_S = 30
MAX_DELAY_S = 3600  # 24 tries a day: a PIN of six digits holds for a lifetime


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Who made a key in a browser. It counts only once the district has certified it."""

    name: str
    person: int
    role: Role
    public_key: bytes
    used_at: int


def invite(
    connection: sqlite3.Connection, code: str, name: str, person: int, role: Role, now: int
) -> None:
    """Whoever shows this code within INVITE_AGE_S may enrol one key under this name."""
    connection.execute(
        "INSERT INTO enrolment (code, name, person, role, made_at) VALUES (?, ?, ?, ?, ?)",
        (_hashed(code), name, person, role, now),
    )
    connection.execute(
        "DELETE FROM enrolment WHERE used_at IS NULL AND code NOT IN (SELECT code FROM enrolment"
        " WHERE used_at IS NULL ORDER BY made_at DESC LIMIT ?)",
        (MAX_INVITES,),
    )


def invited(connection: sqlite3.Connection, code: str, now: int) -> str:
    """The name that the invitation was made for. Refused(BAD_ID) unless it can be used.

    A clock that was set back does not close it: only what is certainly old is.
    """
    row = connection.execute(
        "SELECT name FROM enrolment WHERE code = ? AND used_at IS NULL AND made_at > ?",
        (_hashed(code), now - INVITE_AGE_S),
    ).fetchone()
    if row is None:
        raise Refused(Reason.BAD_ID, "no open invitation with this code")
    return str(row[0])


def enrol(
    connection: sqlite3.Connection, code: str, public_key: bytes, secret: bytes, now: int
) -> None:
    """Use up the invitation. `secret`: 32 random bytes of the gateway's share for this key."""
    invited(connection, code, now)
    taken = connection.execute("SELECT 1 FROM share WHERE public_key = ?", (public_key,)).fetchone()
    if taken:
        raise Refused(Reason.BAD_ID, "this key is enrolled already")
    connection.execute(
        "UPDATE enrolment SET used_at = ?, public_key = ? WHERE code = ?",
        (now, public_key, _hashed(code)),
    )
    connection.execute("INSERT INTO share (public_key, secret) VALUES (?, ?)", (public_key, secret))


def enrolled(connection: sqlite3.Connection) -> list[Enrolled]:
    """Every key that was made with an invitation, oldest first."""
    rows = connection.execute(
        "SELECT name, person, role, public_key, used_at FROM enrolment"
        " WHERE used_at IS NOT NULL ORDER BY used_at"
    ).fetchall()
    return [Enrolled(name, person, Role(role), key, at) for name, person, role, key, at in rows]


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


def _hashed(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
