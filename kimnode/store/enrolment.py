"""Invitations for volunteers' browsers: each is used once, and kept only as a hash.

An enrolled key counts for nothing until the district has certified it.
"""

import hashlib
import sqlite3
from dataclasses import dataclass

from kimnode.errors import Reason, Refused
from kimnode.wire.codes import Role

INVITE_AGE_S = 7 * 86_400
MAX_INVITES = 500  # of people who never came, the oldest go first


@dataclass(frozen=True, slots=True)
class Invitation:
    """Who is to make a key, as whoever invites them knows them. `person`: the district's number."""

    name: str
    person: int
    role: Role


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A key that was made in the browser of somebody who had an invitation."""

    invitation: Invitation
    public_key: bytes
    used_at: int


def invite(connection: sqlite3.Connection, code: str, invitation: Invitation, now: int) -> None:
    """Whoever shows this code within INVITE_AGE_S may enrol one key under this name."""
    connection.execute(
        "INSERT INTO enrolment (code, name, person, role, made_at) VALUES (?, ?, ?, ?, ?)",
        (_hashed(code), invitation.name, invitation.person, invitation.role, now),
    )
    connection.execute(
        "DELETE FROM enrolment WHERE used_at IS NULL AND code NOT IN (SELECT code FROM enrolment"
        " WHERE used_at IS NULL ORDER BY made_at DESC, code LIMIT ?)",
        (MAX_INVITES,),
    )


def find(connection: sqlite3.Connection, code: str, now: int) -> Invitation | None:
    """The open invitation with this code; None when there is none, or it was used or is old.

    A clock that was set back does not close it: only what is certainly old is.
    """
    row = connection.execute(
        "SELECT name, person, role FROM enrolment"
        " WHERE code = ? AND used_at IS NULL AND made_at > ?",
        (_hashed(code), now - INVITE_AGE_S),
    ).fetchone()
    return _invitation(*row) if row else None


def enrol(connection: sqlite3.Connection, code: str, public_key: bytes, now: int) -> Invitation:
    """Use up the invitation for this key. Refused(NO_INVITATION), or BAD_ID: the key is known."""
    invitation = find(connection, code, now)
    if invitation is None:
        raise Refused(Reason.NO_INVITATION)
    known = "SELECT 1 FROM enrolment WHERE public_key = ? AND used_at IS NOT NULL"
    if connection.execute(known, (public_key,)).fetchone():
        raise Refused(Reason.BAD_ID, "this key is enrolled already")
    connection.execute(
        "UPDATE enrolment SET used_at = ?, public_key = ? WHERE code = ?",
        (now, public_key, _hashed(code)),
    )
    return invitation


def enrolled(connection: sqlite3.Connection) -> list[Enrolled]:
    """Every key that was made with an invitation, oldest first."""
    rows = connection.execute(
        "SELECT name, person, role, public_key, used_at FROM enrolment"
        " WHERE used_at IS NOT NULL ORDER BY used_at, code"
    )
    return [Enrolled(_invitation(*row[:3]), *row[3:]) for row in rows]


def _invitation(name: str, person: int, role: int) -> Invitation:
    return Invitation(name, person, Role(role))


def _hashed(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
